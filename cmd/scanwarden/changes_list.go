package main

import (
	"fmt"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/tools"
)

// changeList prints changes for people: the open ones, then the others by day.
type changeList struct {
	*terminal.Printer
	filter changeFilter
	now    time.Time // in the time zone of the output
	idSize int       // how many letters of the end of an id are shown
}

// newChangeList returns a list that is printed at now, in the time zone of now.
func newChangeList(p *terminal.Printer, filter changeFilter, now time.Time) changeList {
	return changeList{Printer: p, filter: filter, now: now}
}

// print prints the changes with headings, and how to see more.
func (l changeList) print(read readHistory) {
	if len(read.changes) == 0 {
		l.printNone(read)
		return
	}
	l.idSize = shortIDSize(read)
	tenant := commonTarget(read.changes)
	heading := ""
	for _, group := range [][]confirm.Change{l.selectOpen(read.changes, true), l.selectOpen(read.changes, false)} {
		for _, c := range group {
			if h := l.headingOf(c); h != heading {
				if heading != "" {
					l.Print(nil)
				}
				l.Print(terminal.Beside(terminal.Styled(terminal.Bold, h), terminal.Styled(terminal.Dim, tenant), l.Width())...)
				heading, tenant = h, ""
			}
			l.printRow(c, commonTarget(read.changes) == "")
		}
	}
	l.Print(nil)
	l.Print(terminal.WrapText(terminal.Dim, l.footer(read), l.Width(), 0)...)
}

// printNone prints why the list is empty.
func (l changeList) printNone(read readHistory) {
	switch {
	case len(read.ids) == 0:
		l.Print(terminal.Text("no changes yet"))
	case l.filter.open && l.filter.person == "" && l.filter.operation == "" && len(l.filter.statuses) == 0:
		l.Print(terminal.Text("no open changes"))
	default:
		l.Print(terminal.Text(fmt.Sprintf("none of the %s of this ledger matches", config.Plural(len(read.ids), "change"))))
	}
}

// commonTarget returns the tenant of all changes, "" if they have several.
func commonTarget(changes []confirm.Change) string {
	for _, c := range changes {
		if c.Target != changes[0].Target {
			return ""
		}
	}
	return changes[0].Target
}

// selectOpen returns the changes that can still lead to a write, or the others.
func (l changeList) selectOpen(changes []confirm.Change, open bool) []confirm.Change {
	var found []confirm.Change
	for _, c := range changes {
		if l.isOpen(c) == open {
			found = append(found, c)
		}
	}
	return found
}

// isOpen reports whether a change can still lead to a write.
func (l changeList) isOpen(c confirm.Change) bool {
	return c.State.Open() && statusText(c, l.now) != string(confirm.Expired)
}

// headingOf returns "Open", "Today", "Yesterday" or the day of the proposal.
func (l changeList) headingOf(c confirm.Change) string {
	day := c.Created.In(l.now.Location()).Format(time.DateOnly)
	switch {
	case l.isOpen(c):
		return "Open"
	case day == l.now.Format(time.DateOnly):
		return "Today"
	case day == l.now.AddDate(0, 0, -1).Format(time.DateOnly):
		return "Yesterday"
	}
	return day
}

// The columns of a row: status, time, summary, person, id. The summary takes what is left.
const (
	statusColumn  = 2
	timeColumn    = 12
	summaryColumn = 25
	maxPerson     = 12
	columnGap     = 2
)

// printRow prints one change, and below it what a reader must know about how it ended.
func (l changeList) printRow(c confirm.Change, withTarget bool) {
	end := terminal.Join(terminal.Text(shortPerson(l.nameOf(c.Requester))).Pad(maxPerson+columnGap), terminal.Styled(terminal.Dim, shortID(c.ID, l.idSize)))
	room := l.Width() - summaryColumn - columnGap - end.Width()
	head := terminal.Join(terminal.Blanks(statusColumn), l.status(c)).Pad(timeColumn)
	when := terminal.Text(l.when(c))
	head = terminal.Join(head, terminal.Blanks(summaryColumn-2-timeColumn-when.Width()), when).Pad(summaryColumn)
	for i, line := range terminal.Wrap(terminal.Text(newPlanView(c, l.Width(), 0).brief()), room, 2) {
		if i == 0 {
			l.Print(terminal.Join(head, line.Pad(room), terminal.Blanks(columnGap), end))
		} else {
			l.Print(terminal.Join(terminal.Blanks(summaryColumn), line))
		}
	}
	notes := l.notes(c)
	if withTarget {
		notes = append(notes, terminal.Styled(terminal.Dim, "in "+c.Target))
	}
	for _, note := range notes {
		l.Print(terminal.Wrap(terminal.Join(terminal.Blanks(summaryColumn), note), l.Width(), summaryColumn+2)...)
	}
}

