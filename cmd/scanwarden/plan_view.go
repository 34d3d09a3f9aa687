package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/tools"
)

// planView arranges the plan of a change in lines for a terminal: a headline, warnings, what changes, what stays, and the
// question. Every command that shows a plan uses it. It shows every value that is sent.
type planView struct {
	change confirm.Change
	scans  []tools.PlannedScan
	width  int // columns of a line
	indent int // spaces before each line
}

// newPlanView returns the view of a change.
func newPlanView(c confirm.Change, width, indent int) planView {
	return planView{change: c, scans: tools.PlannedScans(c.Proposal), width: width, indent: indent}
}

// maxLabel is the widest name of a field that has its value on the same line.
const maxLabel = 22

// effect returns what the change does to all its scans, "" if it has no scans or does different things to them.
func (v planView) effect() tools.ScanEffect {
	if len(v.scans) == 0 || slices.ContainsFunc(v.scans, func(s tools.PlannedScan) bool { return s.Effect != v.scans[0].Effect }) {
		return ""
	}
	return v.scans[0].Effect
}

// subject returns what the change is about: the quoted name of the one scan, or how many scans there are.
func (v planView) subject() string {
	if len(v.scans) == 1 {
		return "scan " + tools.QuoteVisible(v.scans[0].Name)
	}
	return config.Plural(len(v.scans), "scan")
}

// title returns the change in a few words, such as `Update scan "Core switches"`, and a note about its extent.
func (v planView) title() (text, extent string) {
	switch v.effect() {
	case tools.ScanAdded:
		return "Add " + v.subject(), "everything is new"
	case tools.ScanUpdated:
		n := 0
		for _, s := range v.scans {
			n += len(s.Changed)
		}
		if n == 1 {
			return "Update " + v.subject(), "1 field changes"
		}
		return "Update " + v.subject(), fmt.Sprintf("%d fields change", n)
	case tools.ScanDeleted:
		return "Delete " + config.Plural(len(v.scans), "scan"), ""
	}
	return v.change.Summary, ""
}

// headline returns the title with its extent at the right edge.
func (v planView) headline() []terminal.Line {
	text, extent := v.title()
	left := terminal.Join(terminal.Blanks(v.indent), terminal.Styled(terminal.Bold, text))
	if left.Width() <= v.width {
		return terminal.Beside(left, terminal.Styled(terminal.Dim, extent), v.width)
	}
	return append(terminal.Wrap(left, v.width, v.indent), terminal.Styled(terminal.Dim, strings.Repeat(" ", v.indent)+extent))
}

// warnings returns one paragraph for each warning, marked with an exclamation mark.
func (v planView) warnings() []terminal.Line {
	var lines []terminal.Line
	for _, w := range v.change.Warnings {
		marked := terminal.Join(terminal.Blanks(v.indent), terminal.Styled(terminal.Yellow, "! "+w))
		lines = append(lines, terminal.Wrap(marked, v.width, v.indent+2)...)
	}
	return lines
}

// body returns the scans with all their fields: what changes, then what stays.
func (v planView) body() []terminal.Line {
	var lines []terminal.Line
	for i, s := range v.scans {
		if i > 0 {
			lines = append(lines, nil)
		}
		if len(v.scans) > 1 && s.Effect != tools.ScanDeleted {
			lines = append(lines, terminal.WrapText(terminal.Bold, tools.QuoteVisible(s.Name), v.width, v.indent)...)
		}
		switch s.Effect {
		case tools.ScanAdded:
			lines = append(lines, v.added(s)...)
		case tools.ScanUpdated:
			lines = append(append(lines, v.changed(s)...), v.unchanged(s)...)
		default:
			lines = append(lines, v.deleted(s)...)
		}
	}
	return lines
}

