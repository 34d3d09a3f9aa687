package blocks

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

const (
	// maxColumn bounds the column of field names: a telephone shows about 30 characters in a line.
	maxColumn = 15
	// maxKeptLines bounds the entries of a target that stay and get a line each.
	maxKeptLines = 8
)

// Changes returns what the change sends that is new, and every field of a scan that is added or deleted. If the plan lists no scans,
// it returns the summary.
func (p Plan) Changes() []slack.Block {
	if len(p.scans) == 0 {
		return TextSections(p.Summary)
	}
	var all []slack.Block
	for i, s := range p.scans {
		text := p.scanTitle(i) + changedText(s)
		if heading := p.changeHeading(i); heading != "" {
			all = append(all, headedCode(heading, text)...)
		} else {
			all = append(all, CodeBlocks(text)...)
		}
	}
	return all
}

// changeHeading returns the heading above scan i. Scans that are deleted have one heading together.
func (p Plan) changeHeading(i int) string {
	s := p.scans[i]
	switch {
	case s.Effect == tools.ScanUpdated:
		return count(len(s.Changed), "field changes", "fields change")
	case i > 0:
		return ""
	case s.Effect == tools.ScanAdded:
		return count(len(p.scans), "scan is new", "scans are new")
	}
	return count(len(p.scans), "scan goes", "scans go")
}

// scanTitle returns the first line about scan i: its number, if there are several, and its name. It returns "" for the one scan of an
// update or an addition, whose name is in the header and among the fields.
func (p Plan) scanTitle(i int) string {
	s := p.scans[i]
	switch {
	case len(p.scans) > 1:
		return fmt.Sprintf("%d  %s\n", i+1, tools.QuoteVisible(s.Name))
	case s.Effect == tools.ScanDeleted || len(s.Changed) == 0:
		return tools.QuoteVisible(s.Name) + "\n"
	}
	return ""
}

// changedText returns the fields of a scan that change, or all of them if it is added or deleted.
func changedText(s tools.PlannedScan) string {
	switch s.Effect {
	case tools.ScanAdded:
		return columns(s.Changed, s.ID)
	case tools.ScanDeleted:
		return deletedText(s)
	}
	var b strings.Builder
	for _, f := range s.Changed {
		writeChange(&b, f)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// writeChange writes a field, and below it what goes and what comes. Nothing depends on long lines or on colors.
func writeChange(b *strings.Builder, f tools.PlannedField) {
	b.WriteString(f.Name)
	if f.Added != nil || f.Removed != nil {
		writeNotes(b, f.AfterNote, f.BeforeNote)
		writeEntries(b, "- ", f.Removed)
		writeEntries(b, "+ ", f.Added)
		if len(f.Kept) > maxKeptLines {
			f.Kept = []string{strings.Join(f.Kept, ",")}
		}
		writeEntries(b, "  ", f.Kept)
		return
	}
	b.WriteByte('\n')
	for _, side := range []struct{ mark, text, note string }{{"- ", f.Before, f.BeforeNote}, {"+ ", f.After, f.AfterNote}} {
		if side.text != "" {
			writeEntries(b, side.mark, []string{withNote(side.text, side.note)})
		}
	}
}

// writeNotes ends the line of a target with the number of its addresses.
func writeNotes(b *strings.Builder, after, before string) {
	if after != "" {
		b.WriteString(", " + after)
	}
	if before != "" && before != after {
		b.WriteString(", were " + before)
	}
	b.WriteByte('\n')
}

func writeEntries(b *strings.Builder, mark string, entries []string) {
	for _, e := range entries {
		b.WriteString("  " + mark + e + "\n")
	}
}

// withNote returns a value with the note that explains it on a line of its own.
func withNote(text, note string) string {
	if note == "" {
		return text
	}
	return text + "\n    " + note
}

// Unchanged returns the fields that an update leaves as they are. They are sent as well, so none is left out.
func (p Plan) Unchanged() []slack.Block {
	var all []slack.Block
	for i, s := range p.scans {
		if s.Effect != tools.ScanUpdated {
			continue
		}
		heading := count(len(s.Unchanged)+1, "field stays", "fields stay")
		if len(p.scans) > 1 {
			heading = fmt.Sprintf("%d  %s", i+1, heading)
		}
		all = append(all, headedCode(heading, columns(s.Unchanged, s.ID))...)
	}
	return all
}

// columns returns fields in two columns, the id first. A name that is too long for its column has its value on the next line, and so
// has each note.
func columns(fields []tools.PlannedField, id string) string {
	if id != "" {
		fields = append([]tools.PlannedField{{Name: "id", After: id}}, fields...)
	}
	width := 0
	for _, f := range fields {
		if len(f.Name) <= maxColumn {
			width = max(width, len(f.Name))
		}
	}
	var lines []string
	for _, f := range fields {
		text, note := f.Value()
		switch {
		case len(f.Name) > maxColumn:
			lines = append(lines, f.Name, "  "+text)
		default:
			lines = append(lines, fmt.Sprintf("%-*s  %s", width, f.Name, text))
		}
		if note != "" {
			lines = append(lines, fmt.Sprintf("%-*s  %s", width, "", note))
		}
	}
	return strings.Join(lines, "\n")
}

// count returns "1 scan goes" or "3 scans go".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
