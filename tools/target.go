package tools

import (
	"net/netip"
	"strconv"
	"strings"
)

// The two values of targetType that Microsoft documents; a live scan may hold both kinds, which the service's
// metadata calls Combined.
const (
	byIP       = "Ip"
	byHostname = "Hostname"
	mixedKinds = "Combined"
)

// Our own bounds: Microsoft states none for target. Far above what one scanner can work through, and small
// enough that a person can still be shown all of it.
const (
	maxTargetBytes   = 32 << 10
	maxTargetEntries = 2000
)

// target is a parsed target: canonical entries in the order they were given, none of them twice.
type target struct {
	kind    string // byIP or byHostname
	entries []string
	spans   []span   // the addresses, merged; empty for hostnames
	dropped []string // what stood there twice
}

// targetEntry is one of the comma-separated parts.
type targetEntry struct {
	kind string
	text string // canonical
	meaning
}

// meaning is equal for entries that mean the same: one of its two fields is set.
type meaning struct {
	span span
	host string // in lower case
}

// parseTarget reads a target of the kind, or of the kind of its first entry when kind is "". Accepted are, for
// Ip, an address, a CIDR, and the ranges a.b.c.d-a.b.c.e and a.b.c.d-e; for Hostname, names as in RFC 1123,
// underscores tolerated.
func parseTarget(text, kind string) (target, error) {
	if len(text) > maxTargetBytes {
		return target{}, refuse("target", "target is %s long, and at most %s are taken",
			counted(uint64(len(text)), "byte", "bytes"), number(maxTargetBytes)).then("split it over several scans")
	}
	t, seen := target{kind: kind}, map[meaning]bool{}
	var spans []span
	for _, part := range strings.Split(text, ",") {
		e, err := parseEntry(strings.TrimSpace(part))
		if err != nil {
			return target{}, err
		}
		if t.kind == "" {
			t.kind = e.kind
		}
		switch {
		case e.kind != t.kind:
			return target{}, mixed(e, t)
		case seen[e.meaning]:
			t.dropped = append(t.dropped, e.text)
			continue
		}
		seen[e.meaning] = true
		t.entries = append(t.entries, e.text)
		if e.kind == byIP {
			spans = append(spans, e.span)
		}
	}
	if len(t.entries) > maxTargetEntries {
		return target{}, refuse("target", "target has %s, and at most %s are taken",
			counted(uint64(len(t.entries)), "entry", "entries"), number(maxTargetEntries)).
			then("split it over several scans, or write neighbours as a CIDR or a range")
	}
	t.spans = merged(spans)
	return t, nil
}

func mixed(odd targetEntry, t target) error {
	words := map[string]string{byIP: "an address", byHostname: "a hostname"}
	other := "targetType is " + t.kind
	if len(t.entries) > 0 {
		other = quoted(t.entries[0]) + " is " + words[t.kind]
	}
	return refuse("target", "target mixes kinds: %s is %s, but %s", quoted(odd.text), words[odd.kind], other).
		then("make one scan with targetType Ip and one with targetType Hostname")
}

// String is the canonical text: it parses to the same target again.
func (t target) String() string { return strings.Join(t.entries, ",") }

// count is the number of distinct addresses, or of hostnames, or of entries where there are both.
func (t target) count() uint64 {
	if t.kind != byIP {
		return uint64(len(t.entries))
	}
	var n uint64
	for _, s := range t.spans {
		n = addCapped(n, s.size())
	}
	return n
}

// shares returns what two targets have in common, in words; the empty string is nothing.
func (t target) shares(other target) string {
	if s, ok := common(t.spans, other.spans); ok {
		return s.String()
	}
	if t.kind == byIP || other.kind == byIP {
		return ""
	}
	names := map[string]bool{}
	for _, e := range other.entries {
		names[strings.ToLower(e)] = true
	}
	for _, e := range t.entries {
		if names[strings.ToLower(e)] {
			return quoted(e)
		}
	}
	return ""
}

