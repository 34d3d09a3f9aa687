package store_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm/store"
)

// newLimiter returns a rate limiter on a Store of its own, as another process would have it.
func (l testDatabase) newLimiter(t testing.TB, limits store.Limits, c *clock) *store.RateLimiter {
	t.Helper()
	b := l.openStore(t).RateLimiter(limits, nil)
	b.SetClock(c.Now, c.Sleep)
	return b
}

// confirmedWrite is a call for a confirmed change.
var confirmedWrite = store.Call{Kind: store.WriteCall}

// callOf returns confirmedWrite or a read.
func callOf(write bool) store.Call {
	if write {
		return confirmedWrite
	}
	return store.Call{Kind: store.ReadCall}
}

// tryCall reports whether a call is granted without waiting.
func tryCall(t testing.TB, b *store.RateLimiter, write bool) bool {
	t.Helper()
	err := b.Wait(t.Context(), callOf(write))
	if err != nil && !errors.Is(err, errWouldWait) {
		t.Fatal(err)
	}
	return err == nil
}

// The rate limiters of two processes are compared with a simple count of the calls in each window.
func TestRateLimitWindows(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(false)
		limits := store.Limits{PerMinute: 10, PerHour: 40}
		limiters := []*store.RateLimiter{l.newLimiter(t, limits, c), l.newLimiter(t, limits, c)}
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
		var cases [4]int
		for range 600 {
			c.set(c.Now().Add(time.Duration(random.IntN(20)) * time.Second))
			write := random.IntN(3) == 0
			perMinute, perHour := 9, 34 // allowance of reads
			if write {
				perMinute, perHour = 10, 40
			}
			want := within(time.Minute) < perMinute && within(time.Hour) < perHour
			got := tryCall(t, limiters[random.IntN(2)], write)
			if got != want {
				t.Fatalf("at %v, write %v: granted %v with %d calls in the minute and %d in the hour",
					c.Now().Sub(noon), write, got, within(time.Minute), within(time.Hour))
			}
			if got {
				calls = append(calls, c.Now())
			}
			cases[2*boolToInt(write)+boolToInt(got)]++
		}
		if slices.Contains(cases[:], 0) {
			t.Errorf("not every case came up: %v", cases)
		}
	})
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestRateLimitEdges(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(false)
		b := l.newLimiter(t, store.Limits{PerMinute: 2, PerHour: 3}, c)
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
			if got := tryCall(t, b, true); got != step.want {
				t.Errorf("at %v: granted %v", step.at, got)
			}
		}
	})
}

// Each kind leaves free what is reserved for the kinds above it.
func TestRateLimitDefaultsAndReserves(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		for i, c := range []struct {
			limits               store.Limits
			reads, plans, writes int // granted at once, in this order
		}{
			{store.Limits{}, 85, 5, 10},
			{store.Limits{PerMinute: 1}, 1, 0, 0},
			{store.Limits{PerMinute: 5}, 4, 0, 1},
			{store.Limits{PerMinute: 100, PerHour: 20}, 17, 1, 2},
		} {
			clock := newClock(false)
			clock.set(noon.AddDate(0, 0, i)) // long after the case before
			b := l.newLimiter(t, c.limits, clock)
			granted := func(kind store.CallKind) (n int) {
				for ; ; n++ {
					switch err := b.Wait(t.Context(), store.Call{Kind: kind}); {
					case errors.Is(err, errWouldWait):
						return n
					case err != nil:
						t.Fatal(err)
					}
				}
			}
			reads, plans, writes := granted(store.ReadCall), granted(store.PlanCall), granted(store.WriteCall)
			if reads != c.reads || plans != c.plans || writes != c.writes {
				t.Errorf("%+v: %d reads, %d plans and %d writes", c.limits, reads, plans, writes)
			}
		}
	})
}

// As many concurrent calls as the limit allows: none waits, and none is counted twice.
func TestRateLimitGrantsAllWithinTheLimit(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		b := l.newLimiter(t, store.Limits{PerMinute: 64}, newClock(false))
		inParallel(64, func(int) {
			if err := b.Wait(t.Context(), confirmedWrite); err != nil {
				t.Error(err)
			}
		})
		if tryCall(t, b, true) {
			t.Error("a call was not counted")
		}
	})
}

func TestRateLimitHoldsForConcurrentCalls(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(false)
		limits := store.Limits{PerMinute: 10}
		limiters := []*store.RateLimiter{l.newLimiter(t, limits, c), l.newLimiter(t, limits, c)}
		var got atomic.Int64
		inParallel(32, func(i int) {
			switch err := limiters[i%2].Wait(t.Context(), confirmedWrite); {
			case err == nil:
				got.Add(1)
			case !errors.Is(err, errWouldWait):
				t.Error(err)
			}
		})
		if got.Load() > 10 {
			t.Errorf("%d calls were granted in a minute of 10", got.Load())
		}
		for tryCall(t, limiters[0], true) {
			got.Add(1)
		}
		if got.Load() != 10 {
			t.Errorf("%d calls could be made in a minute of 10", got.Load())
		}
	})
}

func TestRateLimitPause(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(false)
		b, other := l.newLimiter(t, store.Limits{}, c), l.newLimiter(t, store.Limits{}, c)
		must(t, b.PauseUntil(t.Context(), noon.Add(30*time.Second)))
		must(t, other.PauseUntil(t.Context(), noon.Add(10*time.Second))) // does not end the longer one
		for _, step := range []struct {
			at   time.Duration
			want bool
		}{{0, false}, {29 * time.Second, false}, {30 * time.Second, true}} {
			c.set(noon.Add(step.at))
			for _, write := range []bool{true, false} {
				if got := tryCall(t, other, write); got != step.want {
					t.Errorf("at %v, write %v: granted %v", step.at, write, got)
				}
			}
		}
		must(t, b.PauseUntil(t.Context(), noon.AddDate(10, 0, 0))) // no response can block calls for ever
		c.set(noon.Add(30*time.Second + time.Hour - time.Microsecond))
		if tryCall(t, other, true) {
			t.Error("granted within the hour")
		}
		c.set(noon.Add(30*time.Second + time.Hour))
		if !tryCall(t, other, true) {
			t.Error("still paused after an hour")
		}
	})
}

// A clock that was ahead, and is corrected, does not block calls until the time it showed.
func TestRateLimitSurvivesAWrongClock(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(false)
		b := l.newLimiter(t, store.Limits{PerMinute: 2}, c)
		c.set(noon.AddDate(1, 0, 0))
		for tryCall(t, b, true) {
		}
		must(t, b.PauseUntil(t.Context(), noon.AddDate(1, 0, 1)))
		c.set(noon)
		if !tryCall(t, b, true) {
			t.Error("blocked by calls of next year")
		}
		must(t, b.PauseUntil(t.Context(), noon.Add(time.Minute)))
		if tryCall(t, b, true) {
			t.Error("the pause of today did not replace that of next year")
		}
	})
}

func TestRateLimitDeletesOldCalls(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(false)
		b := l.newLimiter(t, store.Limits{PerMinute: 3, PerHour: 5}, c)
		for i := range 12 {
			c.set(noon.Add(time.Duration(i) * time.Hour))
			if !tryCall(t, b, true) {
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