// brief returns the change in at most a line: what an update changes, as the name of the field or how many there are.
func (v planView) brief() string {
	switch {
	case v.effect() == tools.ScanDeleted && len(v.scans) == 1:
		return "Delete " + tools.QuoteVisible(v.scans[0].Name)
	case v.effect() == tools.ScanAdded && len(v.scans) == 1:
		return "Add " + tools.QuoteVisible(v.scans[0].Name)
	case v.effect() != tools.ScanUpdated || len(v.scans) != 1:
		text, _ := v.title()
		return text
	case len(v.scans[0].Changed) == 1:
		return "Update " + tools.QuoteVisible(v.scans[0].Name) + ": " + v.scans[0].Changed[0].Name
	}
	return fmt.Sprintf("Update %s: %d fields", tools.QuoteVisible(v.scans[0].Name), len(v.scans[0].Changed))
}

// asked returns who proposed the change through what, and until when it can be decided.
func (v planView) asked() []terminal.Line {
	c := v.change
	text := fmt.Sprintf("Asked by %s through %s, open until %s", c.Requester, c.Source, c.Expires.UTC().Format("15:04 MST"))
	return terminal.WrapText(terminal.Dim, text, v.width, v.indent)
}

// question returns the change with its values in one sentence. It stands directly above the place of the answer.
func (v planView) question() []terminal.Line {
	return terminal.Wrap(terminal.Styled(terminal.Bold, v.sentence()), v.width, 2)
}

// sentence returns the text of the question.
func (v planView) sentence() string {
	switch {
	case v.effect() == tools.ScanDeleted && len(v.scans) == 1:
		return "Delete " + tools.QuoteVisible(v.scans[0].Name) + ", for good"
	case v.effect() == tools.ScanDeleted:
		return "Delete " + v.subject() + ", for good"
	case len(v.scans) != 1 || v.effect() == "":
		text, _ := v.title()
		return text
	case v.effect() == tools.ScanAdded:
		return "Add " + tools.QuoteVisible(v.scans[0].Name) + addedInBrief(v.scans[0])
	}
	var parts []string
	for _, f := range v.scans[0].Changed {
		parts = append(parts, changeInBrief(f))
	}
	return "Update " + tools.QuoteVisible(v.scans[0].Name) + ": " + strings.Join(parts, ", ")
}

// addedInBrief returns how many addresses a new scan has and how often it runs, ": 3 addresses, every 8 hours".
func addedInBrief(s tools.PlannedScan) string {
	var parts []string
	for _, f := range s.Changed {
		switch f.Name {
		case "target":
			parts = append(parts, f.AfterNote)
		case "intervalInHours":
			parts = append(parts, "every "+f.After+" hours")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// maxBrief is the longest value that the question repeats, in characters. The rows above it have every value.
const maxBrief = 24

// changeInBrief returns one change of a field, "intervalInHours 4 -> 24", or the name of the field if a value is long.
func changeInBrief(f tools.PlannedField) string {
	if f.Name == "target" {
		return "target " + f.BeforeNote + " -> " + f.AfterNote
	}
	before, after := quoteUnlessPlain(f.Before), quoteUnlessPlain(f.After)
	if f.Before == "" || f.After == "" || len(before) > maxBrief || len(after) > maxBrief {
		return f.Name
	}
	return f.Name + " " + before + " -> " + after
}

// quoteUnlessPlain returns text in quotation marks unless it is one word of letters, digits and a few signs.
func quoteUnlessPlain(text string) string {
	isPlain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:/@#-", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !isPlain(r) }) < 0 {
		return text
	}
	return tools.QuoteVisible(text)
}

// describeInterval returns how often a scan runs, "once a day", and "" if hours is no number.
func describeInterval(hours string) string {
	n, err := strconv.Atoi(hours)
	if err != nil || n <= 0 {
		return ""
	}
	switch n {
	case 1:
		return "every hour"
	case 8:
		return "three times a day"
	case 12:
		return "twice a day"
	case 24:
		return "once a day"
	case 168:
		return "once a week"
	}
	if n%24 == 0 {
		return fmt.Sprintf("every %d days", n/24)
	}
	return fmt.Sprintf("every %d hours", n)
}
