package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm/store"
)

var errWouldWait = errors.New("it would wait")

// clock is a time that tests move. Whoever sleeps by it fails with errWouldWait, unless sleepers are kept:
// then they sleep until they are woken.
type clock struct {
	mu       sync.Mutex
	now      time.Time
	keep     bool
	sleepers []sleeper
	more     sync.Cond
}

type sleeper struct {
	until time.Time
	wake  chan struct{}
}

func newClock(keep bool) *clock {
	c := &clock{now: noon, keep: keep}
	c.more.L = &c.mu
	return c
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	if !c.keep {
		c.mu.Unlock()
		return errWouldWait
	}
	s := sleeper{c.now.Add(d), make(chan struct{})}
	c.sleepers = append(c.sleepers, s)
	c.more.Broadcast()
	c.mu.Unlock()
	select {
	case <-s.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asleep waits until n sleep, and returns when each of them wants to wake, in the order they lay down.
func (c *clock) asleep(n int) (wanted []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.sleepers) < n {
		c.more.Wait()
	}
	for _, s := range c.sleepers {
		wanted = append(wanted, s.until.Sub(noon))
	}
	return wanted
}

// wake lets the sleeper in this place wake, and moves time on to when it wanted to.
func (c *clock) wake(place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sleepers[place]
	c.sleepers = slices.Delete(c.sleepers, place, place+1)
	if c.now.Before(s.until) {
		c.now = s.until
	}
	close(s.wake)
}

// budget returns one on a Store of its own, as another process would have it.
func (l ledger) budget(t testing.TB, limits store.Limits, c *clock) *store.Budget {
	t.Helper()
	b := l.open(t).Budget(limits, nil)
	b.SetClock(c.Now, c.Sleep)
	return b
}

// granted reports whether a call is granted without waiting.
func granted(t testing.TB, b *store.Budget, write bool) bool {
	t.Helper()
	err := b.Take(t.Context(), write)
	if err != nil && !errors.Is(err, errWouldWait) {
		t.Fatal(err)
	}
	return err == nil
}

// TestBudgetWindows holds the budget of two processes against the plain meaning of the limits, call by call.
func TestBudgetWindows(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(false)
		limits := store.Limits{PerMinute: 10, PerHour: 40}
		budgets := []*store.Budget{l.budget(t, limits, c), l.budget(t, limits, c)}
		random := rand.New(rand.NewPCG(1, 2))
		var calls []time.Time
		within := func(d time.Duration) (n int) {
			for _, at := range calls {
				if c.Now().Sub(at) < d {
					n++
				}
			}
			return n
		}
		var told [4]int
		for range 600 {
			c.set(c.Now().Add(time.Duration(random.IntN(20)) * time.Second))
			write := random.IntN(3) == 0
			perMinute, perHour := 9, 36 // what is left to reads
			if write {
				perMinute, perHour = 10, 40
			}
			want := within(time.Minute) < perMinute && within(time.Hour) < perHour
			got := granted(t, budgets[random.IntN(2)], write)
			if got != want {
				t.Fatalf("at %v, write %v: granted %v with %d calls in the minute and %d in the hour",
					c.Now().Sub(noon), write, got, within(time.Minute), within(time.Hour))
			}
			if got {
				calls = append(calls, c.Now())
			}
			told[2*flag(write)+flag(got)]++
		}
		if slices.Contains(told[:], 0) {
			t.Errorf("not every case came up: %v", told)
		}
	})
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestBudgetEdges(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(false)
		b := l.budget(t, store.Limits{PerMinute: 2, PerHour: 3}, c)
		for _, step := range []struct {
			at   time.Duration
			want bool
		}{
			{0, true}, {time.Second, true}, {time.Second, false},
			{time.Minute - time.Microsecond, false}, {time.Minute, true},
			{61 * time.Second, false}, // three in this hour
			{time.Hour - time.Microsecond, false}, {time.Hour, true}, {time.Hour, false},
		} {
			c.set(noon.Add(step.at))
			if got := granted(t, b, true); got != step.want {
				t.Errorf("at %v: granted %v", step.at, got)
			}
		}
	})
}

