package confirm_test

import (
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
	for deadline := time.Now().Add(20 * time.Second); ; {
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
