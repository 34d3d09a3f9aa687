package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// deletes reports whether the change removes scans.
func deletes(c confirm.Change) bool {
	return slices.ContainsFunc(tools.PlannedScans(c.Proposal), func(s tools.PlannedScan) bool { return s.Effect == tools.ScanDeleted })
}

// operationWords returns the name of a tool as words: "Delete scans" for delete_scans.
func operationWords(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// titleOf returns the title of the page of a change.
func titleOf(c confirm.Change) string {
	if c.State == confirm.Pending {
		return c.Summary
	}
	return stateWords(c) + ": " + c.Summary
}

// stateWords returns the state of a change in a few words.
func stateWords(c confirm.Change) string {
	switch c.State {
	case confirm.Pending:
		if c.Needed > 1 {
			return fmt.Sprintf("%d of %d approvals", c.Approvals(), c.Needed)
		}
		return "Waiting"
	case confirm.Approved:
		return "Approved, waits for its turn"
	case confirm.Executing:
		return "Being sent"
	case confirm.Unknown:
		return "Outcome unknown"
	}
	return operationWords(string(c.State))
}

// stateKind returns how a state is marked: by color, beside its words.
func stateKind(s confirm.State) string {
	switch s {
	case confirm.Applied:
		return "good"
	case confirm.Denied, confirm.Failed:
		return "harm"
	case confirm.Pending, confirm.Unknown, confirm.Stale:
		return "warn"
	case confirm.Approved, confirm.Executing:
		return "calm"
	}
	return "mute"
}

// headlineOf returns the headline of the page: the question of a change that waits, and how any other one ended.
func headlineOf(c confirm.Change) string {
	switch c.State {
	case confirm.Pending:
		return c.Summary
	case confirm.Approved:
		return "Approved. It will be sent in its turn"
	case confirm.Executing:
		return "Approved. It is being sent"
	case confirm.Applied:
		return "Applied, and sent once"
	case confirm.Denied:
		return "Denied, so nothing was sent"
	case confirm.Expired:
		return "Nobody decided in time, so nothing was sent"
	case confirm.Withdrawn:
		return "Withdrawn, so nothing was sent"
	case confirm.Stale:
		return "The live state has changed, so nothing was sent"
	case confirm.Failed:
		return "It failed"
	}
	return "It was sent, and its outcome is not known"
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

// countWords returns the number with the right form of the noun.
func countWords(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// leftWords returns a time span in whole minutes, or in seconds if it is short.
func leftWords(d time.Duration) string {
	switch {
	case d <= 0:
		return "no time left"
	case d < time.Minute:
		return countWords(int(d.Seconds()), "second left", "seconds left")
	case d < 2*time.Hour:
		return countWords(int(d.Minutes()), "minute left", "minutes left")
	}
	return countWords(int(d.Hours()), "hour left", "hours left")
}

// agoWords returns how long ago t was.
func agoWords(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return countWords(int(d.Minutes()), "minute ago", "minutes ago")
	case d < 24*time.Hour:
		return countWords(int(d.Hours()), "hour ago", "hours ago")
	}
	return countWords(int(now.Sub(t).Hours()/24), "day ago", "days ago")
}

// clockWords returns the time of day in UTC.
func clockWords(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// dayWords returns the day, with the time of day, in UTC.
func dayWords(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// isoTime returns the time for the datetime attribute.
func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// spelledCode returns the code with a blank between the letters, so that a screen reader spells it.
func spelledCode(code string) string { return strings.Join(strings.Split(code, ""), " ") }

// leftPercent returns how much of the time to decide is left.
func leftPercent(c confirm.Change, now time.Time) string {
	total := c.Expires.Sub(c.Created)
	if total <= 0 {
		return "0"
	}
	return strconv.Itoa(int(100 * timeLeft(c, now) / total))
}

// leftSeconds returns the duration of the animation that empties the bar.
func leftSeconds(c confirm.Change, now time.Time) string {
	return strconv.Itoa(int(timeLeft(c, now).Seconds())) + "s"
}

// approverName returns the name or the principal of an approver, or whom a group names.
func approverName(a confirm.Approver) string {
	switch {
	case a.Group != "":
		kind, name, _ := strings.Cut(a.Group, ":")
		if kind == "entra-role" {
			return "Everybody with the role " + name
		}
		return "Everybody in the Slack group " + name
	case a.Name != "":
		return a.Name
	}
	return string(a.Principal)
}

// initials returns up to two letters for the badge beside a name.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if r := []rune(word)[0]; len(out) < 2 {
			out = append(out, r)
		}
	}
	return strings.ToUpper(string(out))
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

// nounFor returns the form of a noun or verb for a number.
func nounFor(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// firstOf and secondOf pick one of two results, because a template cannot.
func firstOf(first, _ string) string   { return first }
func secondOf(_, second string) string { return second }

// scannerWords returns what is known of the scanner of a scan: its name, or else its machine id.
func scannerWords(s tools.PlannedScan) string {
	id, note := fieldOf(s, "scannerAgent.machineId")
	if name, _, _ := strings.Cut(note, ", last seen "); name != "" {
		return name
	}
	return id
}

// splitTarget returns the entries of a target.
func splitTarget(target string) []string { return strings.Split(target, ",") }

// warningKind returns how the warnings of a change are marked: as harm where something is lost for good.
func warningKind(c confirm.Change) string {
	if deletes(c) {
		return "harm"
	}
	return "warn"
}

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

// pillWords returns the state of the change as it concerns the viewer.
func pillWords(v changeView) string {
	if v.Change.State == confirm.Pending && v.Token != "" && v.NoApproval == "" && v.Change.Needed <= 1 {
		return "Waiting for you"
	}
	return stateWords(v.Change)
}

// needWords says how many people must approve.
func needWords(v changeView) string {
	left := max(v.Change.Needed, 1) - v.Change.Approvals()
	switch {
	case v.NoApproval != "":
		return countWords(left, "person", "people")
	case left <= 1:
		return "1 person: you are enough"
	}
	return fmt.Sprintf("%d people: you and %d more", left, left-1)
}

// nextForPerson returns what a person can do next. The result's own text for a change in execution is for a model.
func nextForPerson(c confirm.Change, r tools.Result) string {
	switch {
	case c.State == confirm.Approved, c.State == confirm.Executing:
		return "Open this page again in a moment to see how it ended."
	case c.State == confirm.Denied:
		return "Is it still wanted? Then ask for it anew."
	}
	return r.Next
}

// sentence returns text with a capital letter and a full stop.
func sentence(text string) string {
	text = operationWords(strings.ReplaceAll(text, "_", "\x00"))
	text = strings.ReplaceAll(text, "\x00", "_")
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// viewerName returns the viewer's name, or the principal where no name is known.
func viewerName(v Viewer) string {
	if v.Name != "" {
		return v.Name
	}
	return string(v.Principal)
}

// versionText returns the version of the change that the page shows.
func versionText(p page) string { return strconv.FormatInt(p.Version, 10) }

// endStates are the states by which the history can be filtered.
var endStates = []confirm.State{
	confirm.Applied, confirm.Denied, confirm.Expired, confirm.Failed, confirm.Stale, confirm.Unknown, confirm.Withdrawn,
}

// endReason returns the reason that an ended change has on record.
func endReason(c confirm.Change) string {
	if c.State == confirm.Applied {
		return ""
	}
	return c.Outcome.Reason
}

// decidedWords returns who decided, or that nobody did.
func decidedWords(c confirm.Change) string {
	var names []string
	for _, d := range c.Decisions {
		names = append(names, personName(d))
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}