// readTarget is parseTarget for what Defender already has: what it cannot read it leaves out.
func readTarget(text string) target {
	var t target
	var spans []span
	for _, part := range strings.Split(text, ",") {
		e, err := parseEntry(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		t.entries = append(t.entries, e.text)
		if t.kind != "" && t.kind != e.kind {
			e.kind = mixedKinds
		}
		t.kind = e.kind
		if e.span.from.IsValid() {
			spans = append(spans, e.span)
		}
	}
	t.spans = merged(spans)
	return t
}

func parseEntry(text string) (targetEntry, error) {
	switch {
	case text == "":
		return targetEntry{}, refuse("target", "target is empty or has an empty entry").
			then(`separate entries by single commas, as in "192.0.2.10,192.0.2.11"`)
	case !numeric(text):
		return parseHostname(text)
	case strings.Contains(text, "/"):
		return parseCIDR(text)
	case strings.Contains(text, "-"):
		return parseRange(text)
	}
	addr, err := parseAddress(text)
	if err != nil {
		return targetEntry{}, err
	}
	return addressEntry(addr.String(), span{addr, addr}), nil
}

// numeric tells what is meant as an address, well formed or not, from what is meant as a name.
func numeric(text string) bool {
	return strings.ContainsAny(text, ":/") || strings.Trim(text, "0123456789.- ") == ""
}

func addressEntry(canonical string, s span) targetEntry {
	return targetEntry{byIP, canonical, meaning{span: s}}
}

func parseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return addr, refuse("target", "target entry %s is not an IP address, CIDR, range or hostname", quoted(text)).
			then("write it like 192.0.2.10, 192.0.2.0/28, 192.0.2.10-192.0.2.20 or switch1.example.com")
	case addr.Zone() != "":
		return addr, refuse("target", "target entry %s has a zone, which means nothing to another machine", quoted(text)).
			then("write %s", addr.WithZone(""))
	case addr.Is4In6():
		return addr, refuse("target", "target entry %s is an IPv4 address written as IPv6", quoted(text)).
			then("write %s", addr.Unmap())
	}
	return addr, nil
}

func parseCIDR(text string) (targetEntry, error) {
	base, bits, _ := strings.Cut(text, "/")
	addr, err := parseAddress(base)
	if err != nil {
		return targetEntry{}, err
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return targetEntry{}, refuse("target", "target entry %s has a bad prefix length %s", quoted(text), quoted(bits)).
			then("use /0 to /%d", addr.BitLen())
	}
	if prefix != prefix.Masked() {
		return targetEntry{}, refuse("target", "target entry %s points inside its network", quoted(text)).
			then("write %s for the whole network, or %s for the one address", prefix.Masked(), addr)
	}
	return addressEntry(prefix.String(), spanOf(prefix)), nil
}

func parseRange(text string) (targetEntry, error) {
	left, right, _ := strings.Cut(text, "-")
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	from, err := parseAddress(left)
	if err != nil {
		return targetEntry{}, err
	}
	if _, err := strconv.ParseUint(right, 10, 8); err == nil && from.Is4() {
		right = left[:strings.LastIndex(left, ".")+1] + right
	}
	to, err := parseAddress(right)
	if err != nil {
		return targetEntry{}, err
	}
	switch {
	case from.Is4() != to.Is4():
		return targetEntry{}, refuse("target", "target range %s mixes IPv4 and IPv6", quoted(text)).
			then("write both ends in one family")
	case to.Less(from):
		return targetEntry{}, refuse("target", "target range %s runs backwards", quoted(text)).then("write %s-%s", to, from)
	}
	return addressEntry(from.String()+"-"+to.String(), span{from, to}), nil
}

// parseHostname follows RFC 1123 section 2.1: labels of 1 to 63 letters, digits and inner hyphens, 253
// characters in all.
func parseHostname(text string) (targetEntry, error) {
	bad := func(why string) (targetEntry, error) {
		return targetEntry{}, refuse("target", "target entry %s is not a hostname: %s", quoted(text), why).
			then("write it like switch1.example.com")
	}
	if len(text) > 253 {
		return bad("it is longer than 253 characters")
	}
	for label := range strings.SplitSeq(text, ".") {
		switch {
		case label == "" || len(label) > 63:
			return bad("each part between dots has 1 to 63 characters")
		case label[0] == '-' || label[len(label)-1] == '-':
			return bad("no part begins or ends with a hyphen")
		case strings.ContainsFunc(label, func(r rune) bool { return !hostRune(r) }):
			return bad("only ASCII letters, digits, hyphens, underscores and dots are allowed")
		}
	}
	if endsInNumber(text) {
		return bad("it ends in a number like an address")
	}
	return targetEntry{byHostname, text, meaning{host: strings.ToLower(text)}}, nil
}

// endsInNumber tells names that resolvers take for IPv4 addresses, such as 0x8080808 for 8.8.8.8 (inet_aton; the URL
// standard's "ends in a number").
func endsInNumber(text string) bool {
	last := strings.ToLower(text[strings.LastIndex(text, ".")+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

func hostRune(r rune) bool {
	return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
