package tools

import (
	"fmt"
	"slices"
	"strings"
)

// authenticationPrefix begins the names of the parts of new credentials.
const authenticationPrefix = "scanAuthenticationParams."

// scanItems returns the items of a plan about its scans. Scans that are deleted together have one item each.
func scanItems(scans []PlannedScan) []string {
	switch {
	case len(scans) == 0:
		return nil
	case scans[0].Effect == ScanAdded:
		return addedItems(scans[0])
	case scans[0].Effect == ScanUpdated:
		return updatedItems(scans[0])
	case len(scans) == 1:
		return deletedItems(scans[0])
	}
	out := []string{"GONE, by name; target; id:"}
	for i, s := range scans {
		target, _ := targetField(s).Value()
		out = append(out, fmt.Sprintf("%d) %s; %s; %s.", i+1, QuoteVisible(s.Name), quoteTarget(target), QuoteVisible(s.ID)))
	}
	return out
}

// addedItems returns the fields of a new scan: what is scanned, from where, and with which credential. Its name and size
// are in the headline.
func addedItems(s PlannedScan) []string {
	target, rest := splitFields(withoutName(s.Changed), isTarget)
	scanner, rest := splitFields(rest, isScannerField)
	credential, rest := splitFields(rest, isCredential)
	return joinItems(
		labelItem("NEW", append(fieldTexts(withoutNotes(target)), fieldTexts(rest)...)),
		labelItem("NEW", fieldTexts(scanner)),
		labelItem("NEW", fieldTexts(credential)),
	)
}

// updatedItems returns the fields of a scan that change, and in brief those that stay. A name that stays is in the
// headline.
func updatedItems(s PlannedScan) []string {
	credential, changed := splitFields(s.Changed, isCredential)
	added, changed := splitFields(changed, func(f PlannedField) bool { return f.Before == "" })
	var out []string
	for _, f := range changed {
		out = append(out, "CHANGE: "+changeText(f)+".")
	}
	scanner, same := splitFields(withoutNotes(withoutName(s.Unchanged)), isScannerField)
	texts := append([]string{"id " + QuoteVisible(s.ID)}, fieldTexts(append(same, scanner...))...)
	return joinItems(append(out,
		labelItem("NEW", fieldTexts(added)),
		labelItem("CHANGE", fieldTexts(credential)),
		labelItem("SAME", texts),
	)...)
}

// deletedItems returns every field of the only scan that is deleted, so that it can be created again by hand. Only its
// credential cannot be shown.
func deletedItems(s PlannedScan) []string {
	target, rest := splitFields(withoutNotes(withoutName(s.Unchanged)), isTarget)
	return joinItems(
		labelItem("GONE", append(fieldTexts(target), "id "+QuoteVisible(s.ID))),
		labelItem("WAS", fieldTexts(rest)),
	)
}

// withoutName leaves out the name of a scan, which is in the headline.
func withoutName(fields []PlannedField) []PlannedField {
	_, rest := splitFields(fields, func(f PlannedField) bool { return f.Name == "scanName" })
	return rest
}

// withoutNotes returns fields in brief: without the number of addresses, and of a scanner only its name.
func withoutNotes(fields []PlannedField) []PlannedField {
	out := slices.Clone(fields)
	for i, f := range out {
		if f.Name == fieldTarget {
			out[i].BeforeNote, out[i].AfterNote = "", ""
		} else {
			out[i].BeforeNote, out[i].AfterNote = scannerOnly(f.BeforeNote), scannerOnly(f.AfterNote)
		}
	}
	return out
}

func isTarget(f PlannedField) bool { return f.Name == fieldTarget }

func isScannerField(f PlannedField) bool { return f.Name == fieldMachineID }

func isCredential(f PlannedField) bool {
	return f.Name == "credential" || strings.HasPrefix(f.Name, authenticationPrefix)
}

// splitFields returns the fields that match and the others, each in the order given.
func splitFields(fields []PlannedField, match func(PlannedField) bool) (matching, rest []PlannedField) {
	for _, f := range fields {
		if match(f) {
			matching = append(matching, f)
		} else {
			rest = append(rest, f)
		}
	}
	return matching, rest
}

// labelItem returns one item of several texts, or "" if there is none.
func labelItem(label string, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return label + ": " + strings.Join(texts, "; ") + "."
}

// joinItems returns the items that are not empty.
func joinItems(items ...string) []string {
	var out []string
	for _, item := range items {
		if item != "" {
			out = append(out, item)
		}
	}
	return out
}

// fieldTexts returns fields with their values. The parts of a credential follow it, and are named without the common prefix.
func fieldTexts(fields []PlannedField) []string {
	var out []string
	for _, f := range fields {
		text, note := f.Value()
		out = append(out, strings.TrimPrefix(f.Name, authenticationPrefix)+" "+valueText(f.Name, text, note))
	}
	return out
}

// valueText returns a value in quotation marks with its note. Only a null that is sent as such has none.
func valueText(name, text, note string) string {
	switch {
	case name == fieldTarget:
		text = quoteTarget(text)
	case name != "intervalInHours" || text != "null":
		text = QuoteVisible(text)
	}
	if note == "" {
		return text
	}
	return text + " (" + note + ")"
}

// changeText returns a field with its values before and after. Of a target that keeps some of its entries, what comes in
// and what goes is shown beside the whole.
func changeText(f PlannedField) string {
	if f.After == "" {
		return f.Name + " " + valueText(f.Name, f.Before, f.BeforeNote) + " is removed"
	}
	after := valueText(f.Name, f.After, f.AfterNote)
	if len(f.Kept) == 0 || len(f.Added)+len(f.Removed) == 0 {
		return f.Name + " from " + valueText(f.Name, f.Before, f.BeforeNote) + " to " + after
	}
	text := f.Name + " to " + valueText(f.Name, f.After, "")
	if len(f.Added) > 0 {
		text += "; adds " + quoteTarget(strings.Join(f.Added, ","))
	}
	if len(f.Removed) > 0 {
		text += "; removes " + quoteTarget(strings.Join(f.Removed, ","))
	}
	if f.AfterNote == "" {
		return text
	}
	number, noun, _ := strings.Cut(f.BeforeNote, " ")
	if strings.HasSuffix(f.AfterNote, " "+noun) {
		return text + "; " + f.AfterNote + ", were " + number
	}
	return text + "; " + f.AfterNote + ", were " + f.BeforeNote
}

// targetField returns the target of a scan, or the zero PlannedField.
func targetField(s PlannedScan) PlannedField {
	for _, f := range append(s.Changed[:len(s.Changed):len(s.Changed)], s.Unchanged...) {
		if f.Name == fieldTarget {
			return f
		}
	}
	return PlannedField{}
}