func TestBudgetDefaultsAndShares(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		for _, c := range []struct {
			limits        store.Limits
			reads, writes int // granted at once, reads first
		}{
			{store.Limits{}, 90, 10},
			{store.Limits{PerMinute: 1}, 1, 0},
			{store.Limits{PerMinute: 5}, 4, 1},
			{store.Limits{PerMinute: 100, PerHour: 20}, 18, 2},
		} {
			time := newClock(false)
			time.set(noon.AddDate(0, 0, c.reads)) // long after the case before
			b := l.budget(t, c.limits, time)
			reads, writes := 0, 0
			for granted(t, b, false) {
				reads++
			}
			for granted(t, b, true) {
				writes++
			}
			if reads != c.reads || writes != c.writes {
				t.Errorf("%+v: %d reads and %d writes", c.limits, reads, writes)
			}
		}
	})
}

func TestBudgetAtOnce(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(false)
		limits := store.Limits{PerMinute: 10}
		budgets := []*store.Budget{l.budget(t, limits, c), l.budget(t, limits, c)}
		var got atomic.Int64
		inParallel(32, func(i int) {
			if granted(t, budgets[i%2], true) {
				got.Add(1)
			}
		})
		if got.Load() > 10 {
			t.Errorf("%d calls were granted in a minute of 10", got.Load())
		}
		for granted(t, budgets[0], true) {
			got.Add(1)
		}
		if got.Load() != 10 {
			t.Errorf("%d calls could be made in a minute of 10", got.Load())
		}
	})
}

// TestBudgetIsFair: callers of a kind are served in the order they came, each told truly how long it takes.
func TestBudgetIsFair(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(true)
		told := make(chan time.Duration, 10)
		b := l.open(t).Budget(store.Limits{PerMinute: 3}, func(_ context.Context, d time.Duration) { told <- d })
		b.SetClock(c.Now, c.Sleep)
		for i := range 3 {
			c.set(noon.Add(time.Duration(i) * 10 * time.Second))
			must(t, b.Take(t.Context(), true))
		}
		served := make(chan int, 3)
		for i := range 3 {
			go func() {
				if err := b.Take(t.Context(), true); err != nil {
					t.Error(err)
				}
				served <- i
			}()
			want := time.Duration(60+10*i) * time.Second
			if got := c.asleep(i + 1)[i]; got != want {
				t.Errorf("caller %d wants to wake at %v, want %v", i, got, want)
			}
			if got := <-told; got != want-20*time.Second {
				t.Errorf("caller %d was told to wait %v, want %v", i, got, want-20*time.Second)
			}
		}
		// The last one wakes too early: it must not overtake the others.
		c.set(noon.Add(time.Minute))
		c.wakeEarly(2)
		if got := c.asleep(3)[2]; got != 80*time.Second {
			t.Errorf("woken early, the last one wants to wake at %v", got)
		}
		for i := range 3 {
			c.wake(0)
			if got := <-served; got != i {
				t.Errorf("caller %d was served in place %d", got, i)
			}
		}
		if len(told) > 0 {
			t.Errorf("somebody was told twice: %v", <-told)
		}
	})
}

// wakeEarly wakes the sleeper in this place without moving time.
func (c *clock) wakeEarly(place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.sleepers[place].wake)
	c.sleepers = slices.Delete(c.sleepers, place, place+1)
}

// TestWritesGoAheadOfReads: a read that came first, and wakes first, leaves room for the writes that wait.
func TestWritesGoAheadOfReads(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(true)
		b := l.budget(t, store.Limits{PerMinute: 10}, c)
		for range 7 {
			must(t, b.Take(t.Context(), true))
		}
		c.set(noon.Add(10 * time.Second))
		must(t, b.Pause(t.Context(), noon.Add(30*time.Second)))
		var reads, writes sync.WaitGroup
		call := func(group *sync.WaitGroup, write bool) {
			group.Go(func() {
				if err := b.Take(t.Context(), write); err != nil {
					t.Error(err)
				}
			})
		}
		call(&reads, false)
		c.asleep(1)
		for i := range 3 {
			call(&writes, true)
			c.asleep(2 + i)
		}
		c.wake(0) // the read; 7 calls were made, 3 writes wait, and reads may use 9 of 10
		if got := c.asleep(4)[3]; got != time.Minute {
			t.Errorf("the read wants to wake at %v, want a minute after the first calls", got)
		}
		for range 3 {
			c.wake(0)
		}
		writes.Wait()
		c.wake(0)
		reads.Wait()
	})
}

