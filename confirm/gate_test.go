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

// house is a gate over a real ledger, with a clock of the test's own and an executor that counts.
type house struct {
	*confirm.Gate
	ledger  *store.Store
	file    string
	cfg     confirm.Config
	now     atomic.Int64 // microseconds
	runs    atomic.Int64
	mu      sync.Mutex
	outcome func(context.Context, confirm.Change) confirm.Outcome
	seen    func(context.Context, confirm.Change) confirm.Outcome
}

func newHouse(t testing.TB, policy confirm.Policy) *house {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	ledger, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + file, KeyDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{ledger: ledger, file: file}
	h.now.Store(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).UnixMicro())
	h.cfg = confirm.Config{
		Store: ledger, Policy: policy, Target: "simulator", Now: h.clock,
		Execute: func(ctx context.Context, c confirm.Change, _ func(context.Context) error) confirm.Outcome {
			h.runs.Add(1)
			h.mu.Lock()
			do := h.outcome
			h.mu.Unlock()
			if do != nil {
				return do(ctx, c)
			}
			return confirm.Outcome{State: confirm.Applied}
		},
		Reconcile: func(ctx context.Context, c confirm.Change) confirm.Outcome {
			h.mu.Lock()
			do := h.seen
			h.mu.Unlock()
			if do != nil {
				return do(ctx, c)
			}
			return confirm.Outcome{State: confirm.Unknown, Reason: "nothing to be seen"}
		},
	}
	h.Gate = confirm.New(h.cfg)
	t.Cleanup(func() {
		if err := h.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *house) clock() time.Time        { return time.UnixMicro(h.now.Load()).UTC() }
func (h *house) advance(d time.Duration) { h.now.Add(d.Microseconds()) }
func (h *house) executes(f func(context.Context, confirm.Change) confirm.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcome = f
}

func (h *house) reconciles(out confirm.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = func(context.Context, confirm.Change) confirm.Outcome { return out }
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

// elsewhere asks on a channel where other people can answer.
func elsewhere(by confirm.Principal) confirm.Requester {
	return confirm.Requester{Principal: by, Source: "test", Channels: []confirm.Channel{confirm.Slack}}
}

// ownClient asks on the requester's own client, on their own stdio server.
func ownClient(by confirm.Principal) confirm.Requester {
	return confirm.Requester{Principal: by, Source: "test", Local: true, Channels: []confirm.Channel{confirm.Client}}
}

func (h *house) propose(t testing.TB, by confirm.Requester) confirm.Change {
	t.Helper()
	c, err := h.Propose(t.Context(), deleteTwo(), by)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func yes(by confirm.Principal) confirm.Vote {
	return confirm.Vote{Principal: by, Approve: true, Channel: confirm.Slack}
}

func no(by confirm.Principal, why string) confirm.Vote {
	return confirm.Vote{Principal: by, Reason: why, Channel: confirm.Slack}
}

// ends waits for a change to end and checks how, and how often anything was executed until then.
func (h *house) ends(t testing.TB, id string, want confirm.State, runs int64) confirm.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := h.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != want || h.runs.Load() != runs {
		t.Fatalf("the change is %s after %d executions, want %s after %d (%+v)", c.State, h.runs.Load(), want, runs, c.Outcome)
	}
	return c
}

func TestAnApprovedChangeRunsOnce(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
	if got, err := h.Decide(t.Context(), c.ID, yes(bob)); !errors.Is(err, confirm.ErrMoved) || got.State != confirm.Applied {
		t.Errorf("a second yes gave %s, %v; want the applied change and ErrMoved", got.State, err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}

func TestManyClicksAtOnceRunOnce(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
	twin := confirm.New(h.cfg) // another replica on the same ledger
	c := h.propose(t, elsewhere(ada))
	var clicks sync.WaitGroup
	for i := range 16 {
		gate, who := h.Gate, bob
		if i%2 == 1 {
			gate, who = twin, cleo
		}
		clicks.Go(func() {
			if _, err := gate.Decide(t.Context(), c.ID, yes(who)); err != nil && !errors.Is(err, confirm.ErrMoved) && !errors.Is(err, confirm.ErrRefused) {
				t.Errorf("click: %v", err)
			}
		})
	}
	clicks.Wait()
	h.ends(t, c.ID, confirm.Applied, 1)
	if err := twin.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}

func TestNobodyListedMeansNobodyMayApprove(t *testing.T) {
	h := newHouse(t, confirm.Policy{})
	if _, err := h.Propose(t.Context(), deleteTwo(), elsewhere(ada)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("proposing gave %v, want a refusal", err)
	}
	if kept, err := h.ledger.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
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
		{"a listed person", confirm.Policy{Approvers: []string{string(bob)}}, yes(bob), ""},
		{"a member of a listed group", confirm.Policy{Approvers: []string{"slack-group:S1"}},
			confirm.Vote{Principal: cleo, Groups: []string{"slack-group:S1"}, Approve: true, Channel: confirm.Slack}, ""},
		{"a stranger", confirm.Policy{Approvers: []string{string(bob)}}, yes(cleo), "not among the approvers"},
		{"the requester", confirm.Policy{Approvers: []string{string(ada), string(bob)}}, yes(ada), "their own changes"},
		{"the requester by another name", confirm.Policy{Approvers: []string{"slack:T1/U1", string(bob)}, People: people},
			yes("slack:T1/U1"), "their own changes"},
		{"the requester where that is allowed", confirm.Policy{Approvers: []string{string(ada)}, SelfApproval: true}, yes(ada), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, tt.policy)
			c := h.propose(t, elsewhere(ada))
			_, err := h.Decide(t.Context(), c.ID, tt.vote)
			if tt.refusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				h.ends(t, c.ID, confirm.Applied, 1)
				return
			}
			if !errors.Is(err, confirm.ErrRefused) || !strings.Contains(err.Error(), tt.refusal) {
				t.Errorf("got %v, want a refusal that says %q", err, tt.refusal)
			}
			if got, _ := h.Change(t.Context(), c.ID); got.State != confirm.Pending || h.runs.Load() != 0 {
				t.Errorf("a refused vote left the change %s after %d executions", got.State, h.runs.Load())
			}
		})
	}
}

