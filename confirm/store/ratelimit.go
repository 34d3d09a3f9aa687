package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits of the service; zero means 100 calls a minute and 1,500 an hour, which every page of Microsoft's
// documentation of authenticated scans states.
type Limits struct{ PerMinute, PerHour int }

// RateLimiter shares the call limits among all processes on this ledger, over a sliding minute and a sliding hour.
// A call granted counts, whatever becomes of it.
//
// Writes go ahead of reads: a read leaves a tenth of each window free. So a read is granted only where a
// write would not have to wait, and the last tenth is there for the write that a person has just confirmed.
// Within a process, callers of a kind are served in the order they came; between processes chance decides.
type RateLimiter struct {
	db     *database
	limits Limits
	onWait func(ctx context.Context, d time.Duration)
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration) error

	queue waitQueue
}

// maxPause bounds what one answer of the service can do to everybody, and is the longest window.
const maxPause = time.Hour

// RateLimiter returns the call budget. Each call of Take that has to wait for more than a second tells waiting,
// when that is not nil, once and beforehand for how long.
func (s *Store) RateLimiter(l Limits, waiting func(ctx context.Context, d time.Duration)) *RateLimiter {
	if l.PerMinute <= 0 {
		l.PerMinute = 100
	}
	if l.PerHour <= 0 {
		l.PerHour = 1500
	}
	return &RateLimiter{db: s.database, limits: l, onWait: waiting, now: time.Now, sleep: sleepContext}
}

// Wait waits until one call may be made, and counts it. It fails when ctx ends first; then nothing is counted.
func (b *RateLimiter) Wait(ctx context.Context, write bool) error {
	c := &waiter{write: write}
	b.queue.addWaiter(c)
	defer b.queue.removeWaiter(c)
	for told := false; ; {
		wait, err := b.tryTake(ctx, c)
		if err != nil {
			return fmt.Errorf("take a call from the budget: %w", err)
		}
		if wait <= 0 {
			return nil
		}
		if wait > time.Second && !told && b.onWait != nil {
			b.onWait(ctx, wait)
			told = true
		}
		if err := b.sleep(ctx, wait); err != nil {
			return fmt.Errorf("wait for the call budget: %w", err)
		}
	}
}

// PauseUntil makes every process wait until then, an hour at most: the Retry-After of a 429. A shorter pause does
// not end a longer one.
func (b *RateLimiter) PauseUntil(ctx context.Context, until time.Time) error {
	latest := b.now().Add(maxPause)
	if until.After(latest) {
		until = latest
	}
	_, err := b.db.write.ExecContext(ctx,
		`UPDATE budget SET paused = $1 WHERE one = 1 AND (paused < $1 OR paused > $2)`, micros(until), micros(latest))
	if err != nil {
		return fmt.Errorf("pause the call budget: %w", err)
	}
	return nil
}

// tryTake counts the call of c if there is room for it and for those ahead of it; otherwise it returns how long to
// wait. Who is ahead is asked, and c leaves the line, under the lock: nobody makes room for a call twice.
func (b *RateLimiter) tryTake(ctx context.Context, c *waiter) (wait time.Duration, err error) {
	tx, err := b.db.beginTx(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.rollback()
	var taken, paused int64
	// The lock on this row is what puts the takers of all processes in order.
	if err := tx.run(ctx, &statement{query: lockBudget, dest: []any{&taken, &paused}}); err != nil {
		return 0, err
	}
	now := b.now()
	wait, err = b.waitTime(ctx, tx, now, taken, c)
	if err != nil {
		return 0, err
	}
	if wait = max(wait, timeUntil(now, fromMicros(paused), maxPause)); wait > 0 {
		return wait, nil
	}
	b.queue.removeWaiter(c)
	keep := int64(max(b.limits.PerMinute, b.limits.PerHour))
	return 0, tx.commit(ctx,
		&statement{query: insertCall, args: []any{taken, micros(now)}},
		&statement{query: deleteOldCalls, args: []any{taken - keep}},
		&statement{query: updateBudget, args: []any{taken + 1}})
}

// waitTime is how long the windows have no room for c and those ahead of it. For there to be room, the call that is
// as many back as a window has calls must have left it. When that one is not made yet, the newest one has to
// do: the caller will look again.
func (b *RateLimiter) waitTime(ctx context.Context, tx transaction, now time.Time, taken int64, c *waiter) (time.Duration, error) {
	n := taken + b.queue.waitingBefore(c)
	minute, hour := allowance(b.limits.PerMinute, c.write), allowance(b.limits.PerHour, c.write)
	var inMinute, inHour int64
	err := tx.run(ctx,
		&statement{query: selectCall, args: []any{min(n-minute, taken-1)}, dest: []any{&inMinute}},
		&statement{query: selectCall, args: []any{min(n-hour, taken-1)}, dest: []any{&inHour}})
	return max(
		timeUntil(now, fromMicros(inMinute).Add(time.Minute), time.Minute),
		timeUntil(now, fromMicros(inHour).Add(time.Hour), time.Hour),
	), err
}

// timeUntil is the wait from now to a moment that can be at most longest away. A later one was written by a
// clock that has been set back since: it would block everybody for as long as that clock was wrong.
func timeUntil(now, then time.Time, longest time.Duration) time.Duration {
	if d := then.Sub(now); d <= longest {
		return d
	}
	return 0
}

// allowance is how much of a limit may be used; reads leave a tenth, at least one call.
func allowance(limit int, write bool) int64 {
	if write || limit == 1 {
		return int64(limit)
	}
	return int64(limit - max(1, limit/10))
}

// waitQueue is who waits in this process, in the order they came.
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

// waitingBefore counts those who go before c: whoever of the kind came earlier, and before a read every write.
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
