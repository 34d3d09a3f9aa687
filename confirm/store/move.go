package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"scanwarden/confirm"
)

// isSettled reports whether a change in this state keeps its state and outcome for ever.
func isSettled(s confirm.State) bool {
	switch s {
	case confirm.Applied, confirm.Failed, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale:
		return true
	}
	return false
}

// Move implements confirm.Store. A settled change does not move again.
func (s *Store) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	var after rowState
	t, err := newMoveTransition(c, m, &after)
	if err == nil {
		err = s.writeTransition(ctx, t)
	}
	if err == nil {
		c, err = after.updatedChange(c, t.entry, m.Baseline)
	}
	if err != nil {
		return confirm.Change{}, fmt.Errorf("move change %s to %s: %w", c.ID, m.To, err)
	}
	return c, nil
}

// rowState holds the columns that a move leaves or sets, and that the caller cannot know.
type rowState struct {
	owner, outcome string
	lease          int64
}

// maxMoveSize bounds what users and services may add to a change with one move, in bytes of JSON.
const maxMoveSize = 1 << 20

// newMoveTransition returns the transition of m. Its audit entry records what the row holds of the change, not
// what the caller holds. after receives the columns of the row.
func newMoveTransition(c confirm.Change, m confirm.Move, after *rowState) (*transition, error) {
	if err := checkMove(c, m); err != nil {
		return nil, err
	}
	outcome, decision, err := encodeMove(&m)
	if err != nil {
		return nil, err
	}
	e := &entry{
		Time: m.At.UTC(), Event: eventName(c.State, m), Change: c.ID, Version: c.Version + 1, Digest: c.Digest,
		From: c.State, To: m.To, Owner: m.Owner, Decision: m.Decision, Outcome: m.Outcome, Note: m.Note,
	}
	t := &transition{entry: e, read: &c}
	if m.To == confirm.Executing && c.State != m.To || c.State == confirm.Unknown {
		t.hashes = new(hashChange(c))
	}
	if m.Baseline != nil {
		e.Baseline = hashBaseline(m.Baseline)
		t.details = append(t.details, &statement{query: upsertBaseline, args: []any{c.ID, string(m.Baseline)}})
	}
	person, expiresAfter := "", int64(math.MinInt64)
	if m.Decision != nil {
		person = m.Decision.Person
		t.details = append(t.details, &statement{query: insertDecision, args: []any{c.ID, person, e.Version, decision}})
	}
	if m.Unexpired {
		expiresAfter = micros(m.At)
	}
	t.guarded = &statement{query: updateChange, args: []any{
		string(m.To), micros(m.At), boolToInt(m.NextRound), m.Owner, micros(m.Lease), outcome,
		c.ID, c.Digest, string(c.State), c.Version, expiresAfter, person, boolToInt(isSettled(m.To)),
	}, dest: []any{&e.Operation, &e.Target, &e.Requester, &e.Via, &e.Round, &after.owner, &after.lease, &after.outcome}}
	if len(m.Keys) > 0 {
		t.requireKeys(c, m)
	}
	if isSettled(m.To) {
		t.details = append(t.details, &statement{query: releaseClaims, args: []any{c.ID}})
	}
	return t, nil
}

// encodeMove returns the outcome and the decision of m as JSON, each empty if m has none. It replaces the decision
// of m by a copy with a UTC time.
func encodeMove(m *confirm.Move) (outcome, decision string, err error) {
	var kept [2][]byte
	if m.Outcome != nil {
		if kept[0], err = json.Marshal(m.Outcome); err != nil {
			return "", "", err
		}
	}
	if m.Decision != nil {
		m.Decision = new(*m.Decision)
		m.Decision.At = m.Decision.At.UTC()
		if kept[1], err = json.Marshal(m.Decision); err != nil {
			return "", "", err
		}
	}
	if n := len(kept[0]) + len(kept[1]) + len(m.Note); n > maxMoveSize {
		return "", "", fmt.Errorf("the reason, outcome and note take %d bytes and may take %d; shorten them", n, maxMoveSize)
	}
	return string(kept[0]), string(kept[1]), nil
}

// checkMove returns an error if c is settled or m is incomplete.
func checkMove(c confirm.Change, m confirm.Move) error {
	switch {
	case isSettled(c.State):
		return fmt.Errorf("it has ended as %s: %w", c.State, confirm.ErrMoved)
	case m.To == "":
		return errors.New("the move names no state")
	case m.Decision != nil && m.Decision.Person == "":
		return errors.New("the decision names no person")
	case len(m.Baseline) > maxProposal:
		return fmt.Errorf("the baseline takes %d bytes and may take %d", len(m.Baseline), maxProposal)
	}
	return nil
}

// updatedChange returns c as it is after the move of entry e. The guard has proved that c was up to date.
func (a rowState) updatedChange(c confirm.Change, e *entry, baseline json.RawMessage) (_ confirm.Change, err error) {
	c.State, c.Version, c.Round, c.Updated = e.To, e.Version, e.Round, fromMicros(micros(e.Time))
	c.Owner, c.Lease = a.owner, fromMicros(a.lease)
	if baseline != nil {
		c.Baseline = baseline
	}
	if e.Decision != nil {
		c.Decisions = append(slices.Clip(c.Decisions), *e.Decision)
	}
	c.Outcome, err = parseOutcome(a.outcome)
	return c, err
}
