package main

import (
	"fmt"
	"strings"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/tools"
)

// ownRow lists the fields that have a row of their own where they do not change. The others share a paragraph.
var ownRow = map[string]string{
	"target": "target", "intervalInHours": "intervalInHours", "scannerAgent.machineId": "scanner", "credential": "credential",
}

// row returns head and a value that starts at a column. The value is wrapped below its start, or hang columns right of it.
// A head that reaches the column has a line of its own.
func (v planView) row(head, value terminal.Line, column, hang int) []terminal.Line {
	head = terminal.Join(terminal.Blanks(v.indent), head)
	if head.Width() > column-1 {
		below := terminal.Wrap(terminal.Join(terminal.Blanks(column), value), v.width, column+hang)
		return append(terminal.Wrap(head, v.width, v.indent+2), below...)
	}
	return terminal.Wrap(terminal.Join(head.Pad(column), value), v.width, column+hang)
}

// labelColumn returns the column at which values start, so that all names up to maxLabel fit before it.
func (v planView) labelColumn(names ...string) int {
	widest := len("intervalInHours") // so that views of one kind look alike
	for _, name := range names {
		if n := terminal.Width(name); n <= maxLabel {
			widest = max(widest, n)
		}
	}
	return v.indent + 2 + widest + 3
}

// withNote returns a value and, behind it, what explains it.
func withNote(value terminal.Line, note string) terminal.Line {
	if note == "" {
		return value
	}
	return terminal.Join(value, terminal.Blanks(3), terminal.Styled(terminal.Dim, note))
}

// spaced returns the entries of a target with a space after each comma, so that it can be wrapped.
func spaced(target string) string {
	entries := strings.Split(target, ",")
	for i, entry := range entries {
		entries[i] = strings.TrimSpace(entry)
	}
	return strings.Join(entries, ", ")
}

// shownValue returns the value of a field as it is shown in a row, with its explanation.
func shownValue(f tools.PlannedField) (value, note string) {
	value, note = f.Value()
	switch f.Name {
	case "target":
		value = spaced(value)
	case "intervalInHours":
		note = describeInterval(value)
	}
	return value, note
}

// added returns the rows of a new scan.
func (v planView) added(s tools.PlannedScan) []terminal.Line {
	column := v.labelColumn()
	head := func(label string) terminal.Line {
		return terminal.Join(terminal.Styled(terminal.Green, "+ "), terminal.Text(label))
	}
	var lines []terminal.Line
	var others []tools.PlannedField
	for _, f := range s.Changed {
		label, own := ownRow[f.Name]
		if !own {
			others = appendUnlessName(others, f, s.Name)
			continue
		}
		value, note := shownValue(f)
		lines = append(lines, v.row(head(label), withNote(terminal.Styled(terminal.Green, value), note), column, 0)...)
	}
	if len(others) == 0 {
		return lines
	}
	rest := terminal.Styled(terminal.Green, inBrief(others))
	return append(lines, v.row(head(fmt.Sprintf("and %d more", len(others))), rest, column, 0)...)
}

// changed returns the rows of what an update changes: each value before and after it.
func (v planView) changed(s tools.PlannedScan) []terminal.Line {
	var names []string
	for _, f := range s.Changed {
		names = append(names, f.Name)
	}
	column := v.labelColumn(names...)
	var lines []terminal.Line
	for _, f := range s.Changed {
		head := terminal.Join(terminal.Styled(terminal.Yellow, "~ "), terminal.Text(f.Name))
		for _, value := range transition(f) {
			lines = append(lines, v.row(head, value, column, 2)...)
			head = nil
		}
	}
	return lines
}

// transition returns the values of a field that changes, one in each line: removed, added, and of a target what stays.
func transition(f tools.PlannedField) []terminal.Line {
	removed, added, kept := f.Before, f.After, ""
	if f.Name == "target" {
		removed, added = spaced(removed), spaced(added)
	}
	if f.Added != nil || f.Removed != nil || f.Kept != nil {
		removed, added, kept = strings.Join(f.Removed, ", "), strings.Join(f.Added, ", "), strings.Join(f.Kept, ", ")
	}
	before, after := notesOf(f)
	var lines []terminal.Line
	if removed != "" {
		note := before
		if added == "" {
			note = after
		}
		lines = append(lines, withNote(terminal.Styled(terminal.Red, "- "+removed), note))
	}
	if added != "" {
		lines = append(lines, withNote(terminal.Styled(terminal.Green, "+ "+added), after))
	}
	if kept != "" {
		lines = append(lines, terminal.Styled(terminal.Dim, "  "+kept))
	}
	return lines
}

