package confirm_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
)

func TestAnApprovedChangeRunsOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
	if got, err := s.Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrMoved) || got.State != confirm.Applied {
		t.Errorf("a second approval gave %s, %v; want the applied change and ErrMoved", got.State, err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestManyClicksAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
		replica := confirm.New(s.cfg) // another replica on the same ledger
		c := s.propose(t, onSlack(ada))
		var clicks sync.WaitGroup
		for i := range 16 {
			gate, voter := s.Gate, bob
			if i%2 == 1 {
				gate, voter = replica, cleo
			}
			clicks.Go(func() {
				if _, err := gate.Decide(t.Context(), c.ID, approval(voter)); err != nil && !errors.Is(err, confirm.ErrMoved) && !errors.Is(err, confirm.ErrRefused) {
					t.Errorf("click: %v", err)
				}
			})
		}
		clicks.Wait()
		s.waitFor(t, c.ID, confirm.Applied, 1)
		if err := replica.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		s.waitFor(t, c.ID, confirm.Applied, 1)
	})
}

func TestWithoutApproversNothingCanBeProposed(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	if _, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("proposing gave %v, want a refusal", err)
	}
	if kept, err := s.store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("a refused proposal was kept: %v %v", kept, err)
	}
}

func TestMayApprove(t *testing.T) {
	t.Parallel()
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{ada, "slack:T1/U1"}}}
	for _, tt := range []struct {
		name    string
		policy  confirm.Policy
		vote    confirm.Vote
		refusal string // "" means it counts
	}{
		{"a listed person", confirm.Policy{Approvers: []string{string(bob)}}, approval(bob), ""},
		{"a member of a listed group", confirm.Policy{Approvers: []string{"slack-group:S1"}},
			confirm.Vote{Principal: cleo, Groups: []string{"slack-group:S1"}, Approve: true, Channel: confirm.Slack}, ""},
		{"an unlisted user", confirm.Policy{Approvers: []string{string(bob)}}, approval(cleo), "not among the approvers"},
		{"the requester", confirm.Policy{Approvers: []string{string(ada), string(bob)}}, approval(ada), "their own changes"},
		{"the requester by another account", confirm.Policy{Approvers: []string{"slack:T1/U1", string(bob)}, People: people},
			approval("slack:T1/U1"), "their own changes"},
		{"the requester where that is allowed", confirm.Policy{Approvers: []string{string(ada)}, SelfApproval: true}, approval(ada), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, tt.policy)
			c := s.propose(t, onSlack(ada))
			_, err := s.Decide(t.Context(), c.ID, tt.vote)
			if tt.refusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				s.waitFor(t, c.ID, confirm.Applied, 1)
				return
			}
			if !errors.Is(err, confirm.ErrRefused) || !strings.Contains(err.Error(), tt.refusal) {
				t.Errorf("got %v, want a refusal that contains %q", err, tt.refusal)
			}
			if got, _ := s.Change(t.Context(), c.ID); got.State != confirm.Pending || s.runs.Load() != 0 {
				t.Errorf("a refused vote left the change %s after %d executions", got.State, s.runs.Load())
			}
		})
	}
}

func TestTwoDistinctPeopleAreNeeded(t *testing.T) {
	t.Parallel()
	people := []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{bob, "slack:T1/UB"}}}
	s := newStack(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}, People: people,
	})
	c := s.propose(t, onSlack(ada))
	if c, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil || c.State != confirm.Pending {
		t.Fatalf("after one approval: %s, %v", c.State, err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval("slack:T1/UB")); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("one person was counted twice: %v", err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(cleo)); err != nil {
		t.Fatal(err)
	}
	got := s.waitFor(t, c.ID, confirm.Applied, 1)
	if got.Approvals() != 2 || got.Decisions[0].Name != "Bob" {
		t.Errorf("decisions are %+v", got.Decisions)
	}
}

func TestOneDenialEndsAChange(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Decide(t.Context(), c.ID, denial(cleo, "not on a Friday")); err != nil {
		t.Fatal(err)
	}
	if got := s.waitFor(t, c.ID, confirm.Denied, 0); got.Outcome.Reason != "not on a Friday" {
		t.Errorf("the reason is %q", got.Outcome.Reason)
	}
}

