package main

import (
	"fmt"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/tools"
)

// changePage prints everything about one change, except its code.
type changePage struct {
	*terminal.Printer
	change confirm.Change
	names  map[confirm.Principal]string
	zone   *time.Location
	now    time.Time
}

// printChange prints the plan that approvers saw, the history from the audit log and the request.
func printChange(p *terminal.Printer, read readHistory, names map[confirm.Principal]string) {
	now := time.Now()
	page := changePage{Printer: p, change: read.changes[0], names: names, zone: now.Location(), now: now}
	page.print(read.log)
}

// print prints the page.
func (p changePage) print(log []store.LogEntry) {
	c, view := p.change, newPlanView(p.change, p.Width(), 0)
	title, _ := view.title()
	status := (changeList{now: p.now}).status(c)
	head := terminal.Join(terminal.Styled(terminal.Bold, title), terminal.Blanks(3), status)
	p.Print(terminal.Beside(head, terminal.Styled(terminal.Dim, c.ID), p.Width())...)
	p.Print(terminal.Styled(terminal.Dim, "in "+c.Target))
	p.Print(view.warnings()...)
	p.Print(nil)
	p.Print(view.body()...)
	p.printHistory(log)
	p.printEnd()
	p.Print(nil)
	p.printFacts(log)
}

// The columns of the history.
const (
	eventColumn  = 10
	detailColumn = 24
)

// printHistory prints one line for each entry of the audit log, below the day on which it was made.
func (p changePage) printHistory(log []store.LogEntry) {
	if len(log) > 0 {
		p.Print(nil)
	}
	day := ""
	for _, e := range log {
		at := e.Time.In(p.zone)
		if d := at.Format(time.DateOnly + " MST"); d != day {
			p.Print(terminal.Styled(terminal.Dim, d))
			day = d
		}
		event := styledStatus(e.Event)
		if !isEnd(confirm.State(e.Event)) {
			event = terminal.Text(e.Event)
		}
		head := terminal.Join(terminal.Text(at.Format(time.TimeOnly)).Pad(eventColumn), event).Pad(detailColumn)
		p.Print(terminal.Wrap(terminal.Join(head, terminal.Text(p.detail(e))), p.Width(), detailColumn)...)
	}
}

// isEnd reports whether a change ends in this state.
func isEnd(s confirm.State) bool {
	switch s {
	case confirm.Pending, confirm.Approved, confirm.Executing:
		return false
	case confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale:
		return true
	}
	return false
}

// detail returns what an entry of the log adds to its event.
func (p changePage) detail(e store.LogEntry) string {
	c := p.change
	var parts []string
	switch {
	case e.Event == "proposed":
		parts = append(parts, fmt.Sprintf("%s, %s", p.person(c.Requester, ""), e.Via))
	case e.Decision != nil:
		d := *e.Decision
		said := "yes"
		if !d.Approve {
			said = "no"
		}
		text := fmt.Sprintf("%s said %s on %s%s", p.person(d.Principal, d.Name), said, d.Channel, contextText(d))
		if d.Reason != "" {
			text += ": " + tools.QuoteVisible(terminal.Sanitize(d.Reason))
		}
		parts = append(parts, text)
	case e.Event == string(confirm.Executing):
		parts = append(parts, fmt.Sprintf("%s, %d bytes, sent at most once", c.Request.Method, len(c.Request.Body)))
	case e.Event == "baseline":
		parts = append(parts, "the scans that exist were recorded before sending")
	}
	if e.Outcome != nil {
		parts = append(parts, e.Outcome.Reason)
	}
	parts = append(parts, e.Note)
	return joinTexts(parts)
}

// joinTexts returns the texts that are not empty, each once, as "one; two".
func joinTexts(texts []string) string {
	var kept []string
	for _, text := range texts {
		if text != "" && (len(kept) == 0 || kept[len(kept)-1] != text) {
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, "; ")
}

// person returns the name and the principal of a person.
func (p changePage) person(principal confirm.Principal, name string) string {
	if name == "" {
		name = p.names[principal]
	}
	if name == "" {
		return string(principal)
	}
	return fmt.Sprintf("%s (%s)", name, principal)
}

// printEnd prints what to do next, or until when an open change can be decided.
func (p changePage) printEnd() {
	c := p.change
	if c.State == confirm.Pending && c.Expires.After(p.now) {
		p.Print(nil)
		text := fmt.Sprintf("Open until %s; it has %d of %d approvals.", c.Expires.In(p.zone).Format("15:04 MST"), c.Approvals(), max(c.Needed, 1))
		p.Print(terminal.WrapText(terminal.Yellow, text, p.Width(), 0)...)
		return
	}
	if next := c.Outcome.Next; next != "" {
		p.Print(nil)
		p.Print(terminal.WrapText(terminal.Plain, "Next: "+next, p.Width(), 0)...)
	}
}

// printFacts prints the exact request, the digest and where the log has the change.
func (p changePage) printFacts(log []store.LogEntry) {
	c := p.change
	dim := func(text string, indent int) { p.Print(terminal.WrapText(terminal.Dim, text, p.Width(), indent)...) }
	p.Print(requestLines(c, p.Width())...)
	if len(log) > 0 {
		dim(fmt.Sprintf("log      entries %d to %d", log[0].N, log[len(log)-1].N), 0)
	}
}

// requestLines returns the exact request, with credentials by reference, and the digest.
func requestLines(c confirm.Change, width int) (lines []terminal.Line) {
	dim := func(text string, indent int) {
		lines = append(lines, terminal.WrapText(terminal.Dim, text, width, indent)...)
	}
	dim(fmt.Sprintf("request  %s, %d bytes:", c.Request.Method, len(c.Request.Body)), 0)
	dim(c.Request.Path, 2)
	dim(string(c.Request.Body), 2)
	dim("digest   "+c.Digest, 0)
	return lines
}

// contextText returns the authentication contexts that a decision was made with, "" for none.
func contextText(d confirm.Decision) string {
	var ids []string
	for _, a := range d.Contexts {
		ids = append(ids, fmt.Sprintf("%s at %s", a.ID, a.At.Local().Format(time.TimeOnly)))
	}
	if len(ids) == 0 {
		return ""
	}
	return " (signed in with " + strings.Join(ids, ", ") + ")"
}

// decisionText returns one decision as a sentence.
func decisionText(d confirm.Decision) string {
	who, said, why := string(d.Principal), "no", ""
	if d.Name != "" {
		who = fmt.Sprintf("%s (%s)", d.Name, d.Principal)
	}
	if d.Approve {
		said = "yes"
	}
	if d.Reason != "" {
		why = ": " + d.Reason
	}
	return fmt.Sprintf("%s said %s on %s%s at %s%s", who, said, d.Channel, contextText(d), d.At.Local().Format(timeLayout), why)
}
