package mcpserver_test

import (
	"testing"

	"scanwarden/confirm"
)

// decideInSlack waits until ada has proposed a change, and decides it in Slack as bob.
func (s *stack) decideInSlack(t *testing.T, approve bool) {
	t.Helper()
	for c := range s.transitions {
		if c.State != confirm.Pending || c.Requester != "token:ada" {
			continue
		}
		vote := confirm.Vote{Principal: "token:bob", Approve: approve, Reason: "no", Channel: confirm.Slack}
		if _, err := s.Gate.Decide(t.Context(), c.ID, vote); err != nil {
			t.Error(err)
		}
		return
	}
}

func approvedByBob(p *confirm.Policy) { p.Approvers, p.SelfApproval = []string{"token:bob"}, false }

// If the client cannot prompt, approvers are asked on other channels, and the call waits for them.
func TestAChangeIsDecidedOnAnotherChannel(t *testing.T) {
	t.Parallel()
	for want, approve := range map[string]bool{"applied": true, "denied": false} {
		s := newStackWith(t, options{channels: []confirm.Channel{confirm.Slack}, policy: approvedByBob})
		go s.decideInSlack(t, approve)
		got := s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("Handed over"), cannotAsk: true})
		if out := got.wantStatus(t, want); out.DecidedBy != "token:bob" {
			t.Errorf("decided by %q", out.DecidedBy)
		}
	}
}

// A client whose user is no approver gets no prompt.
func TestOnlyAnApproverIsPrompted(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{channels: clientAndSlack, policy: approvedByBob})
	go s.decideInSlack(t, true)
	s.callTool(t, toolCall{tool: "add_scan", args: s.newScan("Not hers to confirm")}).wantStatus(t, "applied")
}

// A change is open in the client and in Slack. The first decision counts, and the other channel gets the outcome.
func TestTheFirstDecisionCountsOnAllChannels(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{channels: clientAndSlack, policy: func(p *confirm.Policy) {
		p.Approvers = append(p.Approvers, "token:bob")
	}})
	args := s.newScan("Asked twice")
	first := s.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := first.wantPrompt(t)
	s.decideInSlack(t, true)
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "applied")
	s.wantWrites(t, 1)
}
