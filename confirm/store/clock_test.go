package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

var errWouldWait = errors.New("it would wait")

// clock is a time that tests control. Sleep fails with errWouldWait, unless blocking is set: then it blocks until
// the test wakes the sleeper.
type clock struct {
	mu       sync.Mutex
	now      time.Time
	blocking bool
	sleepers []sleeper
	more     sync.Cond
}

type sleeper struct {
	until time.Time
	wake  chan struct{}
}

func newClock(keep bool) *clock {
	c := &clock{now: noon, blocking: keep}
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
	if !c.blocking {
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
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sleepers = slices.DeleteFunc(c.sleepers, func(other sleeper) bool { return other.wake == s.wake })
		c.more.Broadcast()
		return ctx.Err()
	}
}

// await waits until ready returns true. ready is called with the lock held, whenever something has changed.
func (c *clock) await(ready func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ready() {
		c.more.Wait()
	}
}

// note calls do with the lock held.
func (c *clock) note(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
	c.more.Broadcast()
}

// wakeEarliest wakes the sleeper that wants to wake first, and advances the time to its wake-up time.
func (c *clock) wakeEarliest() {
	c.mu.Lock()
	earliest := 0
	for i, s := range c.sleepers {
		if s.until.Before(c.sleepers[earliest].until) {
			earliest = i
		}
	}
	c.mu.Unlock()
	c.wakeSleeper(earliest)
}

// waitSleepers waits for n sleepers and returns when each wants to wake, in the order of their calls.
func (c *clock) waitSleepers(n int) (wanted []time.Duration) {
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

// wakeSleeper wakes the sleeper at this index and advances the time to its wake-up time.
func (c *clock) wakeSleeper(place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sleepers[place]
	c.sleepers = slices.Delete(c.sleepers, place, place+1)
	if c.now.Before(s.until) {
		c.now = s.until
	}
	close(s.wake)
}

// wakeEarly wakes the sleeper at this index without advancing the time.
func (c *clock) wakeEarly(place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.sleepers[place].wake)
	c.sleepers = slices.Delete(c.sleepers, place, place+1)
}
