package confirm_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
)

func TestWithdraw(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: bob}); !errors.Is(err, confirm.ErrNotFound) {
		t.Errorf("somebody else's withdrawal gave %v, want ErrNotFound", err)
	}
	if got, err := h.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada}); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("withdrawing gave %s, %v", got.State, err)
	}
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("a yes after that gave %v, want ErrMoved", err)
	}
	h.ends(t, c.ID, confirm.Withdrawn, 0)
}

// A client that gave up waiting may ask again: whoever confirms is told, and the digest binds that too.
func TestATwinIsWarnedOf(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	first := h.propose(t, elsewhere(ada))
	second := h.propose(t, elsewhere(ada))
	if len(first.Warnings) != 1 || len(second.Warnings) != 2 || !strings.Contains(second.Warnings[0], first.ID) {
		t.Errorf("the warnings are %q and then %q", first.Warnings, second.Warnings)
	}
	if _, err := h.Decide(t.Context(), second.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, second.ID, confirm.Applied, 1)
}

func TestTroubleIsToldAndForgotten(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	for _, why := range []string{"Slack cannot be reached.", ""} {
		if err := h.SetProblem(t.Context(), c.ID, why); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Change(t.Context(), c.ID); err != nil || got.State != confirm.Pending || got.Outcome.Reason != why {
			t.Errorf("it is %s with %q, %v", got.State, got.Outcome.Reason, err)
		}
	}
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
	if err := h.SetProblem(t.Context(), c.ID, "too late"); err != nil {
		t.Fatal(err)
	}
	if head, err := h.ledger.Verify(t.Context()); err != nil || head.Entries != 6 {
		t.Errorf("the log has %d entries, %v", head.Entries, err)
	}
}

func TestAnAbandonedChangeSaysSo(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	got, err := h.Cancel(t.Context(), c.ID, ada)
	if err != nil || got.State != confirm.Withdrawn || strings.Contains(got.Outcome.Reason, "requester") {
		t.Errorf("%s, %q, %v", got.State, got.Outcome.Reason, err)
	}
}
