package target

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// buildSet returns the addresses of a builder. A builder reports errors only for invalid ranges, and parsed ones
// are valid.
func buildSet(b *netipx.IPSetBuilder) netipx.IPSet {
	set, _ := b.IPSet()
	return *set
}

// countAddresses returns the size of a set, at most math.MaxUint64.
func countAddresses(set *netipx.IPSet) uint64 {
	var n uint64
	for _, r := range set.Ranges() {
		size := rangeSize(r)
		if n > math.MaxUint64-size {
			return math.MaxUint64
		}
		n += size
	}
	return n
}

// rangeSize returns the number of addresses in r, at most math.MaxUint64.
func rangeSize(r netipx.IPRange) uint64 {
	from, to := r.From().As16(), r.To().As16()
	n := binary.BigEndian.Uint64(to[8:]) - binary.BigEndian.Uint64(from[8:])
	if [8]byte(from[:8]) != [8]byte(to[:8]) || n == math.MaxUint64 {
		return math.MaxUint64
	}
	return n + 1
}

// overlap returns the first range that two sets share, as text; "" when there is none. It takes linear time, unlike
// IPSet.Overlaps, and does not allocate a set.
func overlap(set, other *netipx.IPSet) string {
	a, b := set.Ranges(), other.Ranges()
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Overlaps(b[0]):
			from := slices.MaxFunc([]netip.Addr{a[0].From(), b[0].From()}, netip.Addr.Compare)
			to := slices.MinFunc([]netip.Addr{a[0].To(), b[0].To()}, netip.Addr.Compare)
			return rangeText(netipx.IPRangeFrom(from, to))
		case a[0].To().Less(b[0].To()):
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return ""
}

// rangeText returns "from-to", or the one address of a range.
func rangeText(r netipx.IPRange) string {
	if r.From() == r.To() {
		return r.From().String()
	}
	return r.String()
}
