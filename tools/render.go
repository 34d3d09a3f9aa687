package tools

import (
	"fmt"
	"math"
	"strings"
	"time"

	"scanwarden/confirm"
)

// maxLines is how many lines the prompt of a change to one scan has, unless its values are long: a client in a terminal of
// 24 lines shows them all with the code.
const maxLines = 12

// Prompt returns the whole message of a client's prompt: the plan, the notice, and the code in the last line. notice is a
// sentence about the answer before, shown directly above the code, where a client that shows only the end of a message
// shows it too. "" means no notice.
func Prompt(c confirm.Change, notice string) string {
	end := "To apply this change, type: " + c.Code
	if notice != "" {
		end = notice + "\n" + end
	}
	lines := maxLines - lineCount(end)
	if plan := renderWithin(c, lines-1); notice == "" || lineCount(plan) < lines {
		return plan + "\n\n" + end
	}
	return renderWithin(c, lines) + "\n" + end // without a blank line, or the notice would push the plan out of sight
}

// Render returns the whole plan as plain text for an approver: summary, warnings, what changes, what stays, its requester
// and until when it can be decided, without a line break at the end. It never contains the code, which Prompt adds. It
// returns the same text at every call.
//
// Clients show it in ways that nobody controls: in a few lines, or with all white space folded. So a line has at most 78
// columns, an item begins with a word in capitals or a number and ends with "." or ";", and text that comes from
// elsewhere is quoted and escaped. Nothing that is sent is cut.
func Render(c confirm.Change) string { return renderWithin(c, maxLines-2) }

// renderWithin returns the plan of a change to one scan in at most so many lines, if it fits. For that, the fields of a
// scan share lines.
func renderWithin(c confirm.Change, lines int) string {
	scans := PlannedScans(c.Proposal)
	head := []string{headline(c, scans)}
	for _, w := range c.Warnings {
		head = append(head, "WARNING: "+withStop(w))
	}
	rest := append(scanItems(scans), requesterItem(c))
	items := append(head[:len(head):len(head)], rest...)
	dense := append(head[:len(head):len(head)], strings.Join(rest, " "))
	if len(scans) > 1 {
		return wrapItems(items, maxColumns) // a scan with a long name still has one line
	}
	for _, columns := range []int{roomyColumns, maxColumns} {
		for _, layout := range [][]string{items, dense} {
			if text := wrapItems(layout, columns); lineCount(text) <= lines {
				return text
			}
		}
	}
	return wrapItems(items, roomyColumns)
}

func lineCount(text string) int { return strings.Count(text, "\n") + 1 }

// headline returns the first sentence of a plan: what is done to which scans, where, and how much that is.
func headline(c confirm.Change, scans []PlannedScan) string {
	where := " in tenant " + QuoteVisible(escapeInvisible(c.Target))
	if len(scans) == 0 {
		return withStop(c.Summary)
	}
	one := "scan " + QuoteVisible(scans[0].Name) + where
	switch effect := scans[0].Effect; {
	case effect == ScanAdded:
		return "Add " + one + withSize(targetSize(scans[0])) + "."
	case effect == ScanDeleted && len(scans) == 1:
		return "Delete " + one + withSize(targetSize(scans[0])) + "."
	case effect == ScanDeleted:
		return "Delete " + plural(uint64(len(scans)), "scan", "scans") + where + withSize(factsSize(c.Facts)) + "."
	default:
		return "Update " + one + ": " + plural(uint64(changeCount(scans[0])), "field changes", "fields change") + "."
	}
}

func withSize(size string) string {
	if size == "" {
		return ""
	}
	return ": " + size
}

// targetSize returns how much a scan covers, or "".
func targetSize(s PlannedScan) string {
	_, note := targetField(s).Value()
	return note
}

// factsSize returns how much several scans cover together, or "" if that is unknown.
func factsSize(f confirm.Facts) string {
	var out []string
	if f.Addresses == math.MaxInt || f.Count == 0 {
		return ""
	}
	if f.Addresses > 0 {
		out = append(out, plural(uint64(f.Addresses), "address", "addresses"))
	}
	if f.Hostnames > 0 {
		out = append(out, plural(uint64(f.Hostnames), "hostname", "hostnames"))
	}
	return strings.Join(out, ", ")
}

// changeCount returns how many fields of an updated scan change. The parts of a credential count as one.
func changeCount(s PlannedScan) int {
	n := 0
	for _, f := range s.Changed {
		if !strings.HasPrefix(f.Name, authenticationPrefix) {
			n++
		}
	}
	return n
}

// requesterItem returns who asked for a change, and what it still needs.
func requesterItem(c confirm.Change) string {
	text := "ASKED by " + QuoteVisible(escapeInvisible(string(c.Requester))) + " through " + QuoteVisible(escapeInvisible(c.Source))
	if c.Needed > 1 {
		text += fmt.Sprintf("; needs the yes of %d people", c.Needed)
	}
	layout := "15:04 MST"
	if c.Expires.Sub(c.Created) > 12*time.Hour {
		layout = "2006-01-02 15:04 MST"
	}
	return text + "; open until " + c.Expires.UTC().Format(layout) + "."
}

// withStop returns a sentence with its full stop.
func withStop(text string) string { return strings.TrimSuffix(text, ".") + "." }
