package confirm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"scanwarden/confirm"
)

// beforeMove is the real ledger, which calls a function once before a move to one state.
type beforeMove struct {
	confirm.Store
	to   confirm.State
	call func(confirm.Change)
}

func (s *beforeMove) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	if call := s.call; m.To == s.to && call != nil {
		s.call = nil
		call(c)
	}
	return s.Store.Move(ctx, c, m)
}

// A change waits for its turn on one process until it expires. Another process has claimed it just before: it runs there
// and nowhere else. The model of the protocol found this: see expiredTurnGuard.
func TestAChangeThatExpiresInItsTurnIsNotTakenFromAnother(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	holder := s.insertAfter(t, approvedMove(bob), confirm.Move{
		To: confirm.Executing, Owner: "another process", Lease: s.clock().Add(time.Hour), Keys: []string{deleteTwo().Request.Path},
	})
	waiting, claimed := make(chan struct{}), make(chan struct{})
	cfg := s.cfg
	cfg.Store = &beforeMove{s.store, confirm.Expired, func(c confirm.Change) {
		failed := confirm.Outcome{State: confirm.Failed}
		s.mustMove(t, holder, confirm.Move{To: confirm.Failed, Outcome: &failed})
		s.mustMove(t, c, confirm.Move{To: confirm.Executing, Owner: "another process", Lease: s.clock().Add(time.Hour)})
		close(claimed)
	}}
	cfg.CanExecute = func(_ context.Context, c confirm.Change) error {
		if c.ID != "" {
			close(waiting)
		}
		return nil
	}
	gate := confirm.New(cfg)
	c := s.propose(t, onSlack(ada))
	if _, err := gate.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	<-waiting
	s.advance(2 * time.Minute)
	<-claimed
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.mustRead(t, c.ID)
	if s.runs.Load() != 0 || got.State != confirm.Executing || got.Owner != "another process" {
		t.Errorf("it ran %d times here and is %s by %s, want executing by another process", s.runs.Load(), got.State, got.Owner)
	}
}

// The database is altered between the check of a change and the reading whether it was claimed. What was checked is
// sent. The model of the protocol found this: see checkedCopyGuard.
func TestWhatWasCheckedIsSentAfterALostClaim(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.proposePlan(t, deleteTwo(), onSlack(ada))
	lossy := &lossyStore{Store: s.store, lose: confirm.Executing, recorded: true}
	lossy.times.Store(1)
	cfg := s.cfg
	cfg.Store = &beforeMove{lossy, confirm.Executing, func(confirm.Change) { s.tamper(t, c.ID) }}
	sent := make(chan string, 1)
	cfg.Execute = func(_ context.Context, c confirm.Change, _ confirm.BeforeSend) confirm.Outcome {
		sent <- string(c.Request.Body)
		return confirm.Outcome{State: confirm.Applied}
	}
	gate := confirm.New(cfg)
	if _, err := gate.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(<-sent), string(deleteTwo().Request.Body); got != want {
		t.Errorf("%s was sent, want %s", got, want)
	}
}

func (s *stack) mustMove(t *testing.T, c confirm.Change, m confirm.Move) {
	t.Helper()
	m.At = s.clock()
	if _, err := s.store.Move(context.WithoutCancel(t.Context()), c, m); err != nil {
		t.Error(err)
	}
}

func (s *stack) mustRead(t *testing.T, id string) confirm.Change {
	t.Helper()
	c, err := s.store.Change(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
