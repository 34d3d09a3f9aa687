package confirm_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
)

// countingStore is a real store that counts how often a change is read.
type countingStore struct {
	confirm.Store
	reads atomic.Int64
	first chan struct{} // closed at the first read
	once  sync.Once
}

func (s *countingStore) Change(ctx context.Context, id string) (confirm.Change, error) {
	s.reads.Add(1)
	s.once.Do(func() { close(s.first) })
	return s.Store.Change(ctx, id)
}

func newCountingStack(t *testing.T) (*stack, *countingStore) {
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 1000})
	reads := &countingStore{Store: s.cfg.Store, first: make(chan struct{})}
	s.cfg.Store = reads
	s.Gate = confirm.New(s.cfg)
	return s, reads
}

// waitMany starts n Wait calls and returns when all of them wait. Each sends its result.
func (s *stack) waitMany(t *testing.T, ctx context.Context, id string, n int) <-chan confirm.Change {
	t.Helper()
	got := make(chan confirm.Change, n)
	for range n {
		go func() {
			c, err := s.Wait(ctx, id)
			if err != nil {
				t.Error(err)
			}
			got <- c
		}()
	}
	for s.Waiters(id) < n {
		if t.Context().Err() != nil {
			t.Fatal("the calls do not wait")
		}
		runtime.Gosched()
	}
	return got
}

// A thousand calls that wait for one change cost what one costs, also while other changes move.
func TestAllCallsThatWaitForAChangeReadItOnce(t *testing.T) {
	t.Parallel()
	s, reads := newCountingStack(t)
	c := s.propose(t, onSlack(ada))
	began := time.Now()
	got := s.waitMany(t, t.Context(), c.ID, 1000)
	for range 20 {
		s.propose(t, onSlack(cleo))
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if c := <-got; c.State != confirm.Applied {
			t.Fatalf("a call returned %s", c.State)
		}
	}
	// One read by the first call, one at each of the three transitions, those of Decide itself, and one each second.
	if n, most := reads.reads.Load(), int64(12+time.Since(began)/time.Second); n > most {
		t.Errorf("the ledger was read %d times, want at most %d", n, most)
	}
	if n := s.Waiters(c.ID); n != 0 {
		t.Errorf("%d calls still wait", n)
	}
}

// When the call that reads for the others ends, another one continues.
func TestACallThatEndsLeavesTheReadingToAnother(t *testing.T) {
	t.Parallel()
	s, reads := newCountingStack(t)
	c := s.propose(t, onSlack(ada))
	ctx, cancel := context.WithCancel(t.Context())
	first := s.waitMany(t, ctx, c.ID, 1)
	<-reads.first
	rest := make(chan confirm.Change, 1)
	go func() {
		c, err := s.Wait(t.Context(), c.ID)
		if err != nil {
			t.Error(err)
		}
		rest <- c
	}()
	for s.Waiters(c.ID) < 2 {
		runtime.Gosched()
	}
	cancel()
	if c := <-first; c.State != confirm.Pending {
		t.Errorf("the canceled call returned %s", c.State)
	}
	if _, err := s.Decide(t.Context(), c.ID, denial(bob, "no")); err != nil {
		t.Fatal(err)
	}
	if c := <-rest; c.State != confirm.Denied {
		t.Errorf("the other call returned %s", c.State)
	}
}

// A waiting call returns at the transition of its change, and not when it next reads the ledger a second later.
func TestATransitionWakesTheCallsThatWaitForIt(t *testing.T) {
	t.Parallel()
	s, _ := newCountingStack(t)
	const changes = 6
	var took time.Duration
	for range changes {
		c := s.propose(t, onSlack(ada))
		got := s.waitMany(t, t.Context(), c.ID, 3)
		began := time.Now()
		if _, err := s.Decide(t.Context(), c.ID, denial(bob, "no")); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			<-got
		}
		took += time.Since(began)
	}
	if took > changes*time.Second/2 {
		t.Errorf("the calls returned after %v on average", took/changes)
	}
}

// An approved change that no process executed in time is read once a second until recovery ends it.
func TestAnOverdueApprovedChangeIsReadEachSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, reads := newCountingStack(t)
		s.cfg.CanExecute = func(context.Context, confirm.Change) error { return errElsewhere }
		able := s.Gate
		s.Gate = confirm.New(s.cfg)
		c, err := able.Propose(t.Context(), deleteTwo(), onSlack(ada))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
			t.Fatal(err)
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.advance(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		before := reads.reads.Load()
		if c, err := s.Wait(ctx, c.ID); err != nil || c.State != confirm.Approved {
			t.Fatalf("waiting gave %s, %v", c.State, err)
		}
		if n := reads.reads.Load() - before; n < 9 || n > 11 {
			t.Errorf("the ledger was read %d times in 10 seconds, want once a second", n)
		}
	})
}
