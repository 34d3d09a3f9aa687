package target

import (
	"math"
	"strings"

	"go4.org/netipx"
)

// Coverage counts what the targets of several scans cover, each address and name once. The zero value is empty.
//
// A policy rule must not be avoidable by spelling. Defender may read an entry that we cannot read as any number of
// addresses, anywhere, or as a name. An unreadable entry therefore counts as all of these: both numbers of addresses
// become as large as they can be, and it is one host name. The way out is to give the scan a readable target.
type Coverage struct {
	ranges     netipx.IPSetBuilder
	hosts      map[string]bool
	unreadable int
}

// Add counts a target. An empty entry between commas means nothing. A target that is empty as a whole is unreadable.
func (c *Coverage) Add(target string) {
	isBlank := strings.Trim(target, ", ") == ""
	for part := range strings.SplitSeq(target, ",") {
		part = strings.TrimSpace(part)
		e, err := parseEntry(part)
		switch {
		case part == "" && !isBlank:
		case err != nil:
			c.unreadable++
		case e.kind == IP:
			c.ranges.AddRange(e.addresses)
		default:
			c.addHost(e.host)
		}
	}
}

func (c *Coverage) addHost(name string) {
	if c.hosts == nil {
		c.hosts = map[string]bool{}
	}
	c.hosts[name] = true
}

// Count returns the numbers of distinct addresses, of public ones among them, and of distinct host names.
// A number that does not fit an int, or that an unreadable entry makes unknown, is math.MaxInt.
func (c *Coverage) Count() (addresses, public, hostnames int) {
	hostnames = len(c.hosts) + c.unreadable
	if c.unreadable > 0 {
		return math.MaxInt, math.MaxInt, hostnames
	}
	all := buildSet(&c.ranges)
	onlyPublic := publicAddresses(&all)
	return clampInt(countAddresses(&all)), clampInt(countAddresses(&onlyPublic)), hostnames
}

func clampInt(n uint64) int { return int(min(n, math.MaxInt)) }
