package store

import (
	"encoding/json"
	"time"

	"scanwarden/confirm"
)

// entry is one line of the audit log: a JSON object about one transition of a change, or of a link. It never holds
// the change's code.
type entry struct {
	N     int64     `json:"n"` // position in the log, from 0
	Time  time.Time `json:"time"`
	Event string    `json:"event"` // "proposed", "vote", "asked again", "noted", "removed", "baseline", "linked", "unlinked", or the new state

	Change    string            `json:"change"`
	Version   int64             `json:"version"` // of the change, after the transition
	Operation string            `json:"operation"`
	Target    string            `json:"target"`
	Digest    string            `json:"digest"`
	From      confirm.State     `json:"from,omitempty"`
	To        confirm.State     `json:"to"`
	Round     int               `json:"round,omitempty"`
	Requester confirm.Principal `json:"requester"`
	Via       string            `json:"via"`

	Owner    string            `json:"owner,omitempty"` // set with a claim
	Keys     []string          `json:"keys,omitempty"`  // set with a claim: what the change holds until its outcome is known
	Decision *confirm.Decision `json:"decision,omitempty"`
	Outcome  *confirm.Outcome  `json:"outcome,omitempty"`
	Note     string            `json:"note,omitempty"`
	Baseline string            `json:"baseline,omitempty"` // "sha256:" and the hash of what was recorded with it
	Proposed json.RawMessage   `json:"proposed,omitempty"` // set with the event "proposed"

	Link *linkEvent `json:"link,omitempty"` // nil in an entry about a change

	own *followedChange // how an entry of this process that proposes a change leaves it; nil for other entries
}

// logLine returns the value that is written as JSON. An entry about a link has no fields of a change.
func (e *entry) logLine() any {
	if e.Link == nil {
		return e
	}
	return struct {
		N     int64      `json:"n"`
		Time  time.Time  `json:"time"`
		Event string     `json:"event"`
		Link  *linkEvent `json:"link"`
		Note  string     `json:"note,omitempty"`
	}{e.N, e.Time, e.Event, e.Link, e.Note}
}

// eventName returns the audit event of a move of a change that is in state from.
func eventName(from confirm.State, m confirm.Move) string {
	switch {
	case m.To != from:
		return string(m.To)
	case m.Decision != nil:
		return "vote"
	case m.NextRound:
		return "asked again"
	case m.Baseline != nil:
		return "baseline"
	}
	return "noted"
}