// notesOf returns what explains the value of a field before and after a change.
func notesOf(f tools.PlannedField) (before, after string) {
	switch {
	case f.Name == "intervalInHours":
		return "", strings.TrimPrefix(describeInterval(f.After)+wasText(describeInterval(f.Before), "was"), ", ")
	case f.Name == "target" && f.BeforeNote != "" && f.AfterNote != "":
		count, _, _ := strings.Cut(f.BeforeNote, " ")
		return "", f.AfterNote + wasText(count, "were")
	}
	return f.BeforeNote, f.AfterNote
}

// wasText returns ", was TEXT", and "" for no text.
func wasText(text, verb string) string {
	if text == "" {
		return ""
	}
	return ", " + verb + " " + text
}

// unchanged returns what an update leaves as it is, after an empty line.
func (v planView) unchanged(s tools.PlannedScan) []terminal.Line {
	const indent, widest = len("  stays  "), len("credential")
	lines := []terminal.Line{nil}
	add := func(label, value string) {
		heading := "  stays  "
		if len(lines) > 1 {
			heading = ""
		}
		head := terminal.Styled(terminal.Dim, fmt.Sprintf("%-*s%s", indent, heading, label))
		lines = append(lines, v.row(head, terminal.Styled(terminal.Dim, value), v.indent+indent+widest+2, 0)...)
	}
	others := []tools.PlannedField{{Name: "id", Before: s.ID, After: s.ID}}
	for _, f := range s.Unchanged {
		label, own := ownRow[f.Name]
		if !own || len(label) > widest {
			others = appendUnlessName(others, f, s.Name)
			continue
		}
		value, note := shownValue(f)
		add(label, strings.TrimSuffix(value+", "+note, ", "))
	}
	add("others", inBrief(others))
	return lines
}

// deleted returns the rows of a scan that is deleted: its name and target, then its other fields, then its id.
func (v planView) deleted(s tools.PlannedScan) []terminal.Line {
	name := tools.QuoteVisible(s.Name)
	column := v.labelColumn(name)
	var target terminal.Line
	var others []tools.PlannedField
	for _, f := range s.Unchanged {
		if f.Name != "target" {
			others = appendUnlessName(others, f, s.Name)
			continue
		}
		value, note := shownValue(f)
		target = withNote(terminal.Styled(terminal.Red, value), note)
	}
	lines := v.row(terminal.Styled(terminal.Red, "- "+name), target, column, 0)
	lines = append(lines, v.row(nil, terminal.Styled(terminal.Dim, inBrief(others)), column, 0)...)
	return append(lines, v.row(nil, terminal.Styled(terminal.Dim, "id "+s.ID), column, 0)...)
}

// appendUnlessName appends f unless it is the name of the scan, which stands above its fields already.
func appendUnlessName(fields []tools.PlannedField, f tools.PlannedField, name string) []tools.PlannedField {
	if value, _ := f.Value(); f.Name == "scanName" && value == name {
		return fields
	}
	return append(fields, f)
}

// authPrefix begins the names of the fields of a credential.
const authPrefix = "scanAuthenticationParams."

// inBrief returns fields as "name value, name value", the fields of a credential in braces at the end. A value that could
// be taken for more than one is quoted.
func inBrief(fields []tools.PlannedField) string {
	var parts, auth []string
	for _, f := range fields {
		value, note := f.Value()
		name, isAuth := strings.CutPrefix(f.Name, authPrefix)
		part := name + " " + quoteUnlessPlain(value)
		if note != "" {
			part += " (" + note + ")"
		}
		if isAuth {
			auth = append(auth, part)
		} else {
			parts = append(parts, part)
		}
	}
	if len(auth) > 0 {
		parts = append(parts, strings.TrimSuffix(authPrefix, ".")+" {"+strings.Join(auth, ", ")+"}")
	}
	return strings.Join(parts, ", ")
}
