package confirm_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
)

func TestWithdraw(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: bob}); !errors.Is(err, confirm.ErrNotFound) {
		t.Errorf("another person's withdrawal gave %v, want ErrNotFound", err)
	}
	if got, err := s.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada}); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("withdrawing gave %s, %v", got.State, err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("an approval after that gave %v, want ErrMoved", err)
	}
	s.waitFor(t, c.ID, confirm.Withdrawn, 0)
}

// A client that stopped waiting may propose again. Approvers see a warning, which the digest binds too.
func TestADuplicateGetsAWarning(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	first := s.propose(t, onSlack(ada))
	second := s.propose(t, onSlack(ada))
	if len(first.Warnings) != 1 || len(second.Warnings) != 2 || !strings.Contains(second.Warnings[0], first.ID) {
		t.Errorf("the warnings are %q and then %q", first.Warnings, second.Warnings)
	}
	if _, err := s.Decide(t.Context(), second.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, second.ID, confirm.Applied, 1)
}

func TestAProblemIsRecordedAndCleared(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	for _, why := range []string{"Slack cannot be reached.", ""} {
		if err := s.SetProblem(t.Context(), c.ID, why); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Change(t.Context(), c.ID); err != nil || got.State != confirm.Pending || got.Outcome.Reason != why {
			t.Errorf("it is %s with %q, %v", got.State, got.Outcome.Reason, err)
		}
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
	if err := s.SetProblem(t.Context(), c.ID, "too late"); err != nil {
		t.Fatal(err)
	}
	if head, err := s.store.Verify(t.Context()); err != nil || head.Entries != 6 {
		t.Errorf("the log has %d entries, %v", head.Entries, err)
	}
}

func TestACanceledChangeHasAReasonOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	got, err := s.Cancel(t.Context(), c.ID, ada)
	if err != nil || got.State != confirm.Withdrawn || strings.Contains(got.Outcome.Reason, "requester") {
		t.Errorf("%s, %q, %v", got.State, got.Outcome.Reason, err)
	}
}
