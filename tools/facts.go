package tools

import (
	"slices"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools/internal/target"
)

// scanFacts is a scan as the rules of a policy judge it: as the change leaves it or, where it goes, as it was.
type scanFacts struct {
	names   []string         // before and after
	target  string           // as it is sent, or stands in Defender
	scanner defender.Scanner // as Defender lists it
	alias   string           // what the scan itself calls its scanner: Microsoft's examples spell the two differently
}

// factsOf are the facts of a change that touches these scans. Names are as people are shown them.
func factsOf(now time.Time, scans ...scanFacts) confirm.Facts {
	f := confirm.Facts{Count: len(scans)}
	var scanners []string
	var covered target.Coverage
	for _, s := range scans {
		f.Scans = append(f.Scans, s.names...)
		scanners = append(scanners, s.scanner.Name, s.alias)
		if s.scanner.Name == "" && s.alias == "" {
			scanners = append(scanners, s.scanner.MachineID)
		}
		f.InactiveScanner = f.InactiveScanner || isInactive(s.scanner, now)
		covered.Add(s.target)
	}
	f.Scans, f.Scanners = nameSet(f.Scans), nameSet(scanners)
	f.Addresses, f.PublicAddresses, f.Hostnames = covered.Count()
	return f
}

// nameSet is the names in order, none of them twice or empty.
func nameSet(names []string) []string {
	var out []string
	for _, name := range names {
		if name != "" {
			out = append(out, escapeInvisible(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isInactive reports whether a scanner has not been seen for more than a day, or never was: the zero time is long ago.
func isInactive(s defender.Scanner, now time.Time) bool { return now.Sub(s.LastSeen) > 24*time.Hour }
