package tools

import (
	"slices"
	"strings"

	"scanwarden/confirm"
)

// ScanEffect is what a change does to a scan.
type ScanEffect string

// The effects that a change can have on a scan.
const (
	ScanAdded   ScanEffect = "added"
	ScanUpdated ScanEffect = "updated"
	ScanDeleted ScanEffect = "deleted"
)

// PlannedScan is one scan of a change in the form that interfaces show. Its texts are visible throughout, but not
// quoted: a name may contain quotation marks, commas and arrows.
type PlannedScan struct {
	Effect ScanEffect
	ID     string // "" for a scan that is added
	Name   string // before the change; of an added scan the new name
	// Changed holds the fields that are sent with another value than before, and of an added scan all of them. It is
	// empty for a deleted scan.
	Changed []PlannedField
	// Unchanged holds the other fields in Microsoft's order, and of a deleted scan all of them. The id is not among
	// them.
	Unchanged []PlannedField
}

// PlannedField is one field of a scan with its values before and after the change.
type PlannedField struct {
	Name   string // in Microsoft's spelling; "credential", "createdBy" and "latestScan" are not sent
	Before string // "" in an added scan, or if the field is added
	After  string // "" in a deleted scan
	// BeforeNote and AfterNote explain a value: the number of addresses in target, and the name of the scanner behind
	// machineId with when it was last seen. Names in a note are quoted and escaped. "" if there is nothing to explain.
	BeforeNote string
	AfterNote  string
	// Added, Removed and Kept are the entries of a target that changes. They are nil for every other field.
	Added, Removed, Kept []string
}

// Value returns the value after the change, and that of a deleted scan before it, with its note.
func (f PlannedField) Value() (text, note string) {
	if f.After == "" {
		return f.Before, f.BeforeNote
	}
	return f.After, f.AfterNote
}

// The names of fields that only explain another field, and of the fields that they explain.
const (
	fieldTarget    = "target"
	fieldMachineID = "scannerAgent.machineId"

	noteAddresses   = "addresses"
	noteMachineName = "scannerAgent.machineName"
	noteLastSeen    = "scannerAgent.lastSeen"
)

// isNote reports whether a field only explains another one.
func isNote(name string) bool {
	return name == noteAddresses || name == noteMachineName || name == noteLastSeen
}

// PlannedScans returns the scans of a change with what changes and what stays, in the order of the plan. Together they
// have everything that is sent. A change from a ledger of an earlier version has fewer notes.
func PlannedScans(p confirm.Proposal) []PlannedScan {
	out := make([]PlannedScan, len(p.Subjects))
	for i, s := range p.Subjects {
		out[i] = plannedScan(s)
	}
	return out
}

func plannedScan(s confirm.Subject) PlannedScan {
	out := PlannedScan{Effect: effectOf(s), Name: s.Title}
	if out.Effect == ScanDeleted {
		out.Unchanged = make([]PlannedField, 0, len(s.Fields)) // a change may delete hundreds of scans
	}
	for _, f := range s.Fields {
		switch {
		case isNote(f.Name):
		case f.Name == "id":
			out.ID = f.Before
		case out.Effect == ScanDeleted, f.Before == f.After:
			out.Unchanged = append(out.Unchanged, plannedField(f, s.Fields))
		default:
			out.Changed = append(out.Changed, plannedField(f, s.Fields))
		}
	}
	return out
}

// effectOf returns what a change does to a scan: an added one has no value before, a deleted one no value after.
func effectOf(s confirm.Subject) ScanEffect {
	switch {
	case !slices.ContainsFunc(s.Fields, func(f confirm.Field) bool { return f.Before != "" }):
		return ScanAdded
	case !slices.ContainsFunc(s.Fields, func(f confirm.Field) bool { return f.After != "" }):
		return ScanDeleted
	default:
		return ScanUpdated
	}
}

func plannedField(f confirm.Field, all []confirm.Field) PlannedField {
	out := PlannedField{Name: f.Name, Before: f.Before, After: f.After}
	switch f.Name {
	case fieldTarget:
		count := findField(all, noteAddresses)
		out.BeforeNote, out.AfterNote = count.Before, count.After
		if f.Before != "" && f.After != "" && f.Before != f.After {
			out.Added, out.Removed, out.Kept = diffEntries(f.Before, f.After)
		}
	case fieldMachineID:
		name, seen := findField(all, noteMachineName), findField(all, noteLastSeen)
		out.BeforeNote = scannerNote(name.Before, seen.Before)
		out.AfterNote = scannerNote(name.After, seen.After)
	}
	return out
}

// findField returns the field of that name, or the zero Field.
func findField(fields []confirm.Field, name string) confirm.Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return confirm.Field{}
}

// scannerNote returns "" if neither the name nor the time is known.
func scannerNote(name, lastSeen string) string {
	if name == "" && lastSeen == "" {
		return ""
	}
	return QuoteVisible(name) + lastSeenWords + lastSeen
}

const lastSeenWords = ", last seen "

// scannerOnly returns a scannerNote without the time.
func scannerOnly(note string) string {
	if i := strings.LastIndex(note, lastSeenWords); i >= 0 {
		return note[:i]
	}
	return note
}

// diffEntries compares two targets entry by entry, as their texts are. An entry that occurs twice counts twice.
func diffEntries(before, after string) (added, removed, kept []string) {
	counts := map[string]int{}
	for _, e := range targetEntries(before) {
		counts[e]++
	}
	for _, e := range targetEntries(after) {
		if counts[e] > 0 {
			counts[e]--
			kept = append(kept, e)
		} else {
			added = append(added, e)
		}
	}
	for _, e := range slices.Backward(targetEntries(before)) {
		if counts[e] > 0 {
			counts[e]--
			removed = append(removed, e)
		}
	}
	slices.Reverse(removed)
	return added, removed, kept
}

// targetEntries returns the entries of a target without the blanks around them. Empty ones are left out.
func targetEntries(text string) []string {
	var out []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			out = append(out, entry)
		}
	}
	return out
}
