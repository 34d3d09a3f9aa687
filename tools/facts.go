package tools

import (
	"math"
	"slices"
	"strings"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// judged is a scan as the rules of a policy judge it: as the change leaves it or, where it goes, as it was.
type judged struct {
	names   []string         // before and after
	target  string           // as it is sent, or stands in Defender
	scanner defender.Scanner // as Defender lists it
	alias   string           // what the scan itself calls its scanner: Microsoft's examples spell the two differently
}

// factsOf are the facts of a change that touches these scans. Names are as people are shown them.
func factsOf(now time.Time, scans ...judged) confirm.Facts {
	f := confirm.Facts{Count: len(scans)}
	var scanners []string
	reached := reach{hosts: map[string]bool{}}
	for _, s := range scans {
		f.Scans = append(f.Scans, s.names...)
		scanners = append(scanners, s.scanner.Name, s.alias)
		if s.scanner.Name == "" && s.alias == "" {
			scanners = append(scanners, s.scanner.MachineID)
		}
		f.InactiveScanner = f.InactiveScanner || silent(s.scanner, now)
		reached.add(s.target)
	}
	f.Scans, f.Scanners = nameSet(f.Scans), nameSet(scanners)
	f.Addresses, f.PublicAddresses, f.Hostnames = reached.count()
	return f
}

// reach is what the targets of scans come to, each address and name once.
//
// No rule may be got round by spelling. A live target may say anything, and what we cannot read may mean any
// number of addresses to Defender, anywhere, or a name. So an unreadable entry counts as all of these: both numbers
// of addresses become as large as they can be, and it is a hostname as well. The way out is to give the scan a
// target that can be read.
type reach struct {
	spans      []span
	hosts      map[string]bool
	unreadable int
}

// add reads a target. An empty entry between commas means nothing; a target that is empty as a whole, nobody knows.
func (r *reach) add(target string) {
	blank := strings.Trim(target, ", ") == ""
	for entry := range strings.SplitSeq(target, ",") {
		entry = strings.TrimSpace(entry)
		e, err := parseEntry(entry)
		switch {
		case entry == "" && !blank:
		case err != nil:
			r.unreadable++
		case e.kind == byIP:
			r.spans = append(r.spans, e.span)
		default:
			r.hosts[e.host] = true
		}
	}
}

// count is the number of distinct addresses, of those that are public, and of distinct hostnames. What does not
// fit an int, and what nobody can know, is math.MaxInt.
func (r *reach) count() (addresses, public, hostnames int) {
	var all, open uint64
	for _, s := range merged(r.spans) {
		all, open = addCapped(all, s.size()), addCapped(open, s.publicSize())
	}
	if r.unreadable > 0 {
		all, open = math.MaxUint64, math.MaxUint64
	}
	return capped(all), capped(open), len(r.hosts) + r.unreadable
}

func capped(n uint64) int { return int(min(n, math.MaxInt)) }

// nameSet is the names in order, none of them twice or empty.
func nameSet(names []string) []string {
	var out []string
	for _, name := range names {
		if name != "" {
			out = append(out, shown(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// silent reports whether a scanner has not been seen for more than a day, or never was: the zero time is long ago.
func silent(s defender.Scanner, now time.Time) bool { return now.Sub(s.LastSeen) > 24*time.Hour }
