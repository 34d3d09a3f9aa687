package web

import (
	"fmt"
	"strings"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// EventsOf returns what a change itself tells about its history, oldest first.
func EventsOf(c confirm.Change) []Event {
	events := []Event{{At: c.Created, What: "Proposed by " + string(c.Requester), Note: "through " + c.Source}}
	for _, d := range c.Decisions {
		events = append(events, DecisionEvent(d))
	}
	if !c.State.Open() {
		events = append(events, Event{At: c.Updated, What: stateWords(c), Note: tools.ResultOf(c).Reason, Kind: stateKind(c.State)})
	}
	return events
}

// DecisionEvent returns a person's decision as an entry of a change's history.
func DecisionEvent(d confirm.Decision) Event {
	e := Event{At: d.At, What: "Approved by " + personName(d), Note: channelWords(d.Channel), Kind: "good"}
	if !d.Approve {
		e.What, e.Kind = "Denied by "+personName(d), "harm"
	}
	if with := contextWords(d.Contexts); with != "" {
		e.Note += ", " + with
	}
	if d.Reason != "" {
		e.Note += ": “" + d.Reason + "”"
	}
	return e
}

// contextWords returns the sign-in with which a decision was made, "" for one without authentication contexts.
func contextWords(contexts []confirm.AuthContext) string {
	var parts []string
	for _, a := range contexts {
		parts = append(parts, fmt.Sprintf("%s (signed in at %s)", a.ID, clockWords(a.At)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "with the authentication context " + strings.Join(parts, ", ")
}

// personName returns the name of the person who made the decision, or the principal where no name is known.
func personName(d confirm.Decision) string {
	if d.Name != "" {
		return d.Name
	}
	return string(d.Principal)
}