func TestAnUnlistedUserCannotDeny(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, denial(cleo, "")); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestAnExpiredChangeCannotBeApproved(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := s.propose(t, onSlack(ada))
	s.advance(time.Minute)
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	s.waitFor(t, c.ID, confirm.Expired, 0)
}

func TestTheExpiryHoldsInTheMoveItself(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := s.propose(t, onSlack(ada))
	cfg, looks := s.cfg, 0
	cfg.Now = func() time.Time { // the change expires just after the gate has read it
		if looks++; looks == 3 {
			s.advance(time.Minute)
		}
		return s.clock()
	}
	if _, err := confirm.New(cfg).Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	s.waitFor(t, c.ID, confirm.Expired, 0)
}

func TestTheExpiryHoldsInTheClaimItself(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := s.propose(t, onSlack(ada))
	cfg := s.cfg
	cfg.OnTransition = func(c confirm.Change) {
		if c.State == confirm.Approved {
			s.advance(time.Minute)
		}
	}
	gate := confirm.New(cfg)
	if _, err := gate.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Change(t.Context(), c.ID); err != nil || c.State != confirm.Approved || s.runs.Load() != 0 {
		t.Errorf("it is %s after %d executions (%v)", c.State, s.runs.Load(), err)
	}
}

func TestAChangeForAnotherTenantIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	other := s.cfg
	other.Target = "https://api.security.microsoft.com"
	if _, err := confirm.New(other).Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
	if s.runs.Load() != 0 {
		t.Error("it was executed in another tenant")
	}
}

func TestOpenChangesPerRequesterAreLimited(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 2})
	s.propose(t, onSlack(ada))
	last := s.propose(t, onSlack(ada))
	if _, err := s.Propose(t.Context(), replanned(), onSlack(ada)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("a third open change gave %v, want a refusal", err)
	}
	if _, err := s.Withdraw(t.Context(), last.ID, confirm.Requester{Principal: ada}); err != nil {
		t.Fatal(err)
	}
	s.propose(t, onSlack(ada))
}

func TestALimitOfOneOpenChangeIsSaidInTheSingular(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 1})
	s.propose(t, onSlack(ada))
	if _, err := s.Propose(t.Context(), replanned(), onSlack(ada)); err == nil || !strings.Contains(err.Error(), "1 change of yours already waits") {
		t.Errorf("a second open change gave %v", err)
	}
}

func TestAPersonsChangesAreTheirsByEveryAccount(t *testing.T) {
	t.Parallel()
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{ada, "slack:T1/U1"}}}
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, People: people})
	c := s.propose(t, onSlack(ada))
	open, err := s.OpenChanges(t.Context(), "slack:T1/U1")
	if err != nil || len(open) != 1 || open[0].ID != c.ID || !s.isRequester(t, c, "slack:T1/U1") || s.isRequester(t, c, bob) {
		t.Errorf("open changes of the other name: %v %v", open, err)
	}
}

func TestTheDigestBindsEveryPart(t *testing.T) {
	t.Parallel()
	base, err := deleteTwo().Digest()
	if err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(*confirm.Proposal){
		"operation": func(p *confirm.Proposal) { p.Operation = "add_scan" },
		"target":    func(p *confirm.Proposal) { p.Target = "other" },
		"summary":   func(p *confirm.Proposal) { p.Summary += "." },
		"method":    func(p *confirm.Proposal) { p.Request.Method = "PATCH" },
		"path":      func(p *confirm.Proposal) { p.Request.Path += "x" },
		"body":      func(p *confirm.Proposal) { p.Request.Body = json.RawMessage(`{"ScanDefinitionIds":["a","c"]}`) },
		"subject":   func(p *confirm.Proposal) { p.Subjects[0].Fields[0].Before = "10.0.0.2" },
		"warning":   func(p *confirm.Proposal) { p.Warnings = nil },
		"snapshot":  func(p *confirm.Proposal) { p.Snapshot = json.RawMessage(`{"b":{}}`) },
		"boundary":  func(p *confirm.Proposal) { p.Operation, p.Target = "delete_scan", "ssimulator" },
	} {
		p := deleteTwo()
		alter(&p)
		if got, err := p.Digest(); err != nil || got == base {
			t.Errorf("altering the %s keeps the digest %s (%v)", name, got, err)
		}
	}
}
