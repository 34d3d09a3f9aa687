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

// Callers of a kind are served in the order they came, and each gets the true duration of its wait.
func TestRateLimitIsFair(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		c := newClock(true)
		waits := make(chan time.Duration, 10)
		b := l.openStore(t).RateLimiter(store.Limits{PerMinute: 3}, func(_ context.Context, d time.Duration) { waits <- d })
		b.SetClock(c.Now, c.Sleep)
		for i := range 3 {
			c.set(noon.Add(time.Duration(i) * 10 * time.Second))
			must(t, b.Wait(t.Context(), true))
		}
		served := make(chan int, 3)
		for i := range 3 {
			go func() {
				if err := b.Wait(t.Context(), true); err != nil {
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
			must(t, b.Wait(t.Context(), true))
		}
		c.set(noon.Add(10 * time.Second))
		must(t, b.PauseUntil(t.Context(), noon.Add(30*time.Second)))
		var reads, writes sync.WaitGroup
		call := func(group *sync.WaitGroup, write bool) {
			group.Go(func() {
				if err := b.Wait(t.Context(), write); err != nil {
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
		must(t, b.Wait(t.Context(), true))
		must(t, b.Wait(t.Context(), true))
		c.set(noon.Add(119 * time.Second))
		must(t, b.Wait(t.Context(), true)) // waits a second: too short to be reported
		if !slices.Equal(waits, []time.Duration{time.Minute}) {
			t.Errorf("reported %v, want one minute once", waits)
		}
	})
}

func TestRateLimitCallerLeaves(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		b := l.openStore(t).RateLimiter(store.Limits{PerMinute: 1}, nil) // by the real clock
		must(t, b.Wait(t.Context(), true))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := b.Wait(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
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
