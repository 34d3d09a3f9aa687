package confirm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"scanwarden/confirm"
)

// Recovery removes what ended longer ago than the retention, and only that.
func TestOldChangesAreRemoved(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.cfg.Retention = 90 * 24 * time.Hour
	s.Gate = confirm.New(s.cfg)
	old := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), old.ID, denial(bob, "no")); err != nil {
		t.Fatal(err)
	}
	s.advance(89 * 24 * time.Hour)
	recent := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), recent.ID, denial(bob, "no")); err != nil {
		t.Fatal(err)
	}
	s.advance(2 * 24 * time.Hour)
	s.startRecovery(t)
	for deadline := time.Now().Add(time.Minute); ; {
		_, err := s.Change(t.Context(), old.ID)
		if errors.Is(err, confirm.ErrNotFound) {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the old change is still there: %v", err)
		}
	}
	if c, err := s.Change(t.Context(), recent.ID); err != nil || c.State != confirm.Denied {
		t.Errorf("the recent one is %s, %v", c.State, err)
	}
	if _, err := s.store.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Without a retention, nothing is ever removed.
func TestNothingIsRemovedWithoutRetention(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	ended := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), ended.ID, denial(bob, "no")); err != nil {
		t.Fatal(err)
	}
	s.advance(10 * 365 * 24 * time.Hour)
	overdue := s.insertAfter(t)
	s.advance(24 * time.Hour)
	s.startRecovery(t)
	s.waitStored(t, overdue.ID, confirm.Expired) // one round is over
	if _, err := s.Change(t.Context(), ended.ID); err != nil {
		t.Error(err)
	}
}

// A live change whose row says that it has ended is kept and reported, and the others are removed all the same.
func TestRetentionKeepsAForgedEnd(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		h.cfg.Retention = 90 * 24 * time.Hour
		h.Gate = confirm.New(h.cfg)
		forged := h.insertAfter(t, approvedMove(bob), claimedMove(h.clock()))
		h.write(t, `UPDATE change SET state = 'failed', settled = 1 WHERE id = $1`, forged.ID)
		honest := h.propose(t, onSlack(ada))
		if _, err := h.Decide(t.Context(), honest.ID, denial(bob, "no")); err != nil {
			t.Fatal(err)
		}
		h.advance(91 * 24 * time.Hour)
		h.startRecovery(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for removed, reported := false, 0; !removed || reported == 0; <-tick.C {
			_, err := h.store.Change(ctx, honest.ID)
			if removed = errors.Is(err, confirm.ErrNotFound); !removed && err != nil {
				t.Fatal(err)
			}
			h.mu.Lock()
			reported = len(h.tampered)
			h.mu.Unlock()
		}
		h.wantReported(t, confirm.KindHistory)
		if _, err := h.store.Change(t.Context(), forged.ID); err != nil {
			t.Errorf("the live change: %v", err)
		}
	})
}
