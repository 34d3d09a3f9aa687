package confirm_test

import (
	"testing"

	"scanwarden/confirm"
)

// TestAGateThatCannotExecuteTakesNoVote: a read-only server leaves changes that others keep in the same ledger alone.
func TestAGateThatCannotExecuteTakesNoVote(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	cfg := h.cfg
	cfg.Execute = nil
	gate := confirm.New(cfg)
	_, err := gate.Decide(t.Context(), c.ID, yes(bob))
	refusal(t, err, "read-only")
	refusal(t, gate.CanDecide(t.Context(), c, yes(bob)), "read-only")
	refusal(t, gate.CanPropose(t.Context(), "delete_scans", elsewhere(ada)), "read-only")
	_, err = gate.Propose(t.Context(), deleteTwo(), elsewhere(ada))
	refusal(t, err, "read-only")
	if now, err := h.Change(t.Context(), c.ID); err != nil || now.State != confirm.Pending {
		t.Errorf("the change is %s, %v", now.State, err)
	}
}
