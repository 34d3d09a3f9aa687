package confirm_test

import (
	"testing"
	"time"

	"scanwarden/confirm"
)

// TestADatabaseWriterSendsNothing: whoever can write the database, and has neither the server key nor the audit key,
// gets nothing sent. Each case leaves the ledger so that recovery would send the change if it trusted the rows.
func TestADatabaseWriterSendsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		attack func(t *testing.T, h *hostile)
		kind   string
	}{
		"forged decision": {func(t *testing.T, h *hostile) {
			c := h.propose(t, onSlack(ada))
			h.forge(t, c.ID, bob, "")
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindDecision},
		"state alone": {func(t *testing.T, h *hostile) {
			h.setState(t, h.propose(t, onSlack(ada)).ID, confirm.Approved, 0)
		}, confirm.KindHistory},
		"decision of the same change": {func(t *testing.T, h *hostile) {
			first := h.proposePlan(t, deleteTwo(), onSlack(ada))
			h.apply(t, first)
			second := h.proposePlan(t, deleteTwo(), onSlack(ada))
			if first.Digest != second.Digest {
				t.Fatal("the two are not the same change")
			}
			h.write(t, `INSERT INTO decision SELECT CAST($1 AS TEXT), person, version, decision FROM decision WHERE change_id = $2`, second.ID, first.ID)
			h.setState(t, second.ID, confirm.Approved, 1)
		}, confirm.KindDecision},
		"proposal of another change": {func(t *testing.T, h *hostile) {
			c, other := h.insertAfter(t, approvedMove(bob)), h.propose(t, onSlack(cleo))
			h.write(t, `UPDATE proposal SET proposed = (SELECT proposed FROM proposal WHERE change_id = $1) WHERE change_id = $2`, other.ID, c.ID)
			h.write(t, `UPDATE change SET digest = $1, requester = $2, code = $3 WHERE id = $4`, other.Digest, string(other.Requester), other.Code, c.ID)
		}, confirm.KindProposal},
		"body and digest": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob))
			h.write(t, swapBody, c.ID)
			h.write(t, `UPDATE change SET digest = $1 WHERE id = $2`, swapped(t), c.ID)
		}, confirm.KindProposal},
		"expiry": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob))
			h.advance(time.Hour)
			h.write(t, `UPDATE change SET expires = $1 WHERE id = $2`, h.clock().Add(time.Hour).UnixMicro(), c.ID)
		}, confirm.KindProposal},
		"MAC of the proposal dropped": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob))
			h.write(t, `UPDATE proposal SET proposed = replace(proposed, '"mac"', '"was"') WHERE change_id = $1`, c.ID)
		}, confirm.KindProposal},
		"MAC of the decision dropped": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob))
			h.write(t, `UPDATE decision SET decision = replace(decision, '"mac"', '"was"') WHERE change_id = $1`, c.ID)
		}, confirm.KindDecision},
		"finished change revived": {func(t *testing.T, h *hostile) {
			c := h.propose(t, onSlack(ada))
			h.apply(t, c)
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindHistory},
		"finished change revived after a restart": {func(t *testing.T, h *hostile) {
			c := h.propose(t, onSlack(ada))
			h.apply(t, c)
			h.restart(t)
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindHistory},
		"finished change revived, with a later start of its log": {func(t *testing.T, h *hostile) {
			c := h.propose(t, onSlack(ada))
			h.apply(t, c)
			h.write(t, `UPDATE proposal SET log_size = (SELECT n FROM audit_head), log_edge = (SELECT edge FROM audit_head) WHERE change_id = $1`, c.ID)
			h.restart(t)
			h.propose(t, onSlack(ada)) // so that the log goes on
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindHistory},
		"finished change revived, with a false start of its log": {func(t *testing.T, h *hostile) {
			c := h.propose(t, onSlack(ada))
			h.apply(t, c)
			h.write(t, `UPDATE proposal SET log_size = 1, log_edge = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' WHERE change_id = $1`, c.ID)
			h.restart(t)
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindHistory},
		"finished change revived, and its claim edited out of the log": {func(t *testing.T, h *hostile) {
			c := h.propose(t, onSlack(ada))
			h.apply(t, c)
			h.restart(t)
			h.write(t, `UPDATE audit SET lines = replace(lines, $1, 'another change') WHERE n >= 2`, c.ID)
			h.setState(t, c.ID, confirm.Approved, 1)
			h.write(t, `UPDATE change SET updated = (SELECT created FROM change WHERE id = $1) WHERE id = $1`, c.ID)
		}, confirm.KindHistory},
		"failed claim repeated": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob), claimedMove(h.clock()))
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindHistory},
		"denial erased": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob))
			denied := h.propose(t, onSlack(ada))
			if _, err := h.Decide(t.Context(), denied.ID, denial(bob, "no")); err != nil {
				t.Fatal(err)
			}
			h.write(t, `DELETE FROM decision WHERE change_id = $1`, denied.ID)
			h.setState(t, denied.ID, confirm.Pending, 0)
			if _, err := h.Decide(t.Context(), denied.ID, approval(bob)); err == nil {
				t.Error("the erased denial did not count")
			}
			h.setState(t, c.ID, confirm.Approved, 0)
		}, confirm.KindHistory},
		"log and row rolled back": {func(t *testing.T, h *hostile) {
			c := h.insertAfter(t, approvedMove(bob))
			var n int64
			var edge string
			if err := h.raw.QueryRow(`SELECT n, edge FROM audit_head`).Scan(&n, &edge); err != nil {
				t.Fatal(err)
			}
			h.advance(10 * time.Second)
			if err := confirm.RecoverOnce(t.Context(), h.Gate); err != nil {
				t.Fatal(err)
			}
			h.waitFor(t, c.ID, confirm.Applied, 1)
			h.write(t, `DELETE FROM audit WHERE n >= $1`, n)
			h.write(t, `UPDATE audit_head SET n = $1, edge = $2`, n, edge)
			h.setState(t, c.ID, confirm.Approved, 1)
		}, confirm.KindLinkSet},
	} {
		t.Run(name, func(t *testing.T) {
			policy := confirm.Policy{Approvers: []string{string(bob)}}
			forEachLedger(t, policy, func(t *testing.T, h *hostile) {
				tt.attack(t, h)
				h.recoverOnce(t)
				h.wantReported(t, tt.kind)
			})
		})
	}
}
