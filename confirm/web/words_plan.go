package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// deletes reports whether the change removes scans.
func deletes(c confirm.Change) bool { return deleteScans(tools.PlannedScans(c.Proposal)) }

// deleteScans reports whether any of the scans is deleted.
func deleteScans(scans []tools.PlannedScan) bool {
	return slices.ContainsFunc(scans, func(s tools.PlannedScan) bool { return s.Effect == tools.ScanDeleted })
}

// questionOf returns what a change asks for, in words with numbers: “Update “Core switches”: once a day, 7 addresses”.
func questionOf(c confirm.Change, scans []tools.PlannedScan) string {
	verb := operationWords(strings.TrimSuffix(strings.TrimSuffix(c.Operation, "_scans"), "_scan"))
	if len(scans) != 1 {
		return verb + " " + countWords(len(scans), "scan", "scans")
	}
	words := verb + " " + quotedName(scans[0].Name)
	if detail := detailOf(scans[0]); detail != "" {
		return words + ": " + detail
	}
	return words
}

// quotedName returns a name of Defender's between quotation marks. Marks in the name become simple ones, so that a name cannot
// end its quotation.
func quotedName(name string) string {
	return "“" + strings.NewReplacer("“", "'", "”", "'").Replace(name) + "”"
}

// detailOf returns in a few words what changes in a scan; "" for one that is deleted.
func detailOf(s tools.PlannedScan) string {
	var words []string
	for _, f := range s.Changed {
		switch {
		case f.Name == "target" && f.AfterNote != "":
			words = append(words, f.AfterNote)
		case f.Name == "intervalInHours" && intervalWords(f.After) != "":
			words = append(words, intervalWords(f.After))
		case f.Name == "isActive" && s.Effect == tools.ScanUpdated && f.After == "false":
			words = append(words, "no longer runs")
		case f.Name == "isActive" && s.Effect == tools.ScanUpdated:
			words = append(words, "runs again")
		}
	}
	if s.Effect == tools.ScanUpdated && len(words) < len(s.Changed) {
		return countWords(len(s.Changed), "field changes", "fields change")
	}
	return strings.Join(words, ", ")
}

// numberOf and unitOf return the parts of a number with its unit: "18" and "addresses". A text of another form is the number.
func numberOf(text string) string {
	if number, _, ok := strings.Cut(text, " "); ok {
		return number
	}
	return text
}

func unitOf(text string) string {
	_, unit, _ := strings.Cut(text, " ")
	return unit
}

// namesOf returns the first names of several scans, and how many more there are; "" for one scan.
func namesOf(scans []tools.PlannedScan) string {
	if len(scans) < 2 {
		return ""
	}
	words := quotedName(scans[0].Name) + ", " + quotedName(scans[1].Name)
	if more := len(scans) - 2; more > 0 {
		words += " and " + strconv.Itoa(more) + " more"
	}
	return words
}

// breakable returns a field's name in parts, between which a line may break.
func breakable(name string) []string {
	var parts []string
	begin := 0
	for i, r := range name {
		if i > 0 && (r == '.' || unicode.IsUpper(r)) && name[i-1] != '.' {
			parts, begin = append(parts, name[begin:i]), i
		}
	}
	return append(parts, name[begin:])
}

// fieldNote returns what Microsoft's value means, in words; "" if the value speaks for itself.
func fieldNote(f tools.PlannedField, value, note string) string {
	if f.Name == "intervalInHours" && value != "" {
		return intervalWords(value)
	}
	return note
}

// intervalWords returns how often a scan with this interval runs.
func intervalWords(hours string) string {
	n, err := strconv.Atoi(hours)
	switch {
	case err != nil || n <= 0:
		return ""
	case n == 1:
		return "every hour"
	case n == 24:
		return "once a day"
	case n%24 == 0:
		return fmt.Sprintf("every %d days", n/24)
	}
	return fmt.Sprintf("every %d hours", n)
}

// fieldHelp explains a field of Microsoft's in a few words; "" for one that needs none.
func fieldHelp(name string) string {
	switch name {
	case "intervalInHours":
		return "Hours between runs"
	case "isActive":
		return "Whether it runs"
	case "scannerAgent.machineId":
		return "The scanner that runs it"
	case "target":
		return "What is scanned"
	case "credential":
		return "What the scanner logs in with"
	}
	return ""
}

// fieldOf returns the value and the note of a field of a scan; "" if it has none.
func fieldOf(s tools.PlannedScan, name string) (value, note string) {
	for _, fields := range [][]tools.PlannedField{s.Changed, s.Unchanged} {
		for _, f := range fields {
			if f.Name == name {
				return f.Value()
			}
		}
	}
	return "", ""
}

// neverRan counts the scans that are known to have never run.
func neverRan(scans []tools.PlannedScan) int {
	n := 0
	for _, s := range scans {
		if run, _ := fieldOf(s, "latestScan"); run == "never ran" {
			n++
		}
	}
	return n
}

// scannerWords returns what is known of the scanner of a scan: its name, or else its machine id.
func scannerWords(s tools.PlannedScan) string {
	id, note := fieldOf(s, "scannerAgent.machineId")
	if name, _, _ := strings.Cut(note, ", last seen "); name != "" {
		return strings.Trim(name, `"`)
	}
	return id
}

// splitTarget returns the entries of a target.
func splitTarget(target string) []string { return strings.Split(target, ",") }

// changedHeading says how many fields of a scan change.
func changedHeading(c confirm.Change, s tools.PlannedScan) string {
	if s.Effect == tools.ScanAdded {
		return "A new scan"
	}
	n := len(s.Changed)
	switch {
	case c.State == confirm.Applied:
		return countWords(n, "field changed", "fields changed")
	case !c.State.Open():
		return countWords(n, "field was to change", "fields were to change")
	}
	return countWords(n, "field changes", "fields change")
}
