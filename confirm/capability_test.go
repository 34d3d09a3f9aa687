package confirm_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
)

var errElsewhere = errors.New("the token of whoever asked is held by another process; have them sign in here")

// unable is another process on the house's ledger, which cannot execute anything.
type unable struct {
	*house
	other *house        // which can
	asked chan struct{} // holds one token for each time it was asked whether it can
	runs  atomic.Int64
	mu    sync.Mutex
	log   strings.Builder
}

func (u *unable) Write(line []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.log.Write(line)
}

func (u *unable) logged() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.log.String()
}

func (h *house) unable(t *testing.T) *unable {
	t.Helper()
	u := &unable{other: h, asked: make(chan struct{}, 1000)}
	cfg := h.cfg
	cfg.CanExecute = func(context.Context, confirm.Change) error { u.asked <- struct{}{}; return errElsewhere }
	cfg.Execute = func(context.Context, confirm.Change, func(context.Context) error) confirm.Outcome {
		u.runs.Add(1)
		return confirm.Outcome{State: confirm.Failed, Reason: "it has no token"}
	}
	cfg.Log = slog.New(slog.NewTextHandler(u, nil))
	u.house = &house{Gate: confirm.New(cfg), ledger: h.ledger, cfg: cfg}
	return u
}

// confirmed is a change that bob confirms at a process which cannot execute it.
func (u *unable) confirmed(t *testing.T) confirm.Change {
	t.Helper()
	c := u.other.propose(t, elsewhere(ada))
	if _, err := u.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	if err := u.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.stands(t, c, confirm.Approved)
	return c
}

// comesBy waits until the recovery of u has looked at its one approved change so often.
func (u *unable) comesBy(t *testing.T, times int) {
	t.Helper()
	for len(u.asked) > 0 {
		<-u.asked
	}
	patience := time.After(20 * time.Second)
	for range times {
		select {
		case <-u.asked:
		case <-patience:
			t.Fatal("its recovery does not look at the change")
		}
	}
}

// Whoever cannot execute a change neither fails it nor keeps others from executing it.
func TestAChangeIsLeftToWhoCanExecuteIt(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	u := h.unable(t)
	c := u.confirmed(t)
	h.advance(10 * time.Second)
	u.recovers(t)
	u.comesBy(t, 2)
	u.stands(t, c, confirm.Approved)
	held, err := h.ledger.AcquireLease(t.Context(), "recovery", "the one that cannot", h.clock(), h.clock().Add(time.Hour))
	if err != nil || !held {
		t.Fatalf("it keeps the lease of the recovery: %v, %v", held, err)
	}
	h.recovers(t)
	h.ends(t, c.ID, confirm.Applied, 1)
	if u.runs.Load() != 0 {
		t.Error("it was executed by the process that cannot")
	}
	if n := strings.Count(u.logged(), "is left to another process"); n != 1 || !strings.Contains(u.logged(), "level=INFO") {
		t.Errorf("it was told %d times:\n%s", n, u.logged())
	}
	if head, err := h.ledger.Verify(t.Context()); err != nil || head.Entries != 4 {
		t.Errorf("the log has %d entries, %v", head.Entries, err)
	}
}

func TestAChangeThatNobodyCanExecuteExpires(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	u := h.unable(t)
	c := u.confirmed(t)
	h.advance(time.Minute)
	u.recovers(t)
	got := h.ends(t, c.ID, confirm.Expired, 0)
	if reason := got.Outcome.Reason; !strings.Contains(reason, "nothing was sent: "+errElsewhere.Error()) {
		t.Errorf("the reason is %q", reason)
	}
	if u.runs.Load() != 0 {
		t.Error("it was executed all the same")
	}
}

// What this process could not execute at first, it does once it can.
func TestWhoCanExecuteLaterDoes(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	var signedIn atomic.Bool
	signedIn.Store(true)
	h.cfg.CanExecute = func(_ context.Context, c confirm.Change) error {
		if c.Requester != ada {
			t.Errorf("it is asked about %+v", c)
		}
		if signedIn.Load() {
			return nil
		}
		return errElsewhere
	}
	h.Gate = confirm.New(h.cfg)
	c := h.propose(t, elsewhere(ada))
	signedIn.Store(false)
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.stands(t, c, confirm.Approved)
	signedIn.Store(true)
	h.advance(10 * time.Second)
	h.recovers(t)
	h.ends(t, c.ID, confirm.Applied, 1)
}

// Nobody is asked about what could not be sent.
func TestWhatCannotBeExecutedIsNotAskedFor(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	u := h.unable(t)
	refusal(t, u.CanPropose(t.Context(), "delete_scans", elsewhere(ada)), errElsewhere.Error())
	_, err := u.Propose(t.Context(), deleteTwo(), elsewhere(ada))
	refusal(t, err, errElsewhere.Error())
	if kept, err := h.ledger.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 0 {
		t.Errorf("%d changes are kept, %v", len(kept), err)
	}
}
