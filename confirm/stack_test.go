package confirm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// stack is a gate over a real ledger, with a clock that the test sets and an executor that counts its calls.
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
	tampered  []confirm.Tampering // what the gates reported
}

func newStack(t testing.TB, policy confirm.Policy) *stack {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	s := newStackOn(t, policy, store.Config{URL: "sqlite:" + file, KeyDir: dir})
	s.file = file
	return s
}

// newStackOn returns a stack on this ledger.
func newStackOn(t testing.TB, policy confirm.Policy, where store.Config) *stack {
	t.Helper()
	ledger, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{store: ledger}
	s.now.Store(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).UnixMicro())
	s.cfg = confirm.Config{
		Key: bytes.Repeat([]byte{7}, 32),
		OnTampering: func(seen confirm.Tampering) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tampered = append(s.tampered, seen)
		},
		Store: ledger, Policy: policy, Target: "simulator", Now: s.clock,
		Execute: func(ctx context.Context, c confirm.Change, _ confirm.BeforeSend) confirm.Outcome {
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

// onSlack returns a requester whose changes are confirmed by others, in Slack.
func onSlack(by confirm.Principal) confirm.Requester {
	return confirm.Requester{Principal: by, Source: "test", Channels: []confirm.Channel{confirm.Slack}}
}

// onOwnStdio returns a requester who is asked on their own client, on their own stdio server.
func onOwnStdio(by confirm.Principal) confirm.Requester {
	return confirm.Requester{Principal: by, Source: "test", Local: true, Channels: []confirm.Channel{confirm.Client}}
}

// replanned returns deleteTwo planned against another live state each time, so that no proposal equals another.
func replanned() confirm.Proposal {
	p := deleteTwo()
	p.Snapshot = fmt.Appendf(nil, `{"a":{"seen":%d}}`, plans.Add(1))
	return p
}

// plans counts the calls of replanned.
var plans atomic.Int64

func (s *stack) propose(t testing.TB, by confirm.Requester) confirm.Change {
	t.Helper()
	c, err := s.Propose(t.Context(), replanned(), by)
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

// waitFor waits for a change to end. It checks its state, and how many executions there were until then.
func (s *stack) waitFor(t testing.TB, id string, want confirm.State, runs int64) confirm.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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

func (s *stack) isRequester(t *testing.T, c confirm.Change, by confirm.Principal) bool {
	t.Helper()
	own, err := s.IsRequester(t.Context(), c, by)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func (s *stack) wantState(t *testing.T, c confirm.Change, want confirm.State) {
	t.Helper()
	if got, err := s.Change(t.Context(), c.ID); err != nil || got.State != want || s.runs.Load() != 0 {
		t.Errorf("it is %s after %d executions (%v), want %s after none", got.State, s.runs.Load(), err, want)
	}
}

// insertAfter returns a change in the ledger after these moves, as a process that died would have left it.
func (s *stack) insertAfter(t *testing.T, moves ...confirm.Move) confirm.Change {
	t.Helper()
	return s.move(t, s.propose(t, onSlack(ada)), moves...)
}

// move makes the moves in the ledger, without the gate, and returns the change after them.
func (s *stack) move(t *testing.T, c confirm.Change, moves ...confirm.Move) confirm.Change {
	t.Helper()
	for _, m := range moves {
		c = s.moveSealed(t, c, m)
	}
	return c
}

// moveSealed makes a move as a process with the server key records it.
func (s *stack) moveSealed(t testing.TB, c confirm.Change, m confirm.Move) confirm.Change {
	t.Helper()
	m.At = s.clock()
	if m.Decision != nil {
		m.Decision.At = m.At
		confirm.SealDecision(s.cfg.Key, c, m.Decision)
	}
	if m.Outcome != nil {
		m.Outcome = confirm.SealOutcome(s.cfg.Key, c, *m.Outcome)
	}
	after, err := s.store.Move(t.Context(), c, m)
	if err != nil {
		t.Error(err) // it may run in a goroutine of the test
		return c
	}
	return after
}

func approvedMove(who confirm.Principal) confirm.Move {
	return confirm.Move{To: confirm.Approved, Decision: &confirm.Decision{Person: string(who), Principal: who, Approve: true, Channel: confirm.Slack}}
}

func claimedMove(lease time.Time) confirm.Move {
	return confirm.Move{To: confirm.Executing, Owner: "a process that died", Lease: lease}
}

// startRecovery runs the recovery in the background until the test ends.
func (s *stack) startRecovery(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// waitStored waits until the change has this state in the ledger. Reading it through the gate would expire it.
func (s *stack) waitStored(t *testing.T, id string, want confirm.State) confirm.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := s.store.Change(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if c.State == want {
			return c
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the change is %s (%+v), want %s", c.State, c.Outcome, want)
		}
	}
}

// withPolicy returns a gate on the same ledger with an altered policy, as if the configuration had been edited.
func (s *stack) withPolicy(alter func(*confirm.Policy)) *confirm.Gate {
	cfg := s.cfg
	alter(&cfg.Policy)
	return confirm.New(cfg)
}

func (s *stack) proposePlan(t testing.TB, p confirm.Proposal, by confirm.Requester) confirm.Change {
	t.Helper()
	c, err := s.Propose(t.Context(), p, by)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// deleteMany returns deleteTwo with facts.
func deleteMany(count int) confirm.Proposal {
	p := deleteTwo()
	p.Facts = confirm.Facts{Scans: []string{"Core switches"}, Count: count, Addresses: 256}
	return p
}

// wantRefusal checks that err is a refusal that contains each of these texts.
func wantRefusal(t *testing.T, err error, says ...string) {
	t.Helper()
	if !errors.Is(err, confirm.ErrRefused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the refusal %q does not contain %q", err, part)
		}
	}
}

// waitSettled returns the change as soon as it is neither approved nor executing.
func (s *stack) waitSettled(t *testing.T, id string) (confirm.Change, error) {
	c, err := s.Change(t.Context(), id)
	if err != nil || (c.State != confirm.Approved && c.State != confirm.Executing) {
		return c, err
	}
	return s.Wait(t.Context(), id)
}
