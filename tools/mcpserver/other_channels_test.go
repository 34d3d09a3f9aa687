package mcpserver_test

import (
	"testing"

	"scanwarden/confirm"
)

// decideElsewhere waits for the one open change and decides it as somebody on another surface would.
func (h *house) decideElsewhere(t *testing.T, approve bool) {
	t.Helper()
	for {
		open, err := h.gate.OpenChanges(t.Context(), "token:ada")
		if err != nil {
			t.Error(err)
			return
		}
		if len(open) == 0 {
			continue
		}
		if _, err := h.gate.Decide(t.Context(), open[0].ID, confirm.Vote{Principal: "token:bob", Approve: approve, Reason: "no", Channel: confirm.Slack}); err != nil {
			t.Error(err)
		}
		return
	}
}

func approvedByBob(p *confirm.Policy) { p.Approvers, p.SelfApproval = []string{"token:bob"}, false }

// A client that cannot ask hands the change over to people elsewhere, and the call waits for them.
func TestAChangeIsHandedOver(t *testing.T) {
	for want, approve := range map[string]bool{"applied": true, "denied": false} {
		h := newHouseAsking(t, []confirm.Channel{confirm.Slack}, approvedByBob)
		go h.decideElsewhere(t, approve)
		got := h.call(t, leg{tool: "add_scan", args: h.newScan("Handed over"), cannotAsk: true})
		if out := got.ends(t, want); out.DecidedBy != "token:bob" {
			t.Errorf("decided by %q", out.DecidedBy)
		}
	}
}

// Nobody is asked in a client whose answer would not count.
func TestOnlyWhoseAnswerCountsIsAsked(t *testing.T) {
	h := newHouseAsking(t, []confirm.Channel{confirm.Client, confirm.Slack}, approvedByBob)
	go h.decideElsewhere(t, true)
	h.call(t, leg{tool: "add_scan", args: h.newScan("Not hers to confirm")}).ends(t, "applied")
}

// The same change is asked in the client and elsewhere: who decides first decides, and the other learns it.
func TestTheFirstDecisionSettlesItEverywhere(t *testing.T) {
	h := newHouseAsking(t, []confirm.Channel{confirm.Client, confirm.Slack}, func(p *confirm.Policy) {
		p.Approvers = append(p.Approvers, "token:bob")
	})
	args := h.newScan("Asked twice")
	first := h.call(t, leg{tool: "add_scan", args: args})
	_, code := first.message(t)
	h.decideElsewhere(t, true)
	h.call(t, leg{tool: "add_scan", args: args, state: first.Result.RequestState, responses: accept(code)}).ends(t, "applied")
	h.writes(t, 1)
}
