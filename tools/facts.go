package tools

import (
	"slices"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools/internal/target"
)

// scanFacts is a scan as the rules of a policy judge it: as the change leaves it, or as it was before the change
// deletes it.
type scanFacts struct {
	names   []string         // before and after
	target  string           // as it is sent, or as Defender stores it
	scanner defender.Scanner // as Defender lists it
	alias   string           // the scanner's name in the scan: Microsoft's examples spell the two differently
}

// factsOf returns the facts of a change that touches these scans. Names are as an approver sees them.
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

// nameSet returns the names sorted, without duplicates and empty ones.
func nameSet(names []string) []string {
	var out []string
	for _, name := range names {
		if name != "" {
			out = append(out, escapeForRule(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isInactive reports whether a scanner was not seen for more than a day, or never was: the zero time is long ago.
func isInactive(s defender.Scanner, now time.Time) bool { return now.Sub(s.LastSeen) > 24*time.Hour }