func TestBudgetPause(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(false)
		b, other := l.budget(t, store.Limits{}, c), l.budget(t, store.Limits{}, c)
		must(t, b.Pause(t.Context(), noon.Add(30*time.Second)))
		must(t, other.Pause(t.Context(), noon.Add(10*time.Second))) // does not end the longer one
		for _, step := range []struct {
			at   time.Duration
			want bool
		}{{0, false}, {29 * time.Second, false}, {30 * time.Second, true}} {
			c.set(noon.Add(step.at))
			for _, write := range []bool{true, false} {
				if got := granted(t, other, write); got != step.want {
					t.Errorf("at %v, write %v: granted %v", step.at, write, got)
				}
			}
		}
		must(t, b.Pause(t.Context(), noon.AddDate(10, 0, 0))) // no answer of a service stops us for ever
		c.set(noon.Add(30*time.Second + time.Hour - time.Microsecond))
		if granted(t, other, true) {
			t.Error("granted within the hour")
		}
		c.set(noon.Add(30*time.Second + time.Hour))
		if !granted(t, other, true) {
			t.Error("still paused after an hour")
		}
	})
}

// A clock that was wrong, and is set right, does not block everybody until the time it showed.
func TestBudgetSurvivesAWrongClock(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(false)
		b := l.budget(t, store.Limits{PerMinute: 2}, c)
		c.set(noon.AddDate(1, 0, 0))
		for granted(t, b, true) {
		}
		must(t, b.Pause(t.Context(), noon.AddDate(1, 0, 1)))
		c.set(noon)
		if !granted(t, b, true) {
			t.Error("blocked by calls of next year")
		}
		must(t, b.Pause(t.Context(), noon.Add(time.Minute)))
		if granted(t, b, true) {
			t.Error("the pause of today did not replace that of next year")
		}
	})
}

func TestBudgetWaitIsTold(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(true)
		var told []time.Duration
		b := l.open(t).Budget(store.Limits{PerMinute: 1}, func(_ context.Context, d time.Duration) { told = append(told, d) })
		b.SetClock(c.Now, func(_ context.Context, d time.Duration) error {
			c.set(c.Now().Add(min(d, 20*time.Second))) // wakes early: told once all the same
			return nil
		})
		must(t, b.Take(t.Context(), true))
		must(t, b.Take(t.Context(), true))
		c.set(noon.Add(119 * time.Second))
		must(t, b.Take(t.Context(), true)) // waits a second: not worth telling
		if !slices.Equal(told, []time.Duration{time.Minute}) {
			t.Errorf("told %v, want one minute once", told)
		}
	})
}

func TestBudgetCallerLeaves(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		b := l.open(t).Budget(store.Limits{PerMinute: 1}, nil) // by the real clock
		must(t, b.Take(t.Context(), true))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := b.Take(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
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

func TestBudgetForgets(t *testing.T) {
	each(t, func(t *testing.T, l ledger) {
		c := newClock(false)
		b := l.budget(t, store.Limits{PerMinute: 3, PerHour: 5}, c)
		for i := range 12 {
			c.set(noon.Add(time.Duration(i) * time.Hour))
			if !granted(t, b, true) {
				t.Errorf("call %d had to wait", i)
			}
		}
		var kept int
		must(t, l.raw.QueryRow(`SELECT count(*) FROM budget_call`).Scan(&kept))
		if kept != 5 {
			t.Errorf("%d calls are kept, want 5", kept)
		}
	})
}
