package confirm_test

import (
	"fmt"
	"testing"
	"time"

	"scanwarden/confirm"
)

// inProposal replaces one part of the stored JSON of a proposal.
func inProposal(from, to string) func(*testing.T, *hostile, string) {
	return func(t *testing.T, h *hostile, id string) {
		h.write(t, `UPDATE proposal SET proposed = replace(proposed, $1, $2) WHERE change_id = $3 AND proposed <> replace(proposed, $1, $2)`, from, to, id)
	}
}

// inColumn sets one column of a change.
func inColumn(name string, value any) func(*testing.T, *hostile, string) {
	return func(t *testing.T, h *hostile, id string) {
		h.write(t, fmt.Sprintf(`UPDATE change SET %s = $1 WHERE id = $2`, name), value, id)
	}
}

// Every column and every part of a proposal that a decision or an execution depends on is bound: an altered one is
// refused when an approver answers, and not sent by recovery when the change was approved before.
func TestAlteredTermsAreNeitherConfirmedNorSent(t *testing.T) {
	for name, alter := range map[string]func(*testing.T, *hostile, string){
		"operation":        inColumn("operation", "add_scan"),
		"requester":        inColumn("requester", "token:eve"),
		"source":           inColumn("via", "Slack"),
		"code":             inColumn("code", "AAAAA"),
		"expiry":           inColumn("expires", int64(1<<52)),
		"creation":         inColumn("created", int64(1)),
		"digest":           inColumn("digest", "sha256:00"),
		"method":           inProposal(`"method":"POST"`, `"method":"PUT"`),
		"path":             inProposal(`BatchDelete`, `BatchUpdate`),
		"body":             inProposal(`\"b\"]`, `\"c\"]`),
		"snapshot":         inProposal(`\"seen\"`, `\"gone\"`),
		"summary":          inProposal(`Delete 2 scans`, `Delete 1 scans`),
		"warnings":         inProposal(`this cannot be undone`, `this can be undone`),
		"shown fields":     inProposal(`10.0.0.1`, `10.0.0.2`),
		"facts":            inProposal(`"count":2`, `"count":1`),
		"keys":             inProposal(`"scan a"`, `"scan z"`),
		"approvals needed": inProposal(`"needed":1`, `"needed":0`),
		"channels":         inProposal(`"channels":["slack"]`, `"channels":["slack","client"]`),
		"local requester":  inProposal(`"local":false`, `"local":true`),
	} {
		t.Run(name, func(t *testing.T) {
			forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
				plan := func() confirm.Proposal {
					p := replanned()
					p.Facts, p.Keys = confirm.Facts{Count: 2, Addresses: 2}, []string{"scan a", "scan b"}
					return p
				}
				approved := h.move(t, h.proposePlan(t, plan(), onSlack(ada)), approvedMove(bob)) // and then the process ended
				pending := h.proposePlan(t, plan(), onSlack(ada))
				alter(t, h, approved.ID)
				alter(t, h, pending.ID)
				if _, err := h.Decide(t.Context(), pending.ID, approval(bob)); err == nil {
					t.Error("an approval of the altered change counted")
				}
				if h.CanDecide(t.Context(), readUnchecked(t, h, pending.ID), approval(bob)) == nil {
					t.Error("an approval of the altered change would count")
				}
				h.recoverOnce(t)
				h.wantReported(t, confirm.KindProposal)
			})
		})
	}
}

// readUnchecked returns the row of a change as the store reads it.
func readUnchecked(t *testing.T, h *hostile, id string) confirm.Change {
	t.Helper()
	c, err := h.store.Change(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A decision whose row was deleted, or whose time or person was altered, is missed: the change is not sent.
func TestErasedAndAlteredDecisionsAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		statement string
		kind      string
	}{
		"deleted":       {`DELETE FROM decision WHERE change_id = $1`, confirm.KindHistory},
		"of another":    {`UPDATE decision SET decision = replace(decision, 'token:bob', 'token:cleo'), person = 'token:cleo' WHERE change_id = $1`, confirm.KindDecision},
		"denial flips":  {`UPDATE decision SET decision = replace(decision, '"approve":true', '"approve":false') WHERE change_id = $1`, confirm.KindDecision},
		"other channel": {`UPDATE decision SET decision = replace(decision, '"channel":"slack"', '"channel":"client"') WHERE change_id = $1`, confirm.KindDecision},
	} {
		t.Run(name, func(t *testing.T) {
			policy := confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}}
			forEachLedger(t, policy, func(t *testing.T, h *hostile) {
				c := h.propose(t, onSlack(ada))
				if _, err := h.Decide(t.Context(), c.ID, approval(bob)); err != nil {
					t.Fatal(err)
				}
				h.write(t, tt.statement, c.ID)
				// Bob could vote a second time if his first vote were forgotten. Two votes of one person are not two people.
				for range 2 {
					h.Decide(t.Context(), c.ID, approval(bob))
				}
				h.Decide(t.Context(), c.ID, approval(cleo))
				h.recoverOnce(t)
				h.wantReported(t, tt.kind)
			})
		})
	}
}

// A wrong answer that was used up stays used up: the round of a change is not set back.
func TestAUsedAnswerStaysUsed(t *testing.T) {
	forEachLedger(t, confirm.Policy{}, func(t *testing.T, h *hostile) {
		c := h.propose(t, onOwnStdio(local))
		first := confirm.Answer{Principal: local, Round: c.Round, Action: confirm.Accept, Code: "no code", Took: time.Minute}
		if _, err := h.Answer(t.Context(), c.ID, first); err != nil {
			t.Fatal(err)
		}
		h.write(t, `UPDATE change SET round = 0 WHERE id = $1`, c.ID)
		if _, err := h.Answer(t.Context(), c.ID, first); err == nil {
			t.Error("the same answer was taken twice")
		}
		h.recoverOnce(t)
		h.wantReported(t, confirm.KindHistory)
	})
}
