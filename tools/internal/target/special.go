package target

import (
	"net/netip"
	"slices"
	"sync"

	"go4.org/netipx"
)

// Special is a part of a target that cannot be meant, because a scanner reaches no machine of its owner's there.
type Special struct {
	Addresses string // an address or a range
	Meaning   string // such as "multicast, not one machine"
}

type specialRange struct {
	addresses netipx.IPSet
	meaning   string
}

// specialRanges lists special addresses by what they mean (IANA's special-purpose address registries).
var specialRanges = sync.OnceValue(func() []specialRange {
	return []specialRange{
		{prefixSet("127.0.0.0/8", "::1/128"), "loopback: the scanner would scan itself"},
		{prefixSet("224.0.0.0/4", "ff00::/8"), "multicast, not one machine"},
		{prefixSet("169.254.0.0/16", "fe80::/10"), "link-local: it means another machine on every network"},
		{prefixSet("0.0.0.0/32", "::/128"), "the unspecified address, no machine"},
		{prefixSet("255.255.255.255/32"), "broadcast, not one machine"},
	}
})

// nonPublicRanges lists the addresses that belong to no machine on the internet: loopback, private, link-local,
// carrier NAT, documentation, benchmarking, multicast and unallocated ones (IANA's special-purpose address
// registries). IPv6 that may lead to a public IPv4 address (mapped, compatible, NAT64) is not among them.
var nonPublicRanges = sync.OnceValue(func() netipx.IPSet {
	return prefixSet(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/3",
		"::/127", "100::/64", "2001:db8::/32", "3fff::/20", "fc00::/7", "fe80::/9", "ff00::/8",
	)
})

func prefixSet(prefixes ...string) netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(netip.MustParsePrefix(p))
	}
	return buildSet(&b)
}

// Special returns the parts of a target that cannot be meant, at most one for each meaning.
func (t Target) Special() []Special {
	var found []Special
	for _, s := range specialRanges() {
		if shared := overlap(&t.addresses, &s.addresses); shared != "" {
			found = append(found, Special{shared, s.meaning})
		}
	}
	return found
}

// PublicRanges returns the public internet addresses of a target, as the text of addresses and ranges.
func (t Target) PublicRanges() []string {
	public := publicAddresses(&t.addresses)
	var found []string
	for _, r := range public.Ranges() {
		found = append(found, rangeText(r))
	}
	return found
}

func publicAddresses(set *netipx.IPSet) netipx.IPSet {
	var b netipx.IPSetBuilder
	nonPublic := nonPublicRanges()
	b.AddSet(set)
	b.RemoveSet(&nonPublic)
	return buildSet(&b)
}

// HasIPv6 reports whether a target contains an IPv6 address.
func (t Target) HasIPv6() bool {
	return slices.ContainsFunc(t.addresses.Ranges(), func(r netipx.IPRange) bool { return r.From().Is6() })
}
