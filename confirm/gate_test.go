package confirm_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

const (
	ada   = confirm.Principal("token:ada")
	bob   = confirm.Principal("token:bob")
	cleo  = confirm.Principal("token:cleo")
	local = confirm.Principal("local:ada")
)

// stack is a gate over a real ledger, with a clock of the test's own and an executor that counts.
type stack struct {
	*confirm.Gate
	store     *store.Store
	file      string
	cfg       confirm.Config
	now       atomic.Int64 // microseconds
	runs      atomic.Int64
	mu        sync.Mutex
	execute   func(context.Context, confirm.Change) confirm.Outcome
	reconcile func(context.Context, confirm.Change) confirm.Outcome
}

func newStack(t testing.TB, policy confirm.Policy) *stack {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	ledger, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + file, KeyDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{store: ledger, file: file}
	s.now.Store(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).UnixMicro())
	s.cfg = confirm.Config{
		Store: ledger, Policy: policy, Target: "simulator", Now: s.clock,
		Execute: func(ctx context.Context, c confirm.Change, _ func(context.Context) error) confirm.Outcome {
			s.runs.Add(1)
			s.mu.Lock()
			do := s.execute
			s.mu.Unlock()
			if do != nil {
				return do(ctx, c)
			}
			return confirm.Outcome{State: confirm.Applied}
		},
		Reconcile: func(ctx context.Context, c confirm.Change) confirm.Outcome {
			s.mu.Lock()
			do := s.reconcile
			s.mu.Unlock()
			if do != nil {
				return do(ctx, c)
			}
			return confirm.Outcome{State: confirm.Unknown, Reason: "nothing to be seen"}
		},
	}
	s.Gate = confirm.New(s.cfg)
	t.Cleanup(func() {
		if err := s.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *stack) clock() time.Time        { return time.UnixMicro(s.now.Load()).UTC() }
func (s *stack) advance(d time.Duration) { s.now.Add(d.Microseconds()) }
func (s *stack) onExecute(f func(context.Context, confirm.Change) confirm.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.execute = f
}

func (s *stack) onReconcile(out confirm.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reconcile = func(context.Context, confirm.Change) confirm.Outcome { return out }
}

func deleteTwo() confirm.Proposal {
	return confirm.Proposal{
		Operation: "delete_scans", Target: "simulator", Summary: "Delete 2 scans",
		Request: confirm.Request{Method: "POST", Path: "/api/DeviceAuthenticatedScanDefinitions/BatchDelete",
			Body: json.RawMessage(`{"ScanDefinitionIds":["a","b"]}`)},
		Subjects: []confirm.Subject{{Title: "Core switches", Fields: []confirm.Field{{Name: "target", Before: "10.0.0.1"}}}},
		Warnings: []string{"this cannot be undone"},
		Snapshot: json.RawMessage(`{"a":{}}`),
	}
}

// onSlack asks on a channel where other people can answer.
func onSlack(by confirm.Principal) confirm.Requester {
	return confirm.Requester{Principal: by, Source: "test", Channels: []confirm.Channel{confirm.Slack}}
}

// onOwnStdio asks on the requester's own client, on their own stdio server.
func onOwnStdio(by confirm.Principal) confirm.Requester {
	return confirm.Requester{Principal: by, Source: "test", Local: true, Channels: []confirm.Channel{confirm.Client}}
}

func (s *stack) propose(t testing.TB, by confirm.Requester) confirm.Change {
	t.Helper()
	c, err := s.Propose(t.Context(), deleteTwo(), by)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func approval(by confirm.Principal) confirm.Vote {
	return confirm.Vote{Principal: by, Approve: true, Channel: confirm.Slack}
}

func denial(by confirm.Principal, why string) confirm.Vote {
	return confirm.Vote{Principal: by, Reason: why, Channel: confirm.Slack}
}

// waitFor waits for a change to end and checks how, and how often anything was executed until then.
func (s *stack) waitFor(t testing.TB, id string, want confirm.State, runs int64) confirm.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := s.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != want || s.runs.Load() != runs {
		t.Fatalf("the change is %s after %d executions, want %s after %d (%+v)", c.State, s.runs.Load(), want, runs, c.Outcome)
	}
	return c
}

func TestAnApprovedChangeRunsOnce(t *testing.T) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
	if got, err := s.Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrMoved) || got.State != confirm.Applied {
		t.Errorf("a second yes gave %s, %v; want the applied change and ErrMoved", got.State, err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestManyClicksAtOnceRunOnce(t *testing.T) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
	twin := confirm.New(s.cfg) // another replica on the same ledger
	c := s.propose(t, onSlack(ada))
	var clicks sync.WaitGroup
	for i := range 16 {
		gate, who := s.Gate, bob
		if i%2 == 1 {
			gate, who = twin, cleo
		}
		clicks.Go(func() {
			if _, err := gate.Decide(t.Context(), c.ID, approval(who)); err != nil && !errors.Is(err, confirm.ErrMoved) && !errors.Is(err, confirm.ErrRefused) {
				t.Errorf("click: %v", err)
			}
		})
	}
	clicks.Wait()
	s.waitFor(t, c.ID, confirm.Applied, 1)
	if err := twin.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestNobodyListedMeansNobodyMayApprove(t *testing.T) {
	s := newStack(t, confirm.Policy{})
	if _, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("proposing gave %v, want a refusal", err)
	}
	if kept, err := s.store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("a refused proposal was kept: %v %v", kept, err)
	}
}

