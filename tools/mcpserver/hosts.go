package mcpserver

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// SameHost returns the entry of hosts that names the same host as header, a Host header. It compares canonical forms,
// see canonicalHost. It returns false if there is none.
func SameHost(hosts []string, header string) (string, bool) {
	if slices.Contains(hosts, header) { // nearly always
		return header, true
	}
	want, ok := canonicalHost(header)
	if !ok {
		return "", false
	}
	i := slices.IndexFunc(hosts, func(host string) bool {
		have, ok := canonicalHost(host)
		return ok && have == want
	})
	if i < 0 {
		return "", false
	}
	return hosts[i], true
}

// lookupNames is idna.Lookup, except that it allows the underscores of container networks.
var lookupNames = idna.New(idna.MapForLookup(), idna.StrictDomainName(false))

// canonicalHost returns a Host header in one form: lower case, Punycode, addresses as netip prints them, no dot at the
// end, and no default port. The header does not say whether TLS was used, so 80 and 443 are both a default. It returns
// false for text that is no host.
func canonicalHost(header string) (string, bool) {
	name, port, ok := splitHostPort(header)
	if !ok {
		return "", false
	}
	if port == "80" || port == "443" {
		port = ""
	}
	return joinHostPort(name, port), true
}

// canonicalOrigin returns an Origin header in one form, as canonicalHost does. Only the default port of its own scheme
// is left out. It returns false for text that is no origin of a web page, such as null.
func canonicalOrigin(header string) (string, bool) {
	scheme, host, ok := strings.Cut(header, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return "", false
	}
	name, port, ok := splitHostPort(host)
	if !ok {
		return "", false
	}
	if port == "80" && scheme == "http" || port == "443" && scheme == "https" {
		port = ""
	}
	return scheme + "://" + joinHostPort(name, port), true
}

// splitHostPort returns the canonical name and the port of host, "" if it has none. It returns false for a host with a
// user, a path, a query or a fragment, and for a name or address that is malformed.
func splitHostPort(host string) (name, port string, ok bool) {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || u.Hostname() == "" || strings.HasSuffix(host, ":") {
		return "", "", false
	}
	name = strings.TrimSuffix(u.Hostname(), ".")
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().String(), u.Port(), address.Zone() == ""
	}
	name, err = lookupNames.ToASCII(name)
	return name, u.Port(), err == nil && name != "" && !strings.Contains(u.Host, "[")
}

// joinHostPort returns a name or address with its port, if there is one.
func joinHostPort(name, port string) string {
	if port != "" {
		return net.JoinHostPort(name, port)
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// allowsAddress reports whether Host and Origin of a request are allowed. If it returns false, it has answered the
// request with an error, and logs what to set about once a minute for each address.
func (h *httpHandler) allowsAddress(w http.ResponseWriter, r *http.Request) bool {
	if _, ok := SameHost(h.cfg.Hosts, r.Host); !ok {
		h.logRefusedAddress(r, "Host", r.Host)
		http.Error(w, "this server does not serve this host name; set SCANWARDEN_PUBLIC_URL to the URL that callers use", http.StatusMisdirectedRequest)
		return false
	}
	if i := slices.IndexFunc(r.Header.Values("Origin"), func(origin string) bool { return !h.allowsOrigin(origin) }); i >= 0 {
		if values := r.Header.Values("Origin"); len(values) > 1 || values[i] != "" {
			h.logRefusedAddress(r, "Origin", values[i])
			http.Error(w, "web pages of this origin cannot call scanwarden; only pages of its own URL can, which SCANWARDEN_PUBLIC_URL sets", http.StatusForbidden)
			return false
		}
	}
	return true
}

// allowsOrigin reports whether one value of the Origin header is allowed. Each value must be: parsers disagree on which
// of several counts. A single empty value does not come from a browser.
func (h *httpHandler) allowsOrigin(origin string) bool {
	want, ok := canonicalOrigin(origin)
	return ok && slices.ContainsFunc(h.cfg.Origins, func(allowed string) bool {
		have, ok := canonicalOrigin(allowed)
		return ok && have == want
	})
}

// maxLoggedAddress bounds what the log repeats of a header.
const maxLoggedAddress = 100

// logRefusedAddress logs the refusal of a header with the setting that would change it. A value that is no host or
// origin is not repeated: it may hold anything.
func (h *httpHandler) logRefusedAddress(r *http.Request, header, value string) {
	if !h.addresses.MayLog(remoteAddress(r)) {
		return
	}
	shown, ok := canonicalHost(value)
	if header == "Origin" {
		shown, ok = canonicalOrigin(value)
	}
	if !ok || len(shown) > maxLoggedAddress {
		shown = "(malformed)"
	}
	h.server.cfg.Log.WarnContext(r.Context(), "a request was refused because of its "+header+" header", "value", shown, "from", r.RemoteAddr,
		"do", "if callers use this address, set http.public_url (SCANWARDEN_PUBLIC_URL) to their URL, and let the proxy keep the Host header")
}
