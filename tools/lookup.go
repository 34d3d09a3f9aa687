package tools

import (
	"fmt"
	"slices"
	"strings"

	"scanwarden/defender"
)

// findScans returns the scans that refs name, each an id or an unambiguous name. Two references to one scan return it
// once. A *Refusal names all unknown references.
func findScans(field string, refs []string, all []defender.Definition) ([]defender.Definition, error) {
	var found []defender.Definition
	var unknown []string
	for _, ref := range refs {
		matches := matchScans(strings.TrimSpace(ref), all)
		switch len(matches) {
		case 0:
			unknown = append(unknown, quote(ref))
			continue
		case 1:
		default:
			return nil, refuse(field, "%s: %d scans are named %s", field, len(matches), quote(ref)).
				withHint("use one of their ids: %s", joinLimited(scanIDs(matches), 10))
		}
		if !slices.ContainsFunc(found, func(d defender.Definition) bool { return d.ID == matches[0].ID }) {
			found = append(found, matches[0])
		}
	}
	if len(unknown) > 0 {
		return nil, refuse(field, "%s: there is no scan with the id or name %s", field, joinLimited(unknown, 10)).
			withHint("call list_scans and use an id from there")
	}
	return found, nil
}

// matchScans returns the scan with this id, or else all with this name. An id always wins, so that a scan that is
// named after the id of another cannot take its place.
func matchScans(ref string, all []defender.Definition) []defender.Definition {
	var namesakes []defender.Definition
	for _, d := range all {
		if d.ID == ref {
			return []defender.Definition{d}
		}
		if sameName(ref, d.ScanName) {
			namesakes = append(namesakes, d)
		}
	}
	return namesakes
}

// withLastSeen returns a live scan with the time its scanner was last seen, from the list of scanners, which is
// fresher than the scan's own. It also returns the facts of the scan as it is, and reports whether the scanner is
// listed. A scanner that is not listed was never seen.
func withLastSeen(scan defender.Definition, all []defender.Scanner) (now defender.Definition, as scanFacts, listed bool) {
	own := &scan.ScannerAgent
	as = scanFacts{names: []string{scan.ScanName}, target: scan.Target, alias: own.Name}
	as.scanner = defender.Scanner{MachineID: own.MachineID}
	for _, s := range all {
		if own.MachineID != "" && strings.EqualFold(s.MachineID, own.MachineID) {
			own.LastSeen = s.LastSeen
			as.scanner = s
			return scan, as, true
		}
	}
	return scan, as, false
}

func scannerList(all []defender.Scanner) string {
	if len(all) == 0 {
		return "the scanners of this tenant: none is registered, so install one first"
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = fmt.Sprintf("%s (%s)", truncate(s.MachineID, 64), quote(s.Name))
	}
	return joinLimited(names, 10)
}

// sameName reports whether ref is a name, ignoring letter case, outer blanks and the escaping of invisible
// characters.
func sameName(ref, name string) bool {
	return ref != "" && (strings.EqualFold(ref, strings.TrimSpace(name)) || strings.EqualFold(ref, escapeInvisible(name)))
}

func scanIDs(scans []defender.Definition) []string {
	out := make([]string, len(scans))
	for i, d := range scans {
		out[i] = truncate(d.ID, 64)
	}
	return out
}
