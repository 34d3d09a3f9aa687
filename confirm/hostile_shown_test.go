package confirm_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// lie is what the database writer wants people to read.
const lie = "only a rename, nothing else"

// pendingOutcome replaces the reason for which a change still waits.
func pendingOutcome(t *testing.T, h *hostile, id string) {
	text, err := json.Marshal(confirm.Outcome{Reason: lie})
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, `UPDATE change SET outcome = $1 WHERE id = $2`, string(text), id)
}

// forgedEnd lets a change look as if it had ended.
func forgedEnd(t *testing.T, h *hostile, id string) {
	h.write(t, `UPDATE change SET state = 'applied', settled = 1, outcome = '{"state":"applied","reason":"`+lie+`"}' WHERE id = $1`, id)
}

// copiedEnd lets a change look as if it had ended as another one has.
func copiedEnd(t *testing.T, h *hostile, id string) {
	other := h.propose(t, onSlack(cleo))
	if _, err := h.Decide(t.Context(), other.ID, denial(bob, lie)); err != nil {
		t.Fatal(err)
	}
	h.write(t, `UPDATE change SET state = 'denied', settled = 1, outcome = (SELECT outcome FROM change WHERE id = $1) WHERE id = $2`, other.ID, id)
}

// saysLie reports whether something of what a change shows is what the database writer wants people to read.
func saysLie(c confirm.Change) bool {
	text, err := json.Marshal(c)
	return err != nil || strings.Contains(string(text), lie)
}

// TestAnAlteredChangeIsNotShown: a database writer alters a pending change only while it is shown, and restores it before
// the vote. No reading shows what was altered; each says that the change does not verify.
func TestAnAlteredChangeIsNotShown(t *testing.T) {
	for name, alter := range map[string]func(*testing.T, *hostile, string){
		"summary":            inProposal(`Delete 2 scans`, lie),
		"warnings":           inProposal(`this cannot be undone`, lie),
		"shown fields":       inProposal(`10.0.0.1`, lie),
		"operation":          inColumn("operation", lie),
		"code":               inColumn("code", lie),
		"source":             inColumn("via", lie),
		"reason for waiting": pendingOutcome,
		"forged end":         forgedEnd,
		"copied end":         copiedEnd,
	} {
		t.Run(name, func(t *testing.T) {
			forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
				c := h.propose(t, onSlack(ada))
				var before rowText
				before.read(t, h, c.ID)
				alter(t, h, c.ID)
				h.wantNotShown(t, c.ID)
				h.wantReported(t, "")
				before.restore(t, h, c.ID)
				if now, err := h.Change(t.Context(), c.ID); err != nil || now.Summary != c.Summary || now.State != confirm.Pending {
					t.Errorf("restored: %+v, %v", now, err)
				}
			})
		})
	}
}

// wantNotShown checks that no reading shows an altered change.
func (h *hostile) wantNotShown(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if c, err := h.Change(ctx, id); !errors.Is(err, confirm.ErrTampered) || saysLie(c) {
		t.Errorf("Change: %+v, %v", c, err)
	}
	if c, err := h.Wait(ctx, id); !errors.Is(err, confirm.ErrTampered) || saysLie(c) {
		t.Errorf("Wait: %+v, %v", c, err)
	}
	for _, state := range []confirm.State{confirm.Pending, confirm.Applied, confirm.Denied} {
		err := h.EachChange(ctx, confirm.Filter{States: []confirm.State{state}}, func(c confirm.Change) error {
			if c.ID == id {
				t.Errorf("EachChange yields %+v", c)
			}
			return nil
		})
		if err != nil {
			t.Errorf("EachChange: %v", err)
		}
	}
	all, err := h.Changes(ctx, confirm.Filter{})
	h.wantWithheld(t, id, all, err)
	visible, err := h.VisibleChanges(ctx, confirm.Viewer{Principal: bob}, confirm.Filter{})
	h.wantWithheld(t, id, visible, err)
	open, err := h.OpenChanges(ctx, ada)
	if len(open) > 0 { // a forged end hides it here
		h.wantWithheld(t, id, open, err)
	}
	stored, err := h.store.Changes(ctx, confirm.Filter{})
	h.wantWithheld(t, id, confirm.Withhold(h.cfg.Key, stored), err)
}

// wantWithheld checks that a list has the change, and says of it only that it does not verify.
func (h *hostile) wantWithheld(t *testing.T, id string, list []confirm.Change, err error) {
	t.Helper()
	found := false
	for _, c := range list {
		if c.ID != id {
			continue
		}
		found = true
		if saysLie(c) || c.State != confirm.Unknown || !strings.Contains(c.Summary, "does not verify") || c.Outcome.Reason == "" {
			t.Errorf("the list has %+v", c)
		}
		if h.CanDecide(t.Context(), c, approval(bob)) == nil {
			t.Error("the list says that it can be approved")
		}
	}
	if err != nil || !found {
		t.Errorf("the change is not in the list: %v", err)
	}
}

// rowText is what the tables hold of a change.
type rowText struct {
	proposed, code, operation, via, state, outcome string
	settled                                        int64
}

func (r *rowText) read(t *testing.T, h *hostile, id string) {
	t.Helper()
	err := h.raw.QueryRow(`SELECT proposed, code, operation, via, state, settled, outcome FROM change JOIN proposal ON change_id = id WHERE id = $1`, id).
		Scan(&r.proposed, &r.code, &r.operation, &r.via, &r.state, &r.settled, &r.outcome)
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rowText) restore(t *testing.T, h *hostile, id string) {
	t.Helper()
	h.write(t, `UPDATE proposal SET proposed = $1 WHERE change_id = $2`, r.proposed, id)
	h.write(t, `UPDATE change SET code = $1, operation = $2, via = $3, state = $4, settled = $5, outcome = $6 WHERE id = $7`,
		r.code, r.operation, r.via, r.state, r.settled, r.outcome, id)
}

// A pending change is not expired because its row says so.
func TestAnAlteredExpiryEndsNothing(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		c := h.propose(t, onSlack(ada))
		h.write(t, `UPDATE change SET expires = $1 WHERE id = $2`, h.clock().Add(-time.Hour).UnixMicro(), c.ID)
		if _, err := h.Change(t.Context(), c.ID); !errors.Is(err, confirm.ErrTampered) {
			t.Errorf("Change: %v", err)
		}
		if err := confirm.RecoverOnce(t.Context(), h.Gate); err != nil {
			t.Log(err)
		}
		h.write(t, `UPDATE change SET expires = $1 WHERE id = $2`, c.Expires.UnixMicro(), c.ID)
		if now, err := h.Change(t.Context(), c.ID); err != nil || now.State != confirm.Pending {
			t.Errorf("restored, it is %s, %v", now.State, err)
		}
	})
}

// A proposal that equals an altered one is asked anew: nobody could confirm the altered one.
func TestAProposalDoesNotJoinAnAlteredOne(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		first := h.proposePlan(t, deleteTwo(), onSlack(ada))
		inProposal(`this cannot be undone`, lie)(t, h, first.ID)
		second, err := h.Propose(t.Context(), deleteTwo(), onSlack(ada))
		if err != nil || second.ID == first.ID {
			t.Fatalf("joined %s: %v", second.ID, err)
		}
		if _, err := h.Decide(t.Context(), second.ID, approval(bob)); err != nil {
			t.Error(err)
		}
		h.waitFor(t, second.ID, confirm.Applied, 1)
	})
}
