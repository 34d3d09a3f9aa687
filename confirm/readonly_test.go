package confirm_test

import (
	"testing"

	"scanwarden/confirm"
)

// A read-only server leaves alone the changes that other servers keep in the same ledger.
func TestAGateThatCannotExecuteTakesNoVote(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	cfg := s.cfg
	cfg.Execute = nil
	gate := confirm.New(cfg)
	_, err := gate.Decide(t.Context(), c.ID, approval(bob))
	wantRefusal(t, err, "read-only")
	wantRefusal(t, gate.CanDecide(t.Context(), c, approval(bob)), "read-only")
	wantRefusal(t, gate.CanPropose(t.Context(), "delete_scans", onSlack(ada)), "read-only")
	_, err = gate.Propose(t.Context(), deleteTwo(), onSlack(ada))
	wantRefusal(t, err, "read-only")
	if now, err := s.Change(t.Context(), c.ID); err != nil || now.State != confirm.Pending {
		t.Errorf("the change is %s, %v", now.State, err)
	}
}
