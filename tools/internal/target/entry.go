package target

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"go4.org/netipx"
)

// entry is one of the comma-separated parts of a target.
type entry struct {
	kind string // IP or Hostname
	text string // canonical
	entryKey
}

// entryKey is equal for entries that mean the same. One of its two fields is set.
type entryKey struct {
	addresses netipx.IPRange
	host      string // in lower case
}

func parseEntry(text string) (entry, error) {
	switch {
	case text == "":
		return entry{}, &Error{
			Problem: "is empty or has an empty entry",
			Next:    `separate entries by single commas, as in "192.0.2.10,192.0.2.11"`,
		}
	case !looksNumeric(text):
		return parseHostname(text)
	case strings.Contains(text, "/"):
		return parseCIDR(text)
	case strings.Contains(text, "-"):
		return parseRange(text)
	}
	addr, err := parseAddress(text)
	if err != nil {
		return entry{}, err
	}
	return addressEntry(addr.String(), netipx.IPRangeFrom(addr, addr)), nil
}

// looksNumeric reports whether text is meant as an address, well formed or not, and not as a name.
func looksNumeric(text string) bool {
	return strings.ContainsAny(text, ":/") || strings.Trim(text, "0123456789.-*[] ") == ""
}

func addressEntry(canonical string, r netipx.IPRange) entry {
	return entry{IP, canonical, entryKey{addresses: r}}
}

func parseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return addr, &Error{text, "is not an IP address, CIDR, range or hostname",
			"write it like 192.0.2.10, 192.0.2.0/28, 192.0.2.10-192.0.2.20 or switch1.example.com"}
	case addr.Zone() != "":
		return addr, &Error{text, "has a zone, which means nothing to another machine", "write " + addr.WithZone("").String()}
	case addr.Is4In6():
		return addr, &Error{text, "is an IPv4 address written as IPv6", "write " + addr.Unmap().String()}
	}
	return addr, nil
}

func parseCIDR(text string) (entry, error) {
	base, _, _ := strings.Cut(text, "/")
	addr, err := parseAddress(base)
	if err != nil {
		return entry{}, err
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return entry{}, &Error{text, "has a bad prefix length", fmt.Sprintf("use /0 to /%d", addr.BitLen())}
	}
	if prefix != prefix.Masked() {
		return entry{}, &Error{text, "points inside its network",
			fmt.Sprintf("write %s for the whole network, or %s for the one address", prefix.Masked(), addr)}
	}
	return addressEntry(prefix.String(), netipx.RangeOfPrefix(prefix)), nil
}

func parseRange(text string) (entry, error) {
	left, right, _ := strings.Cut(text, "-")
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	if left == "" || right == "" {
		return entry{}, &Error{text, "is a range that lacks an end", "write it like 192.0.2.10-192.0.2.20"}
	}
	from, err := parseAddress(left)
	if err != nil {
		return entry{}, err
	}
	if _, err := strconv.ParseUint(right, 10, 8); err == nil && from.Is4() {
		right = left[:strings.LastIndex(left, ".")+1] + right
	}
	to, err := parseAddress(right)
	if err != nil {
		return entry{}, err
	}
	switch {
	case from.Is4() != to.Is4():
		return entry{}, &Error{text, "is a range that mixes IPv4 and IPv6", "write both ends in one family"}
	case to.Less(from):
		return entry{}, &Error{text, "is a range that runs backwards", fmt.Sprintf("write %s-%s", to, from)}
	}
	r := netipx.IPRangeFrom(from, to)
	return addressEntry(r.String(), r), nil
}

// parseHostname follows RFC 1123 section 2.1: labels of 1 to 63 letters, digits and inner hyphens, 253
// characters in all.
func parseHostname(text string) (entry, error) {
	problem := hostnameProblem(text)
	if problem != "" {
		return entry{}, &Error{text, "is not a hostname: " + problem, "write it like switch1.example.com"}
	}
	return entry{Hostname, text, entryKey{host: strings.ToLower(text)}}, nil
}

func hostnameProblem(text string) string {
	if len(text) > 253 {
		return "it is longer than 253 characters"
	}
	if i := strings.IndexAny(text, typographicDashes); i >= 0 {
		dash, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Sprintf("it has the dash U+%04X in place of a hyphen", dash)
	}
	for label := range strings.SplitSeq(text, ".") {
		switch {
		case label == "" || len(label) > 63:
			return "each part between dots has 1 to 63 characters"
		case label[0] == '-' || label[len(label)-1] == '-':
			return "no part begins or ends with a hyphen"
		case strings.ContainsFunc(label, func(r rune) bool { return !isHostRune(r) }):
			return "only ASCII letters, digits, hyphens, underscores and dots are allowed"
		}
	}
	if endsInNumber(text) {
		return "it ends in a number like an address"
	}
	return ""
}

// endsInNumber reports whether resolvers take a name for an IPv4 address, such as 0x8080808 for 8.8.8.8 (inet_aton;
// the URL standard's "ends in a number").
func endsInNumber(text string) bool {
	last := strings.ToLower(text[strings.LastIndex(text, ".")+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

func isHostRune(r rune) bool {
	return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
