package defendertest

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// checkTargets returns an error unless each entry of the comma-separated target fits targetType. The grammar is the
// simulator's policy: the API page has addresses or host names, the portal adds ranges, a public example has a prefix.
// Spaces are errors, because no example has one. There is no limit, because none is documented.
func checkTargets(scan object) error {
	target, _ := scan["target"].(string)
	for entry := range strings.SplitSeq(target, ",") {
		address := isAddress(entry) || isRange(entry)
		host := !address && isHostname(entry)
		ok := false
		switch scan["targetType"] {
		case "Ip":
			ok = address
		case "Hostname":
			ok = host
		case "Combined":
			ok = address || host
		}
		if !ok {
			return invalidInput("target", entry)
		}
	}
	return nil
}

func isAddress(entry string) bool {
	_, addrErr := netip.ParseAddr(entry)
	_, prefixErr := netip.ParsePrefix(entry)
	return addrErr == nil || prefixErr == nil
}

// isRange reports whether entry is a range, 192.0.2.1-192.0.2.9 or in the short form 192.0.2.1-9.
func isRange(entry string) bool {
	from, to, ok := strings.Cut(entry, "-")
	first, err := netip.ParseAddr(from)
	if !ok || err != nil {
		return false
	}
	if n, err := strconv.ParseUint(to, 10, 8); err == nil {
		return first.Is4() && uint64(first.As4()[3]) <= n
	}
	last, err := netip.ParseAddr(to)
	return err == nil && first.BitLen() == last.BitLen() && first.Compare(last) <= 0
}

var reLabel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`) })

// isHostname reports whether entry consists of dotted labels, the last of which is not a number: 10.0.0.999 is a mistyped
// address.
func isHostname(entry string) bool {
	labels := strings.Split(entry, ".")
	for _, l := range labels {
		if !reLabel().MatchString(l) {
			return false
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return err != nil && len(entry) <= 253
}
