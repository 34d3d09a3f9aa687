package confirm_test

import (
	"context"
	"testing"
	"time"

	"scanwarden/confirm"
)

// model is all that a change may do, in the simplest words: two of bob, cleo and dora have to say yes
// before it expires, one no of theirs or of the requester's ends it, and so does a withdrawal.
type model struct {
	state confirm.State
	yes   map[confirm.Principal]bool
	runs  int64
}

func (m *model) step(op byte) {
	if m.state != confirm.Pending {
		return
	}
	voters := []confirm.Principal{ada, bob, cleo, "token:dora", "token:eve"}
	who := voters[int(op>>2)%len(voters)]
	approver := who != ada && who != "token:eve"
	switch op & 3 {
	case 0:
		if approver {
			m.yes[who] = true
		}
		if len(m.yes) == 2 {
			m.state, m.runs = confirm.Applied, m.runs+1
		}
	case 1:
		if who == ada || (approver && !m.yes[who]) {
			m.state = confirm.Denied
		}
	case 2:
		if who == ada {
			m.state = confirm.Withdrawn
		}
	case 3:
		if op >= 250 {
			m.state = confirm.Expired
		}
	}
}

// FuzzGate drives the gate, over a real ledger, and the model with the same steps: they never disagree about
// the state, and the executor runs exactly when the model says so.
func FuzzGate(f *testing.F) {
	f.Add([]byte{4, 8})            // bob yes, cleo yes
	f.Add([]byte{4, 4, 16, 9})     // bob twice, eve, then cleo's no
	f.Add([]byte{0, 1, 8, 4})      // the requester says yes, then no
	f.Add([]byte{4, 251, 8})       // expires after one yes
	f.Add([]byte{18, 10, 2, 4, 8}) // strangers withdraw, then the requester
	s := newStack(f, confirm.Policy{
		Approvers: []string{string(bob), string(cleo), "token:dora"},
		Required:  map[string]int{"delete_scans": 2}, MaxOpenPerRequester: 1 << 20,
	})
	f.Fuzz(func(t *testing.T, ops []byte) {
		before := s.runs.Load()
		c := s.propose(t, onSlack(ada))
		m := model{state: confirm.Pending, yes: map[confirm.Principal]bool{}}
		for _, op := range ops[:min(len(ops), 24)] {
			m.step(op)
			s.step(t.Context(), c.ID, op)
			got, err := s.waitSettled(t, c.ID)
			if err != nil || got.State != m.state || s.runs.Load()-before != m.runs {
				t.Fatalf("after %v the gate says %s with %d runs (%v), the model %s with %d", ops, got.State, s.runs.Load()-before, err, m.state, m.runs)
			}
		}
	})
}

// step does to the gate what model.step does to the model; refusals are part of the game.
func (s *stack) step(ctx context.Context, id string, op byte) {
	voters := []confirm.Principal{ada, bob, cleo, "token:dora", "token:eve"}
	who := voters[int(op>>2)%len(voters)]
	switch op & 3 {
	case 0:
		_, _ = s.Decide(ctx, id, approval(who))
	case 1:
		_, _ = s.Decide(ctx, id, denial(who, "no"))
	case 2:
		_, _ = s.Withdraw(ctx, id, confirm.Requester{Principal: who})
	case 3:
		if op >= 250 {
			s.advance(15 * time.Minute)
		}
	}
}
