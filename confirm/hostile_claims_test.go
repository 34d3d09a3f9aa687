package confirm_test

import (
	"testing"
	"time"

	"scanwarden/confirm"
)

// While the outcome of a change is unknown, no other change of the same scans is sent, whatever is done to the rows that
// say so.
func TestAnErasedClaimStillHolds(t *testing.T) {
	for name, tt := range map[string]struct {
		attack func(t *testing.T, h *hostile, holder string)
		kind   string
	}{
		"claim deleted": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `DELETE FROM claim WHERE change_id = $1`, holder)
		}, confirm.KindClaims},
		"claim of another key": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `UPDATE claim SET key = 'scan z' WHERE change_id = $1`, holder)
		}, confirm.KindClaims},
		"claim of another tenant": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `UPDATE claim SET target = 'another' WHERE change_id = $1`, holder)
		}, confirm.KindClaims},
		"change ended": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `UPDATE change SET state = 'applied', settled = 1 WHERE id = $1`, holder)
		}, confirm.KindHistory},
		"change withdrawn and claim deleted": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `DELETE FROM claim WHERE change_id = $1`, holder)
			h.write(t, `UPDATE change SET state = 'withdrawn', settled = 1 WHERE id = $1`, holder)
		}, confirm.KindClaims},
		"change deleted": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `DELETE FROM proposal WHERE change_id = $1`, holder)
			h.write(t, `DELETE FROM change WHERE id = $1`, holder)
		}, confirm.KindHistory},
		"claim given to the second change": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `UPDATE claim SET change_id = (SELECT id FROM change WHERE id <> $1) WHERE change_id = $1`, holder)
		}, confirm.KindClaims},
		"claim deleted before a restart": {func(t *testing.T, h *hostile, holder string) {
			h.write(t, `DELETE FROM claim WHERE change_id = $1`, holder)
			h.restart(t)
		}, confirm.KindClaims},
	} {
		t.Run(name, func(t *testing.T) {
			forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Hour}, func(t *testing.T, h *hostile) {
				holder := h.leaveUnknown(t)
				second := h.insertAfter(t, approvedMove(bob))
				tt.attack(t, h, holder.ID)
				h.recoverOnce(t)
				h.wantReported(t, tt.kind)
				if got := readUnchecked(t, h, second.ID); got.State != confirm.Approved {
					t.Errorf("the second change is %s: %q", got.State, got.Outcome.Reason)
				}
			})
		})
	}
}

// Once the first change is settled, an erased claim no longer stands in the way of anything.
func TestASettledChangeHealsAnErasedClaim(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		h.leaveUnknown(t)
		h.write(t, `DELETE FROM claim`)
		h.onReconcile(confirm.Outcome{State: confirm.Applied, Reason: "it is there"})
		h.recoverOnce(t)
		if _, err := h.store.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		h.apply(t, h.propose(t, onSlack(ada)))
	})
}

// leaveUnknown returns a change whose outcome is unknown, with the keys that it still holds.
func (h *hostile) leaveUnknown(t *testing.T) confirm.Change {
	t.Helper()
	claim := claimedMove(h.clock())
	claim.Keys = []string{deleteTwo().Request.Path}
	return h.insertAfter(t, approvedMove(bob), claim,
		confirm.Move{To: confirm.Unknown, Outcome: &confirm.Outcome{State: confirm.Unknown, Reason: "no answer came"}})
}

// What recovery compares with Defender is what was confirmed: altered rows settle nothing.
func TestAnAlteredChangeIsNotReconciled(t *testing.T) {
	for name, tt := range map[string]struct {
		statement string
		kind      string
	}{
		"snapshot":    {`UPDATE proposal SET proposed = replace(proposed, '\"seen\"', '\"gone\"') WHERE change_id = $1`, confirm.KindProposal},
		"body":        {`UPDATE proposal SET proposed = replace(proposed, '\"b\"]', '\"c\"]') WHERE change_id = $1`, confirm.KindProposal},
		"baseline":    {`UPDATE baseline SET live = '["a"]' WHERE change_id = $1`, confirm.KindHistory},
		"no baseline": {`DELETE FROM baseline WHERE change_id = $1`, confirm.KindHistory},
		"lease":       {`UPDATE change SET state = 'approved', version = 1 WHERE id = $1`, confirm.KindHistory},
	} {
		for _, state := range []confirm.State{confirm.Executing, confirm.Unknown} {
			t.Run(name+" while "+string(state), func(t *testing.T) {
				forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
					moves := []confirm.Move{approvedMove(bob), claimedMove(h.clock()), {To: confirm.Executing, Baseline: []byte(`["x"]`)}}
					if state == confirm.Unknown {
						moves = append(moves, confirm.Move{To: confirm.Unknown, Outcome: &confirm.Outcome{State: confirm.Unknown}})
					}
					c := h.insertAfter(t, moves...)
					h.onReconcile(confirm.Outcome{State: confirm.Applied, Reason: "it is there"})
					h.write(t, tt.statement, c.ID)
					h.recoverOnce(t)
					h.wantReported(t, tt.kind)
					if got := readUnchecked(t, h, c.ID); got.State == confirm.Applied || got.State == confirm.Failed {
						t.Errorf("it was settled as %s", got.State)
					}
				})
			})
		}
	}
}
