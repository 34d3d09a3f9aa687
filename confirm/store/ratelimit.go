package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits bound the calls to Defender. Zero means 100 calls a minute and 1,500 an hour: every page of Microsoft's
// documentation of authenticated scans states these limits.
type Limits struct{ PerMinute, PerHour int }

// RateLimiter shares the call limits among all processes on this database, over a sliding minute and a sliding
// hour. A granted call counts even if it fails.
//
// Writes have priority over reads: reads leave a tenth of each window free. So a read is granted only where a
// write would not have to wait, and the last tenth is there for the write that a person has just confirmed. Within
// a process, callers of a kind are served in the order they came. Between processes the order is random.
type RateLimiter struct {
	db     *database
	limits Limits
	onWait func(ctx context.Context, d time.Duration)
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration) error

	queue waitQueue
}

// maxPause bounds how long one response of the service can block all calls. It is also the longest window.
const maxPause = time.Hour

// RateLimiter returns the rate limiter of this database. If a Wait takes longer than a second, it first calls
// onWait once with the expected duration; onWait may be nil.
func (s *Store) RateLimiter(l Limits, onWait func(ctx context.Context, d time.Duration)) *RateLimiter {
	if l.PerMinute <= 0 {
		l.PerMinute = 100
	}
	if l.PerHour <= 0 {
		l.PerHour = 1500
	}
	return &RateLimiter{db: s.database, limits: l, onWait: onWait, now: time.Now, sleep: sleepContext}
}

// Wait blocks until one call may be made, and counts it. If ctx ends first, it returns an error and counts
// nothing.
func (r *RateLimiter) Wait(ctx context.Context, write bool) error {
	c := &waiter{write: write}
	r.queue.addWaiter(c)
	defer r.queue.removeWaiter(c)
	for notified := false; ; {
		wait, err := r.tryTake(ctx, c)
		if err != nil {
			return fmt.Errorf("wait for the rate limit: %w", err)
		}
		if wait <= 0 {
			return nil
		}
		if wait > time.Second && !notified && r.onWait != nil {
			r.onWait(ctx, wait)
			notified = true
		}
		if err := r.sleep(ctx, wait); err != nil {
			return fmt.Errorf("wait for the rate limit: %w", err)
		}
	}
}

// PauseUntil blocks all processes until then, but for at most an hour. It is for the Retry-After of a 429. A
// shorter pause does not end a longer one.
func (r *RateLimiter) PauseUntil(ctx context.Context, until time.Time) error {
	latest := r.now().Add(maxPause)
	if until.After(latest) {
		until = latest
	}
	_, err := r.db.exec(ctx,
		`UPDATE budget SET paused = $1 WHERE one = 1 AND (paused < $1 OR paused > $2)`, micros(until), micros(latest))
	if err != nil {
		return fmt.Errorf("store the pause of the rate limit: %w", err)
	}
	return nil
}

// tryTake counts the call of c and returns 0 if there is room for it and for the waiters before it. Otherwise it
// returns how long to wait. It reads and leaves the queue while it holds the database lock, so that no call is
// made room for twice.
func (r *RateLimiter) tryTake(ctx context.Context, c *waiter) (wait time.Duration, err error) {
	tx, err := r.db.beginTx(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.rollback()
	var taken, paused int64
	// The lock on this row serializes the callers of all processes.
	if err := tx.run(ctx, &statement{query: lockBudget, dest: []any{&taken, &paused}}); err != nil {
		return 0, err
	}
	now := r.now()
	inMinute, inHour, err := r.limitingCalls(ctx, tx, taken, c)
	if err != nil {
		return 0, err
	}
	wait = max(
		timeUntil(now, inMinute.Add(time.Minute), time.Minute),
		timeUntil(now, inHour.Add(time.Hour), time.Hour),
		timeUntil(now, fromMicros(paused), maxPause))
	if wait > 0 {
		return wait, nil
	}
	r.queue.removeWaiter(c)
	keep := int64(max(r.limits.PerMinute, r.limits.PerHour))
	return 0, tx.commit(ctx,
		&statement{query: insertCall, args: []any{taken, micros(now)}},
		&statement{query: deleteOldCalls, args: []any{taken - keep}},
		&statement{query: updateBudget, args: []any{taken + 1}})
}

// limitingCalls returns the times of the calls that must be older than a minute and an hour before c may be made.
// With a limit of n calls, that is the call n places back, counted from c with the waiters before it. If that call is
// not made yet, the newest one is used instead: the caller will try again. No call yet gives the zero time.
func (r *RateLimiter) limitingCalls(ctx context.Context, tx transaction, taken int64, c *waiter) (inMinute, inHour time.Time, err error) {
	n := taken + r.queue.waitingBefore(c)
	minute, hour := allowance(r.limits.PerMinute, c.write), allowance(r.limits.PerHour, c.write)
	var minuteAt, hourAt int64
	err = tx.run(ctx,
		&statement{query: selectCall, args: []any{min(n-minute, taken-1)}, dest: []any{&minuteAt}},
		&statement{query: selectCall, args: []any{min(n-hour, taken-1)}, dest: []any{&hourAt}})
	return fromMicros(minuteAt), fromMicros(hourAt), err
}

// timeUntil returns the duration from now to then, which is not positive if then is past. It returns 0 if then is
// further away than longest: it was written by a clock that has been set back since, and would block all callers
// for as long as that clock was wrong.
func timeUntil(now, then time.Time, longest time.Duration) time.Duration {
	if d := then.Sub(now); d <= longest {
		return d
	}
	return 0
}

// allowance returns how much of a limit may be used. Reads leave a tenth free, at least one call.
func allowance(limit int, write bool) int64 {
	if write || limit == 1 {
		return int64(limit)
	}
	return int64(limit - max(1, limit/10))
}

// waitQueue holds the waiting calls of this process, in the order they came.
type waitQueue struct {
	mu      sync.Mutex
	waiters []*waiter
}

type waiter struct{ write bool }

func (l *waitQueue) addWaiter(c *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters = append(l.waiters, c)
}

func (l *waitQueue) removeWaiter(c *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters = slices.DeleteFunc(l.waiters, func(other *waiter) bool { return other == c })
}

// waitingBefore returns how many waiters go before c: earlier ones of the same kind and, before a read, every
// write.
func (l *waitQueue) waitingBefore(c *waiter) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	earlier := true
	for _, other := range l.waiters {
		switch {
		case other == c:
			earlier = false
		case other.write == c.write && earlier, other.write && !c.write:
			n++
		}
	}
	return n
}
