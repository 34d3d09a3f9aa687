package confirm_test

import (
	"context"
	"testing"
	"time"

	"scanwarden/confirm"
)

// model is a simple model of one change. Two of bob, cleo and dora have to approve it before it expires. A denial by one
// of them or by the requester ends it, and so does a withdrawal.
type model struct {
	state    confirm.State
	approved map[confirm.Principal]bool
	runs     int64
}

func (m *model) step(op byte) {
	if m.state != confirm.Pending {
		return
	}
	voters := []confirm.Principal{ada, bob, cleo, "token:dora", "token:eve"}
	voter := voters[int(op>>2)%len(voters)]
	approver := voter != ada && voter != "token:eve"
	switch op & 3 {
	case 0:
		if approver {
			m.approved[voter] = true
		}
		if len(m.approved) == 2 {
			m.state, m.runs = confirm.Applied, m.runs+1
		}
	case 1:
		if voter == ada || (approver && !m.approved[voter]) {
			m.state = confirm.Denied
		}
	case 2:
		if voter == ada {
			m.state = confirm.Withdrawn
		}
	case 3:
		if op >= 250 {
			m.state = confirm.Expired
		}
	}
}

// FuzzGate applies the same steps to the gate, over a real ledger, and to the model. They always agree about the state
// and about how often the change was executed.
func FuzzGate(f *testing.F) {
	f.Add([]byte{4, 8})            // bob approves, cleo approves
	f.Add([]byte{4, 4, 16, 9})     // bob twice, eve, then cleo denies
	f.Add([]byte{0, 1, 8, 4})      // the requester approves, then denies
	f.Add([]byte{4, 251, 8})       // expires after one approval
	f.Add([]byte{18, 10, 2, 4, 8}) // others withdraw, then the requester
	s := newStack(f, confirm.Policy{
		Approvers: []string{string(bob), string(cleo), "token:dora"},
		Required:  map[string]int{"delete_scans": 2}, MaxOpenPerRequester: 1 << 20,
	})
	f.Fuzz(func(t *testing.T, ops []byte) {
		before := s.runs.Load()
		c := s.propose(t, onSlack(ada))
		m := model{state: confirm.Pending, approved: map[confirm.Principal]bool{}}
		for _, op := range ops[:min(len(ops), 24)] {
			m.step(op)
			s.step(t.Context(), c.ID, op)
			got, err := s.waitSettled(t, c.ID)
			if err != nil || got.State != m.state || s.runs.Load()-before != m.runs {
				t.Fatalf("after %v the gate has %s with %d runs (%v), the model %s with %d", ops, got.State, s.runs.Load()-before, err, m.state, m.runs)
			}
		}
	})
}

// step applies to the gate what model.step applies to the model. Refusals are expected.
func (s *stack) step(ctx context.Context, id string, op byte) {
	voters := []confirm.Principal{ada, bob, cleo, "token:dora", "token:eve"}
	voter := voters[int(op>>2)%len(voters)]
	switch op & 3 {
	case 0:
		_, _ = s.Decide(ctx, id, approval(voter))
	case 1:
		_, _ = s.Decide(ctx, id, denial(voter, "no"))
	case 2:
		_, _ = s.Withdraw(ctx, id, confirm.Requester{Principal: voter})
	case 3:
		if op >= 250 {
			s.advance(15 * time.Minute)
		}
	}
}