func TestWhoMayApprove(t *testing.T) {
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
		{"a stranger", confirm.Policy{Approvers: []string{string(bob)}}, approval(cleo), "not among the approvers"},
		{"the requester", confirm.Policy{Approvers: []string{string(ada), string(bob)}}, approval(ada), "their own changes"},
		{"the requester by another name", confirm.Policy{Approvers: []string{"slack:T1/U1", string(bob)}, People: people},
			approval("slack:T1/U1"), "their own changes"},
		{"the requester where that is allowed", confirm.Policy{Approvers: []string{string(ada)}, SelfApproval: true}, approval(ada), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
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
				t.Errorf("got %v, want a refusal that says %q", err, tt.refusal)
			}
			if got, _ := s.Change(t.Context(), c.ID); got.State != confirm.Pending || s.runs.Load() != 0 {
				t.Errorf("a refused vote left the change %s after %d executions", got.State, s.runs.Load())
			}
		})
	}
}

func TestTwoDistinctPeopleAreNeeded(t *testing.T) {
	people := []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{bob, "slack:T1/UB"}}}
	s := newStack(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}, People: people,
	})
	c := s.propose(t, onSlack(ada))
	if c, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil || c.State != confirm.Pending {
		t.Fatalf("after one yes: %s, %v", c.State, err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval("slack:T1/UB")); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("one person filled two seats: %v", err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(cleo)); err != nil {
		t.Fatal(err)
	}
	got := s.waitFor(t, c.ID, confirm.Applied, 1)
	if got.Approvals() != 2 || got.Decisions[0].Name != "Bob" {
		t.Errorf("decisions are %+v", got.Decisions)
	}
}

func TestOneNoEndsIt(t *testing.T) {
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

func TestAStrangerCannotEvenDeny(t *testing.T) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, denial(cleo, "")); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestAnExpiredChangeCannotBeApproved(t *testing.T) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := s.propose(t, onSlack(ada))
	s.advance(time.Minute)
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	s.waitFor(t, c.ID, confirm.Expired, 0)
}

func TestTheExpiryHoldsInTheMoveItself(t *testing.T) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := s.propose(t, onSlack(ada))
	cfg, looks := s.cfg, 0
	cfg.Now = func() time.Time { // it passes just after the gate has looked
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

func TestNobodyIsBuriedUnderQuestions(t *testing.T) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 2})
	s.propose(t, onSlack(ada))
	last := s.propose(t, onSlack(ada))
	if _, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("a third open change gave %v, want a refusal", err)
	}
	if _, err := s.Withdraw(t.Context(), last.ID, confirm.Requester{Principal: ada}); err != nil {
		t.Fatal(err)
	}
	s.propose(t, onSlack(ada))
}

func (s *stack) isRequester(t *testing.T, c confirm.Change, by confirm.Principal) bool {
	t.Helper()
	own, err := s.IsRequester(t.Context(), c, by)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func TestAPersonsChangesAreTheirsByEveryName(t *testing.T) {
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{ada, "slack:T1/U1"}}}
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, People: people})
	c := s.propose(t, onSlack(ada))
	open, err := s.OpenChanges(t.Context(), "slack:T1/U1")
	if err != nil || len(open) != 1 || open[0].ID != c.ID || !s.isRequester(t, c, "slack:T1/U1") || s.isRequester(t, c, bob) {
		t.Errorf("open changes of the other name: %v %v", open, err)
	}
}

func TestTheDigestBindsEveryPart(t *testing.T) {
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