// status returns the status of a change in a few letters: how many have approved, if it needs several people.
func (l changeList) status(c confirm.Change) terminal.Line {
	switch status := statusText(c, l.now); {
	case c.State == confirm.Pending && l.isOpen(c) && c.Needed > 1:
		return terminal.Styled(terminal.Yellow, fmt.Sprintf("%d of %d", c.Approvals(), c.Needed))
	case status == "awaiting_confirmation":
		return terminal.Styled(terminal.Yellow, "waiting")
	default:
		return styledStatus(status)
	}
}

// when returns how long an open change can be decided, and otherwise the time of the proposal.
func (l changeList) when(c confirm.Change) string {
	if c.State == confirm.Pending && l.isOpen(c) {
		return timeLeft(c.Expires.Sub(l.now))
	}
	return c.Created.In(l.now.Location()).Format("15:04")
}

// timeLeft returns a duration in the largest whole unit, "9 min left".
func timeLeft(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "< 1 min left"
	case d < time.Hour:
		return fmt.Sprintf("%d min left", d/time.Minute)
	}
	return fmt.Sprintf("%d h left", d/time.Hour)
}

// notes returns what a reader must know about how a change ended.
func (l changeList) notes(c confirm.Change) []terminal.Line {
	result := tools.ResultOf(c)
	switch c.State {
	case confirm.Unknown:
		return []terminal.Line{terminal.Styled(terminal.Yellow, strings.TrimSpace("! "+result.Reason+" "+result.Next))}
	case confirm.Failed:
		return []terminal.Line{terminal.Styled(terminal.Dim, result.Reason)}
	case confirm.Denied:
		for _, d := range c.Decisions {
			if !d.Approve && d.Reason != "" {
				return []terminal.Line{terminal.Styled(terminal.Dim, tools.QuoteVisible(terminal.Sanitize(d.Reason))+"  "+l.personOf(d))}
			}
		}
	}
	return nil
}

// nameOf returns the configured name of a principal, or the principal.
func (l changeList) nameOf(principal confirm.Principal) string {
	if name := l.filter.names[principal]; name != "" {
		return name
	}
	return string(principal)
}

// personOf returns the name of the person who decided.
func (l changeList) personOf(d confirm.Decision) string {
	if d.Name != "" {
		return d.Name
	}
	return l.nameOf(d.Principal)
}

// shortPerson returns as much of a name or principal as fits in a row: of a long name the first word, of a principal what
// follows its kind and tenant. The whole is in `scanwarden changes ID`.
func shortPerson(name string) string {
	if i := strings.LastIndexAny(name, ":/"); i >= 0 {
		name = name[i+1:]
	}
	if name = terminal.Sanitize(name); terminal.Width(name) > maxPerson {
		name, _, _ = strings.Cut(name, " ")
	}
	if terminal.Width(name) <= maxPerson {
		return name
	}
	cut := ""
	for _, r := range name {
		if terminal.Width(cut+string(r)) > maxPerson-1 {
			break
		}
		cut += string(r)
	}
	return cut + "…"
}

// minShortID is the shortest end of an id that is shown.
const minShortID = 6

// shortIDSize returns how much of the end of an id it takes so that no listed change can be taken for another one of the
// ledger.
func shortIDSize(read readHistory) int {
	size := minShortID
	for _, c := range read.changes {
		for _, other := range read.ids {
			for size < len(c.ID) && other != c.ID && strings.HasSuffix(other, shortID(c.ID, size)) {
				size++
			}
		}
	}
	return size
}

// shortID returns the last letters of an id.
func shortID(id string, size int) string { return id[max(len(id)-size, 0):] }

// footer returns how many changes are listed, and how to see one whole and older ones.
func (l changeList) footer(read readHistory) string {
	last := shortID(read.changes[len(read.changes)-1].ID, l.idSize)
	count := fmt.Sprintf("%d of %d.", len(read.changes), len(read.ids))
	if !l.filter.isEmpty() {
		count = fmt.Sprintf("%d of %d match.", len(read.changes), len(read.ids))
		if read.more {
			count = fmt.Sprintf("%d of those that match.", len(read.changes))
		}
	}
	text := count + " One whole: scanwarden changes " + shortID(read.changes[0].ID, l.idSize) + "."
	if read.more {
		text += " Older: --before " + last
	}
	return text
}
