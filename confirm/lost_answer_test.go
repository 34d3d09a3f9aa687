package confirm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
)

// lossyStore is the real ledger, whose answer to some transitions is lost for longer than the store looks for it.
type lossyStore struct {
	confirm.Store
	lose     confirm.State // the transitions to this state; Pending means the proposal
	recorded bool          // whether they were recorded
	times    atomic.Int64  // how many answers are still to be lost
}

func (s *lossyStore) loses(to confirm.State) bool { return to == s.lose && s.times.Add(-1) >= 0 }

func (s *lossyStore) Insert(ctx context.Context, c confirm.Change) error {
	lost := s.loses(confirm.Pending)
	if lost && !s.recorded {
		return confirm.ErrUnknownCommit
	}
	if err := s.Store.Insert(ctx, c); err != nil || !lost {
		return err
	}
	return confirm.ErrUnknownCommit
}

func (s *lossyStore) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	lost := s.loses(m.To)
	if lost && !s.recorded {
		return confirm.Change{}, fmt.Errorf("move: %w", confirm.ErrUnknownCommit)
	}
	after, err := s.Store.Move(ctx, c, m)
	if err == nil && lost {
		return confirm.Change{}, fmt.Errorf("move: %w", confirm.ErrUnknownCommit)
	}
	return after, err
}

// newLossyGate returns a gate that loses one answer, and its log.
func (s *stack) newLossyGate(lose confirm.State, recorded bool) (*confirm.Gate, *bytes.Buffer) {
	lossy := &lossyStore{Store: s.store, lose: lose, recorded: recorded}
	lossy.times.Store(1)
	log := &bytes.Buffer{}
	cfg := s.cfg
	cfg.Store, cfg.Log = lossy, slog.New(slog.NewTextHandler(log, nil))
	return confirm.New(cfg), log
}

// A process whose claim or outcome was recorded, and which did not hear of it, reads that and goes on. One whose claim
// or outcome was not recorded records it again. Neither executes twice, and neither leaves anything to recovery.
func TestALostAnswerDoesNotStopAnExecution(t *testing.T) {
	t.Parallel()
	for _, lose := range []confirm.State{confirm.Executing, confirm.Applied} {
		for _, recorded := range []bool{true, false} {
			t.Run(fmt.Sprint(lose, " recorded ", recorded), func(t *testing.T) {
				t.Parallel()
				s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
				gate, log := s.newLossyGate(lose, recorded)
				c := s.propose(t, onSlack(ada))
				if _, err := gate.Decide(t.Context(), c.ID, approval(bob)); err != nil {
					t.Fatal(err)
				}
				if err := gate.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.waitFor(t, c.ID, confirm.Applied, 1)
				if strings.Contains(log.String(), "left to recovery") {
					t.Errorf("the log says: %s", log)
				}
			})
		}
	}
}

// A caller never hears that nothing was recorded, but which change to look at.
func TestALostAnswerNamesTheChange(t *testing.T) {
	t.Parallel()
	for _, recorded := range []bool{true, false} {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		gate, _ := s.newLossyGate(confirm.Pending, recorded)
		_, err := gate.Propose(t.Context(), deleteTwo(), onSlack(ada))
		id := wantUnknownCommit(t, err)
		if _, err := s.Change(t.Context(), id); (err == nil) != recorded {
			t.Errorf("reading the change that was named: %v", err)
		}

		gate, _ = s.newLossyGate(confirm.Approved, recorded)
		c := s.propose(t, onSlack(ada))
		_, err = gate.Decide(t.Context(), c.ID, approval(bob))
		if id := wantUnknownCommit(t, err); id != c.ID {
			t.Errorf("the change is %s, and %s was named", c.ID, id)
		}
		gate, _ = s.newLossyGate(confirm.Withdrawn, recorded)
		other := s.propose(t, onSlack(ada))
		_, err = gate.Withdraw(t.Context(), other.ID, onSlack(ada))
		wantUnknownCommit(t, err)
		if !recorded {
			continue
		}
		s.advance(10 * time.Second)
		s.startRecovery(t) // the approval counts although its voter did not hear of it
		s.waitFor(t, c.ID, confirm.Applied, 1)
	}
}

// wantUnknownCommit returns the change that the error names.
func wantUnknownCommit(t *testing.T, err error) string {
	t.Helper()
	var unknown *confirm.UnknownCommitError
	if !errors.As(err, &unknown) || !errors.Is(err, confirm.ErrUnknownCommit) || errors.Is(err, confirm.ErrRefused) {
		t.Fatalf("got %v, want an UnknownCommitError", err)
	}
	if want := "whether it was recorded is not known yet; look with get_change " + unknown.Change; unknown.Error() != want {
		t.Errorf("the error says %q, want %q", unknown, want)
	}
	return unknown.Change
}
