package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"scanwarden/confirm"
)

// settled reports whether a change in this state stays as it is for ever, with its outcome.
func settled(s confirm.State) bool {
	switch s {
	case confirm.Applied, confirm.Failed, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale:
		return true
	}
	return false
}

// Move implements confirm.Ledger. A change that is settled does not move again.
func (s *Store) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	var after altered
	t, err := newMove(c, m, &after)
	if err == nil {
		err = s.commit(ctx, t)
	}
	if err == nil {
		c, err = after.change(c, t.entry)
	}
	if err != nil {
		return confirm.Change{}, fmt.Errorf("move change %s to %s: %w", c.ID, m.To, err)
	}
	return c, nil
}

// altered is what a move finds in its row, where the caller cannot know it.
type altered struct {
	owner, outcome string
	lease          int64
}

// newMove returns the transition that m makes. Its audit entry will tell what the row says of the change, not
// what the caller holds.
func newMove(c confirm.Change, m confirm.Move, after *altered) (*transition, error) {
	switch {
	case settled(c.State):
		return nil, fmt.Errorf("it has ended as %s: %w", c.State, confirm.ErrMoved)
	case m.To == "":
		return nil, errors.New("the move names no state")
	case m.Decision != nil && m.Decision.Person == "":
		return nil, errors.New("the decision names no person")
	}
	e := &entry{
		Time: m.At.UTC(), Event: event(c.State, m), Change: c.ID, Version: c.Version + 1, Digest: c.Digest,
		From: c.State, To: m.To, Owner: m.Owner, Outcome: m.Outcome, Note: m.Note,
	}
	t := &transition{entry: e}
	outcome, person, expiresAfter := "", "", int64(math.MinInt64)
	if m.Unexpired {
		expiresAfter = micros(m.At)
	}
	if m.Outcome != nil {
		text, err := json.Marshal(m.Outcome)
		if err != nil {
			return nil, err
		}
		outcome = string(text)
	}
	if m.Decision != nil {
		person = m.Decision.Person
		if err := t.decide(*m.Decision); err != nil {
			return nil, err
		}
	}
	t.change = &statement{query: moveChange, args: []any{
		string(m.To), micros(m.At), flag(m.NextRound), m.Owner, micros(m.Lease), outcome,
		c.ID, c.Digest, string(c.State), c.Version, expiresAfter, person, flag(settled(m.To)),
	}, into: []any{&e.Operation, &e.Target, &e.Requester, &e.Via, &e.Round, &after.owner, &after.lease, &after.outcome}}
	return t, nil
}

func (t *transition) decide(d confirm.Decision) error {
	d.At = d.At.UTC()
	text, err := json.Marshal(d)
	t.entry.Decision = &d
	t.then = &statement{query: insertDecision, args: []any{t.entry.Change, d.Person, t.entry.Version, string(text)}}
	return err
}

// change returns c as it is after the move that e tells of: the guard has proved that c was up to date.
func (a altered) change(c confirm.Change, e *entry) (_ confirm.Change, err error) {
	c.State, c.Version, c.Round, c.Updated = e.To, e.Version, e.Round, fromMicros(micros(e.Time))
	c.Owner, c.Lease = a.owner, fromMicros(a.lease)
	if e.Decision != nil {
		c.Decisions = append(slices.Clip(c.Decisions), *e.Decision)
	}
	c.Outcome, err = parseOutcome(a.outcome)
	return c, err
}

// once is confirm.ErrMoved unless exactly one row was altered.
func once(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, confirm.ErrMoved)
	}
	return nil
}

// Renew implements confirm.Ledger. A lease says nothing about the change itself: it is not a version of it,
// and not a matter for the audit log.
func (s *Store) Renew(ctx context.Context, id, owner string, until time.Time) error {
	err := once(s.write.ExecContext(ctx, `UPDATE change SET lease = $1 WHERE id = $2 AND owner = $3 AND state = $4`,
		micros(until), id, owner, string(confirm.Executing)))
	if err != nil {
		return fmt.Errorf("renew lease of change %s: %w", id, err)
	}
	return nil
}

// Hold implements confirm.Ledger.
func (s *Store) Hold(ctx context.Context, name, owner string, now, until time.Time) (bool, error) {
	err := once(s.write.ExecContext(ctx, `INSERT INTO lease (name, owner, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
		WHERE lease.owner = excluded.owner OR lease.until <= $4`, name, owner, micros(until), micros(now)))
	if errors.Is(err, confirm.ErrMoved) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("hold lease %q: %w", name, err)
	}
	return true, nil
}
