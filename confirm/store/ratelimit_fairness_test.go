package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm/store"
)

// The calls of one caller are served in the order they came, and each gets the true duration of its wait.
func TestRateLimitIsFair(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(true)
		waits := make(chan time.Duration, 10)
		b := l.openStore(t).RateLimiter(store.Limits{PerMinute: 3}, func(_ context.Context, d time.Duration) { waits <- d })
		b.SetClock(c.Now, c.Sleep)
		for i := range 3 {
			c.set(noon.Add(time.Duration(i) * 10 * time.Second))
			must(t, b.Wait(t.Context(), confirmedWrite))
		}
		served := make(chan int, 3)
		for i := range 3 {
			go func() {
				if err := b.Wait(t.Context(), confirmedWrite); err != nil {
					t.Error(err)
				}
				served <- i
			}()
			want := time.Duration(60+10*i) * time.Second
			if got := c.waitSleepers(i + 1)[i]; got != want {
				t.Errorf("caller %d wants to wake at %v, want %v", i, got, want)
			}
			if got := <-waits; got != want-20*time.Second {
				t.Errorf("caller %d was reported to wait %v, want %v", i, got, want-20*time.Second)
			}
		}
		// The last one wakes too early: it must not overtake the others.
		c.set(noon.Add(time.Minute))
		c.wakeEarly(2)
		if got := c.waitSleepers(3)[2]; got != 80*time.Second {
			t.Errorf("woken early, the last one wants to wake at %v", got)
		}
		for i := range 3 {
			c.wakeSleeper(0)
			if got := <-served; got != i {
				t.Errorf("caller %d was served in place %d", got, i)
			}
		}
		if len(waits) > 0 {
			t.Errorf("a wait was reported twice: %v", <-waits)
		}
	})
}

// A read that came first, and wakes first, leaves room for the waiting writes.
func TestWritesHavePriorityOverReads(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(true)
		b := l.newLimiter(t, store.Limits{PerMinute: 10}, c)
		for range 7 {
			must(t, b.Wait(t.Context(), confirmedWrite))
		}
		c.set(noon.Add(10 * time.Second))
		must(t, b.PauseUntil(t.Context(), noon.Add(30*time.Second)))
		var reads, writes sync.WaitGroup
		call := func(group *sync.WaitGroup, write bool) {
			group.Go(func() {
				if err := b.Wait(t.Context(), callOf(write)); err != nil {
					t.Error(err)
				}
			})
		}
		call(&reads, false)
		c.waitSleepers(1)
		for i := range 3 {
			call(&writes, true)
			c.waitSleepers(2 + i)
		}
		c.wakeSleeper(0) // the read; 7 calls were made, 3 writes wait, and reads may use 9 of 10
		if got := c.waitSleepers(4)[3]; got != time.Minute {
			t.Errorf("the read wants to wake at %v, want a minute after the first calls", got)
		}
		for range 3 {
			c.wakeSleeper(0)
		}
		writes.Wait()
		c.wakeSleeper(0)
		reads.Wait()
	})
}

func TestRateLimitReportsAWaitOnce(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(true)
		var waits []time.Duration
		b := l.openStore(t).RateLimiter(store.Limits{PerMinute: 1}, func(_ context.Context, d time.Duration) { waits = append(waits, d) })
		b.SetClock(c.Now, func(_ context.Context, d time.Duration) error {
			c.set(c.Now().Add(min(d, 20*time.Second))) // wakes early: reported only once
			return nil
		})
		must(t, b.Wait(t.Context(), confirmedWrite))
		must(t, b.Wait(t.Context(), confirmedWrite))
		c.set(noon.Add(119 * time.Second))
		must(t, b.Wait(t.Context(), confirmedWrite)) // waits a second: too short to be reported
		if !slices.Equal(waits, []time.Duration{time.Minute}) {
			t.Errorf("reported %v, want one minute once", waits)
		}
	})
}

func TestRateLimitCallerLeaves(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		b := l.openStore(t).RateLimiter(store.Limits{PerMinute: 1}, nil) // by the real clock
		must(t, b.Wait(t.Context(), confirmedWrite))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := b.Wait(ctx, confirmedWrite); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		var taken, kept int
		must(t, l.raw.QueryRow(`SELECT taken FROM budget`).Scan(&taken))
		must(t, l.raw.QueryRow(`SELECT count(*) FROM budget_call`).Scan(&kept))
		if taken != 1 || kept != 1 {
			t.Errorf("%d calls were counted and %d are kept, want 1", taken, kept)
		}
	})
}

