package confirm_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
)

var errElsewhere = errors.New("the requester's token is held by another process; have them sign in here")

// incapable is another process on the same ledger, which cannot execute any change.
type incapable struct {
	*stack
	other    *stack        // the process that can
	attempts chan struct{} // holds one token for each call of CanExecute
	runs     atomic.Int64
	mu       sync.Mutex
	log      strings.Builder
}

func (u *incapable) Write(line []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.log.Write(line)
}

func (u *incapable) logged() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.log.String()
}

func (s *stack) newIncapable(t *testing.T) *incapable {
	t.Helper()
	u := &incapable{other: s, attempts: make(chan struct{}, 1000)}
	cfg := s.cfg
	cfg.CanExecute = func(context.Context, confirm.Change) error { u.attempts <- struct{}{}; return errElsewhere }
	cfg.Execute = func(context.Context, confirm.Change, confirm.BeforeSend) confirm.Outcome {
		u.runs.Add(1)
		return confirm.Outcome{State: confirm.Failed, Reason: "it has no token"}
	}
	cfg.Log = slog.New(slog.NewTextHandler(u, nil))
	u.stack = &stack{Gate: confirm.New(cfg), store: s.store, cfg: cfg}
	return u
}

// confirmHere returns a change that bob has confirmed at the process which cannot execute it.
func (u *incapable) confirmHere(t *testing.T) confirm.Change {
	t.Helper()
	c := u.other.propose(t, onSlack(ada))
	if _, err := u.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if err := u.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.wantState(t, c, confirm.Approved)
	return c
}

// waitAttempts waits until the recovery of u has tried to execute its one approved change this many times.
func (u *incapable) waitAttempts(t *testing.T, times int) {
	t.Helper()
	for len(u.attempts) > 0 {
		<-u.attempts
	}
	timeout := time.After(time.Minute)
	for range times {
		select {
		case <-u.attempts:
		case <-timeout:
			t.Fatal("its recovery does not try to execute the change")
		}
	}
}

// A process that cannot execute a change neither fails it nor keeps another process from executing it.
func TestAChangeIsLeftToAProcessThatCanExecuteIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		u := s.newIncapable(t)
		c := u.confirmHere(t)
		s.advance(10 * time.Second)
		u.startRecovery(t)
		u.waitAttempts(t, 2)
		u.wantState(t, c, confirm.Approved)
		held, err := s.store.AcquireLease(t.Context(), "recovery", "the one that cannot", s.clock(), s.clock().Add(time.Hour))
		if err != nil || !held {
			t.Fatalf("it keeps the lease of the recovery: %v, %v", held, err)
		}
		s.startRecovery(t)
		s.waitFor(t, c.ID, confirm.Applied, 1)
		if u.runs.Load() != 0 {
			t.Error("it was executed by the process that cannot")
		}
		if n := strings.Count(u.logged(), "is left to another process"); n != 1 || !strings.Contains(u.logged(), "level=INFO") {
			t.Errorf("it was logged %d times:\n%s", n, u.logged())
		}
		if head, err := s.store.Verify(t.Context()); err != nil || head.Entries != 4 {
			t.Errorf("the log has %d entries, %v", head.Entries, err)
		}
	})
}

func TestAChangeThatNoProcessCanExecuteExpires(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	u := s.newIncapable(t)
	c := u.confirmHere(t)
	s.advance(time.Minute)
	u.startRecovery(t)
	got := s.waitFor(t, c.ID, confirm.Expired, 0)
	if reason := got.Outcome.Reason; !strings.Contains(reason, "nothing was sent: "+errElsewhere.Error()) {
		t.Errorf("the reason is %q", reason)
	}
	if u.runs.Load() != 0 {
		t.Error("it was executed all the same")
	}
}

// A process that could not execute a change at first executes it once it can.
func TestAProcessThatCanExecuteLaterDoes(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	var signedIn atomic.Bool
	signedIn.Store(true)
	s.cfg.CanExecute = func(_ context.Context, c confirm.Change) error {
		if c.Requester != ada {
			t.Errorf("it is asked about %+v", c)
		}
		if signedIn.Load() {
			return nil
		}
		return errElsewhere
	}
	s.Gate = confirm.New(s.cfg)
	c := s.propose(t, onSlack(ada))
	signedIn.Store(false)
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantState(t, c, confirm.Approved)
	signedIn.Store(true)
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

// A change that could not be executed is refused, so that approvers are not asked in vain.
func TestAChangeThatCannotBeExecutedIsNotProposed(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	u := s.newIncapable(t)
	wantRefusal(t, u.CanPropose(t.Context(), "delete_scans", onSlack(ada)), errElsewhere.Error())
	_, err := u.Propose(t.Context(), deleteTwo(), onSlack(ada))
	wantRefusal(t, err, errElsewhere.Error())
	if kept, err := s.store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("%d changes are kept, %v", len(kept), err)
	}
}
