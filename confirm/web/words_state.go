package web

import (
	"fmt"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// titleOf returns the title of the page of a change.
func titleOf(c confirm.Change) string {
	scans := tools.PlannedScans(c.Proposal)
	if c.State == confirm.Pending {
		return questionOf(c, scans)
	}
	return stateWords(c) + ": " + questionOf(c, scans)
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

// hasApproved reports whether the principal has approved c.
func hasApproved(c confirm.Change, p confirm.Principal) bool {
	return slices.ContainsFunc(c.Decisions, func(d confirm.Decision) bool { return d.Approve && d.Principal == p })
}

// channelWords returns where a decision was made.
func channelWords(c confirm.Channel) string {
	switch c {
	case confirm.WebPage:
		return "on this page"
	case confirm.Slack:
		return "in Slack"
	case confirm.Client:
		return "in the prompt of the client"
	case confirm.Terminal:
		return "in a terminal"
	}
	return "on the channel " + string(c)
}

// headlineOf returns the headline of the page: the question of a change that waits, and how any other one ended.
func headlineOf(v changeView) string {
	c := v.Change
	switch c.State {
	case confirm.Pending:
		if left := c.Needed - c.Approvals(); hasApproved(c, v.Viewer.Principal) && left > 0 {
			return "Your approval is in. " + countWords(left, "more is needed", "more are needed")
		}
		return questionOf(c, v.Scans)
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

// warningKind returns how the warnings of a change are marked: as harm where something is lost for good.
func warningKind(v changeView) string {
	if v.deletes() {
		return "harm"
	}
	return "warn"
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
