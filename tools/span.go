package tools

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"sync"
)

// span is a run of addresses of one family, both ends included.
type span struct{ from, to netip.Addr }

// spanOf is a prefix as a span.
func spanOf(p netip.Prefix) span {
	last := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	to, _ := netip.AddrFromSlice(last) // as long as the address it came from
	return span{p.Masked().Addr(), to}
}

// size counts the addresses; what does not fit is math.MaxUint64.
func (s span) size() uint64 {
	from, to := s.from.As16(), s.to.As16()
	if [8]byte(from[:8]) != [8]byte(to[:8]) {
		return math.MaxUint64
	}
	n := binary.BigEndian.Uint64(to[8:]) - binary.BigEndian.Uint64(from[8:])
	return addCapped(n, 1)
}

func (s span) String() string {
	if s.from == s.to {
		return s.from.String()
	}
	return s.from.String() + "-" + s.to.String()
}

func addCapped(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// merged sorts spans and joins those that overlap, so that every address stands in it once.
func merged(spans []span) []span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.from.Compare(out[n-1].to) <= 0 {
			out[n-1].to = later(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// common returns the first stretch that two merged lists share.
func common(a, b []span) (span, bool) {
	for len(a) > 0 && len(b) > 0 {
		shared := span{later(a[0].from, b[0].from), earlier(a[0].to, b[0].to)}
		if shared.from.Is4() == shared.to.Is4() && shared.from.Compare(shared.to) <= 0 {
			return shared, true
		}
		if a[0].to.Less(b[0].to) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return span{}, false
}

func later(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return b
	}
	return a
}

func earlier(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return a
	}
	return b
}

// reserved are the addresses that are nobody's on the internet: loopback, private, link-local, carrier NAT,
// documentation, benchmarking, multicast and unallocated ones (IANA's special-purpose address registries), in
// order. IPv6 that may lead to somebody's IPv4 address (mapped, compatible, NAT64) is not among them.
var reserved = sync.OnceValue(func() []span {
	return merged(spansOf(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/3",
		"::/127", "100::/64", "2001:db8::/32", "3fff::/20", "fc00::/7", "fe80::/9", "ff00::/8",
	))
})

func spansOf(prefixes ...string) []span {
	out := make([]span, len(prefixes))
	for i, p := range prefixes {
		out[i] = spanOf(netip.MustParsePrefix(p))
	}
	return out
}

// publicSize counts the addresses of s that belong to the internet at large; what does not fit is math.MaxUint64.
func (s span) publicSize() uint64 {
	var n uint64
	at := s.from
	for _, r := range reserved() {
		if s.to.Less(r.from) {
			break
		}
		if r.to.Less(at) {
			continue
		}
		if at.Less(r.from) {
			n = addCapped(n, span{at, r.from.Prev()}.size())
		}
		if !r.to.Less(s.to) {
			return n
		}
		at = r.to.Next()
	}
	return addCapped(n, span{at, s.to}.size())
}
