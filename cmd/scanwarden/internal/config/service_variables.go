package config

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// reServiceVariable matches the names of the variables that Kubernetes gives every container for a Service whose name is
// scanwarden or begins with it: its host and ports, and the same in the form of Docker links
// (kubernetes.io/docs/concepts/services-networking/service, "Environment variables").
var reServiceVariable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^SCANWARDEN(?:_[A-Z0-9_]+?)??_(?:(SERVICE_HOST)|(SERVICE_PORT)(?:_[A-Z0-9_]+)?|(PORT)|PORT_[0-9]+_(?:(TCP|UDP|SCTP)|(?:TCP|UDP|SCTP)_(PROTO|PORT|ADDR)))$`)
})

// reServiceURL matches the value of a port in the form of Docker links.
var reServiceURL = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(tcp|udp|sctp)://`) })

// isServiceVariable reports whether a variable is one that Kubernetes makes for a Service. Name and value must both have
// the form: SCANWARDEN_PORT=8484 is a user's, and a mistake.
func isServiceVariable(name, value string) bool {
	found := reServiceVariable().FindStringSubmatch(name)
	if found == nil {
		return false
	}
	_, notNumber := strconv.ParseUint(value, 10, 16)
	_, notAddress := netip.ParseAddr(value)
	switch {
	case found[1] != "" || found[5] == "ADDR":
		return notAddress == nil
	case found[2] != "" || found[5] == "PORT":
		return notNumber == nil
	case found[5] == "PROTO":
		return value == "tcp" || value == "udp" || value == "sctp"
	}
	return reServiceURL().MatchString(value)
}

// ServiceVariables returns the names of the variables that Kubernetes has made for a Service, sorted.
func (e Environment) ServiceVariables() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if isServiceVariable(name, e[name]) {
			names = append(names, name)
		}
	}
	return names
}
