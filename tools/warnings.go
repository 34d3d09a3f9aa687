package tools

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"scanwarden/defender"
	"scanwarden/tools/internal/target"
)

const (
	// maxPerScanner is Microsoft's limit of successfully scanned addresses per scanning device ("Network device
	// discovery and vulnerability management").
	maxPerScanner = 1500
	// maxNamed bounds how many scans or address ranges one warning names.
	maxNamed = 5
)

const (
	warnNoUndo         = "the stored credential is replaced, and this cannot be undone"
	warnVaultField     = "keyVaultUrl: Defender's $metadata, which spells this field's name, could not be read, so the documented name is sent; check that the scan authenticates"
	warnWindowsRetired = "Microsoft retired Windows authenticated scans on 2025-12-18 and may refuse this"
	warnInactive       = "the scan is not active: it will not run"
	warnCredentialLost = "deleting cannot be undone; stored credentials are lost for good"
)

// allWarnings returns what an approver should know beyond the fields, about the scan as it would be. self is its id,
// "" for a new one.
func (d draft) allWarnings(self string, others []defender.Definition, now time.Time) []string {
	var out []string
	if d.ScanType == "Windows" {
		out = append(out, warnWindowsRetired)
	}
	if d.target.Entries != nil {
		out = append(out, targetWarnings(d.target)...)
		out = append(out, d.overlapWarnings(self, others)...)
	}
	out = append(out, d.scannerAge(now)...)
	if !d.IsActive {
		out = append(out, warnInactive)
	}
	if d.vaultFieldGuessed {
		out = append(out, warnVaultField)
	}
	out = append(out, d.deceptiveTexts()...)
	return append(out, d.unusualProtocols()...)
}

// targetWarnings returns the warnings that follow from the target alone.
func targetWarnings(t target.Target) []string {
	var out []string
	if len(t.Duplicates) > 0 {
		out = append(out, "target: left out duplicates: "+joinLimited(t.Duplicates, maxNamed))
	}
	if t.Count() > maxPerScanner {
		out = append(out, fmt.Sprintf("target: %s; Microsoft supports %s successfully scanned ones per scanner", addressCount(t), groupDigits(maxPerScanner)))
	}
	if public := t.PublicRanges(); len(public) > 0 {
		out = append(out, "target: these are public internet addresses: "+joinLimited(public, maxNamed))
	}
	for _, s := range t.Special() {
		out = append(out, fmt.Sprintf("target: %s is %s", s.Addresses, s.Meaning))
	}
	if t.HasIPv6() {
		out = append(out, "target: Microsoft's pages do not mention IPv6, so Defender may refuse it")
	}
	return out
}

// overlapWarnings names the scans that already cover part of the target. Microsoft advises to keep each address in
// one scan across all scanners, or the inventory shows duplicates.
func (d draft) overlapWarnings(self string, others []defender.Definition) []string {
	var names []string
	for _, o := range others {
		if o.ID == self {
			continue
		}
		if shared := d.target.Overlap(target.Read(o.Target)); shared != "" {
			names = append(names, fmt.Sprintf("%s by %s (%s)", shared, quote(o.ScanName), escapeInvisible(o.ID)))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"target: already covered: " + joinLimited(names, maxNamed) + "; a device scanned twice shows up twice"}
}

// scannerAge returns a warning for a scanner that was not seen lately. Microsoft accepts only those seen within the
// tenant's retention period.
func (d draft) scannerAge(now time.Time) []string {
	switch seen := d.scanner.LastSeen; {
	case d.scannerUnlisted:
		return []string{fmt.Sprintf("scannerAgent: %s is not among the scanners that Defender lists: nothing may run this scan", quote(d.scanner.Name))}
	case seen.IsZero() || now.Sub(seen) > 7*24*time.Hour:
		return []string{fmt.Sprintf("scannerAgent: %s was last seen %s: it may be gone for good, and Defender may refuse it", quote(d.scanner.Name), ageText(d.scanner.LastSeen, now))}
	case isInactive(d.scanner, now):
		return []string{fmt.Sprintf("scannerAgent: %s was last seen %s: it may be switched off", quote(d.scanner.Name), ageText(d.scanner.LastSeen, now))}
	}
	return nil
}

func (d draft) unusualProtocols() []string {
	a := d.ScanAuthenticationParams
	if a == nil {
		return nil
	}
	var out []string
	if a.AuthProtocol != "" && !slices.Contains(authProtocols, a.AuthProtocol) {
		out = append(out, fmt.Sprintf("authProtocol: %s is none of those Microsoft documents: %s", quote(a.AuthProtocol), strings.Join(authProtocols, ", ")))
	}
	if a.PrivProtocol != "" && !slices.Contains(privProtocols, a.PrivProtocol) {
		out = append(out, fmt.Sprintf("privProtocol: %s is none of those Microsoft documents: %s", quote(a.PrivProtocol), strings.Join(privProtocols, ", ")))
	}
	return out
}
