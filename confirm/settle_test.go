package confirm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// A change of unknown outcome keeps its scans from others until it is settled, also after Defender is no longer read for
// it and after the retention is over.
func TestAnUnknownChangeKeepsItsScansUntilItIsSettled(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: 7 * 24 * time.Hour}, func(t *testing.T, h *hostile) {
		h.cfg.Retention = time.Hour
		h.Gate = confirm.New(h.cfg)
		holder := h.leaveUnknown(t)
		second := h.insertAfter(t, approvedMove(bob))
		h.advance(25 * time.Hour)
		h.recoverOnce(t)
		h.wantState(t, holder, confirm.Unknown)
		h.wantState(t, second, confirm.Approved)

		h.restart(t) // the changes that wait for their turn are claimed by a server that runs
		settled, err := h.Settle(t.Context(), holder.ID, confirm.Failed, local)
		if err != nil || settled.State != confirm.Failed || !strings.Contains(settled.Outcome.Reason, string(local)) {
			t.Fatalf("it was settled as %s (%v): %q", settled.State, err, settled.Outcome.Reason)
		}
		h.startRecovery(t)
		h.waitFor(t, second.ID, confirm.Applied, 1)
		if _, err := h.store.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOnlyAnUnknownChangeIsSettled(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	for name, c := range map[string]confirm.Change{
		"pending": s.propose(t, onSlack(ada)), "approved": s.insertAfter(t, approvedMove(bob)),
		"executing": s.insertAfter(t, approvedMove(bob), claimedMove(s.clock())),
	} {
		if _, err := s.Settle(t.Context(), c.ID, confirm.Applied, local); !errors.Is(err, confirm.ErrRefused) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	unknown := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock()), confirm.Move{To: confirm.Unknown})
	for _, as := range []confirm.State{confirm.Approved, confirm.Pending, confirm.Stale, ""} {
		if _, err := s.Settle(t.Context(), unknown.ID, as, local); !errors.Is(err, confirm.ErrRefused) {
			t.Errorf("as %q: got %v, want a refusal", as, err)
		}
	}
	if _, err := s.Settle(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", confirm.Applied, local); !errors.Is(err, confirm.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