func TestTwoDistinctPeopleAreNeeded(t *testing.T) {
	people := []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{bob, "slack:T1/UB"}}}
	h := newHouse(t, confirm.Policy{
		Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}, People: people,
	})
	c := h.propose(t, elsewhere(ada))
	if c, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil || c.State != confirm.Pending {
		t.Fatalf("after one yes: %s, %v", c.State, err)
	}
	if _, err := h.Decide(t.Context(), c.ID, yes("slack:T1/UB")); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("one person filled two seats: %v", err)
	}
	if _, err := h.Decide(t.Context(), c.ID, yes(cleo)); err != nil {
		t.Fatal(err)
	}
	got := h.ends(t, c.ID, confirm.Applied, 1)
	if got.Approvals() != 2 || got.Decisions[0].Name != "Bob" {
		t.Errorf("decisions are %+v", got.Decisions)
	}
}

func TestOneNoEndsIt(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}})
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Decide(t.Context(), c.ID, no(cleo, "not on a Friday")); err != nil {
		t.Fatal(err)
	}
	if got := h.ends(t, c.ID, confirm.Denied, 0); got.Outcome.Reason != "not on a Friday" {
		t.Errorf("the reason is %q", got.Outcome.Reason)
	}
}

func TestAStrangerCannotEvenDeny(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, no(cleo, "")); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestAnExpiredChangeCannotBeApproved(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := h.propose(t, elsewhere(ada))
	h.advance(time.Minute)
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	h.ends(t, c.ID, confirm.Expired, 0)
}

func TestTheExpiryHoldsInTheMoveItself(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := h.propose(t, elsewhere(ada))
	cfg, looks := h.cfg, 0
	cfg.Now = func() time.Time { // it passes just after the gate has looked
		if looks++; looks == 3 {
			h.advance(time.Minute)
		}
		return h.clock()
	}
	if _, err := confirm.New(cfg).Decide(t.Context(), c.ID, yes(bob)); !errors.Is(err, confirm.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	h.ends(t, c.ID, confirm.Expired, 0)
}

func TestTheExpiryHoldsInTheClaimItself(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := h.propose(t, elsewhere(ada))
	cfg := h.cfg
	cfg.OnTransition = func(c confirm.Change) {
		if c.State == confirm.Approved {
			h.advance(time.Minute)
		}
	}
	gate := confirm.New(cfg)
	if _, err := gate.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := h.Change(t.Context(), c.ID); err != nil || c.State != confirm.Approved || h.runs.Load() != 0 {
		t.Errorf("it is %s after %d executions (%v)", c.State, h.runs.Load(), err)
	}
}

func TestAChangeForAnotherTenantIsLeftAlone(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	other := h.cfg
	other.Target = "https://api.security.microsoft.com"
	if _, err := confirm.New(other).Decide(t.Context(), c.ID, yes(bob)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
	if h.runs.Load() != 0 {
		t.Error("it was executed in another tenant")
	}
}

func TestNobodyIsBuriedUnderQuestions(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 2})
	h.propose(t, elsewhere(ada))
	last := h.propose(t, elsewhere(ada))
	if _, err := h.Propose(t.Context(), deleteTwo(), elsewhere(ada)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("a third open change gave %v, want a refusal", err)
	}
	if _, err := h.Withdraw(t.Context(), last.ID, confirm.Requester{Principal: ada}); err != nil {
		t.Fatal(err)
	}
	h.propose(t, elsewhere(ada))
}

func (h *house) own(t *testing.T, c confirm.Change, by confirm.Principal) bool {
	t.Helper()
	own, err := h.IsRequester(t.Context(), c, by)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func TestAPersonsChangesAreTheirsByEveryName(t *testing.T) {
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{ada, "slack:T1/U1"}}}
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, People: people})
	c := h.propose(t, elsewhere(ada))
	open, err := h.OpenChanges(t.Context(), "slack:T1/U1")
	if err != nil || len(open) != 1 || open[0].ID != c.ID || !h.own(t, c, "slack:T1/U1") || h.own(t, c, bob) {
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