// queueTest is a full window of calls in which callers wait.
type queueTest struct {
	t       *testing.T
	clock   *clock
	limiter *store.RateLimiter
	waiting int
	served  []string // guarded by clock
	left    int      // callers who gave up; guarded by clock
}

// newQueueTest fills the minute with calls that leave it one by one, a second apart.
func newQueueTest(t *testing.T, l testDatabase, perMinute int) *queueTest {
	t.Helper()
	q := &queueTest{t: t, clock: newClock(true)}
	q.limiter = l.newLimiter(t, store.Limits{PerMinute: perMinute, PerHour: 100_000}, q.clock)
	for i := range perMinute {
		q.clock.set(noon.Add(time.Duration(i) * time.Second))
		must(t, q.limiter.Wait(t.Context(), confirmedWrite))
	}
	return q
}

// call starts a call that has to wait, and returns once it sleeps.
func (q *queueTest) call(ctx context.Context, c store.Call) {
	q.t.Helper()
	if q.start(ctx, c) {
		q.t.Fatalf("%+v did not have to wait", c)
	}
}

// start starts a call, and reports whether it was served at once. Otherwise it sleeps.
func (q *queueTest) start(ctx context.Context, c store.Call) bool {
	before := len(q.served)
	go func() {
		err := q.limiter.Wait(ctx, c)
		q.clock.note(func() {
			if err == nil {
				q.served = append(q.served, c.Caller)
			} else {
				q.left++
			}
		})
	}()
	q.clock.await(func() bool { return len(q.served) > before || len(q.clock.sleepers) > q.waiting })
	if len(q.served) > before {
		return true
	}
	q.waiting++
	return false
}

// giveUp ends the waiting of n calls.
func (q *queueTest) giveUp(n int, cancel context.CancelFunc) {
	cancel()
	q.clock.await(func() bool { return q.left == n })
	q.waiting -= n
}

// serveNext advances the time until one call is served, and returns its caller.
func (q *queueTest) serveNext() (caller string) {
	q.t.Helper()
	for before := len(q.served); len(q.served) == before; {
		q.clock.wakeEarliest()
		q.clock.await(func() bool { return len(q.served) > before || len(q.clock.sleepers) == q.waiting })
	}
	q.waiting--
	return q.served[len(q.served)-1]
}

// A caller with 150 waiting reads delays another caller's read by one call, not by 150.
func TestCallersTakeTurns(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		q := newQueueTest(t, l, 20)
		for range 150 {
			q.call(t.Context(), store.Call{Caller: "greedy"})
		}
		for range 2 { // the rounds of greedy have begun
			q.serveNext()
		}
		for range 3 {
			q.call(t.Context(), store.Call{Caller: "modest"})
		}
		q.call(t.Context(), store.Call{Caller: "another"})
		order := ""
		for range 8 {
			order += q.serveNext()[:1]
		}
		if order != "magmgmgg" { // those who came later are not ahead for more than one round
			t.Errorf("the first letters of those served are %s", order)
		}
	})
}

// 150 waiting reads do not delay another caller's plan at all: it uses the reserve of plans.
func TestPlansDoNotWaitBehindReads(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		q := newQueueTest(t, l, 0)
		q.limiter = l.newLimiter(t, store.Limits{}, q.clock)
		ctx, leave := context.WithCancel(t.Context())
		for range 150 {
			q.start(ctx, store.Call{Caller: "greedy"})
		}
		for i := range 5 {
			if !q.start(ctx, store.Call{Caller: "modest", Kind: store.PlanCall}) {
				t.Errorf("plan %d had to wait", i)
			}
		}
		for i := range 10 {
			if !q.start(ctx, store.Call{Caller: "modest", Kind: store.WriteCall}) {
				t.Errorf("confirmed change %d had to wait", i)
			}
		}
		q.giveUp(q.waiting, leave)
	})
}

// Calls that a caller gave up do not put its next ones behind.
func TestGivenUpCallsCostNoTurn(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		q := newQueueTest(t, l, 10)
		ctx, leave := context.WithCancel(t.Context())
		for range 20 {
			q.call(ctx, store.Call{Caller: "patient"})
		}
		q.call(t.Context(), store.Call{Caller: "steady"})
		q.giveUp(20, leave)
		for range 9 {
			q.call(t.Context(), store.Call{Caller: "steady"})
		}
		q.call(t.Context(), store.Call{Caller: "patient"})
		order := q.serveNext()[:1] + q.serveNext()[:1]
		if order != "sp" && order != "ps" {
			t.Errorf("the first letters of those served are %s", order)
		}
	})
}
