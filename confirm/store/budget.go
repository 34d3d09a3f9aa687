package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits of the service; zero means 100 calls a minute and 1,500 an hour, which every page of Microsoft's
// documentation of authenticated scans states.
type Limits struct{ PerMinute, PerHour int }

// Budget shares the call limits among all processes on this ledger, over a sliding minute and a sliding hour.
// A call granted counts, whatever becomes of it.
//
// Writes go ahead of reads: a read leaves a tenth of each window free. So a read is granted only where a
// write would not have to wait, and the last tenth is there for the write that a person has just confirmed.
// Within a process, callers of a kind are served in the order they came; between processes chance decides.
type Budget struct {
	db      database
	limits  Limits
	waiting func(ctx context.Context, d time.Duration)
	now     func() time.Time
	sleep   func(ctx context.Context, d time.Duration) error

	line line
}

// longestPause bounds what one answer of the service can do to everybody, and is the longest window.
const longestPause = time.Hour

// Budget returns the call budget. Each call of Take that has to wait for more than a second tells waiting,
// when that is not nil, once and beforehand for how long.
func (s *Store) Budget(l Limits, waiting func(ctx context.Context, d time.Duration)) *Budget {
	if l.PerMinute <= 0 {
		l.PerMinute = 100
	}
	if l.PerHour <= 0 {
		l.PerHour = 1500
	}
	return &Budget{db: s.database, limits: l, waiting: waiting, now: time.Now, sleep: pause}
}

// Take waits until one call may be made, and counts it. It fails when ctx ends first; then nothing is counted.
func (b *Budget) Take(ctx context.Context, write bool) error {
	c := &caller{write: write}
	b.line.join(c)
	defer b.line.leave(c)
	for told := false; ; {
		wait, err := b.try(ctx, c)
		if err != nil {
			return fmt.Errorf("take a call from the budget: %w", err)
		}
		if wait <= 0 {
			return nil
		}
		if wait > time.Second && !told && b.waiting != nil {
			b.waiting(ctx, wait)
			told = true
		}
		if err := b.sleep(ctx, wait); err != nil {
			return fmt.Errorf("wait for the call budget: %w", err)
		}
	}
}

// Pause makes every process wait until then, an hour at most: the Retry-After of a 429. A shorter pause does
// not end a longer one.
func (b *Budget) Pause(ctx context.Context, until time.Time) error {
	latest := b.now().Add(longestPause)
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

// errNotYet drops a transaction that had only to look.
var errNotYet = errors.New("not yet")

// try counts the call of c if there is room for it and for those ahead of it; otherwise it returns how long to
// wait. Who is ahead is asked, and c leaves the line, under the lock: nobody makes room for a call twice.
func (b *Budget) try(ctx context.Context, c *caller) (wait time.Duration, err error) {
	err = b.db.transact(ctx, func(tx *sql.Tx) error {
		var taken, paused int64
		// The lock on this row is what puts the takers of all processes in order.
		lock := `UPDATE budget SET taken = taken WHERE one = 1 RETURNING taken, paused`
		if err := tx.QueryRowContext(ctx, lock).Scan(&taken, &paused); err != nil {
			return err
		}
		now, n := b.now(), taken+b.line.ahead(c)
		wait = until(now, fromMicros(paused), longestPause)
		for _, w := range b.windows(c.write) {
			free, err := w.free(ctx, tx, n, taken)
			if err != nil {
				return err
			}
			wait = max(wait, until(now, free, w.length))
		}
		if wait > 0 {
			return errNotYet
		}
		b.line.leave(c)
		return b.count(ctx, tx, taken, now)
	})
	if errors.Is(err, errNotYet) {
		return wait, nil
	}
	return 0, err
}

// until is the wait from now to a moment that can be at most longest away. A later one was written by a
// clock that has been set back since: it would block everybody for as long as that clock was wrong.
func until(now, then time.Time, longest time.Duration) time.Duration {
	if d := then.Sub(now); d <= longest {
		return d
	}
	return 0
}

// count records call number n, and forgets those that no window reaches any more.
func (b *Budget) count(ctx context.Context, tx *sql.Tx, n int64, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO budget_call (n, at) VALUES ($1, $2)`, n, micros(now)); err != nil {
		return err
	}
	keep := int64(max(b.limits.PerMinute, b.limits.PerHour))
	if _, err := tx.ExecContext(ctx, `DELETE FROM budget_call WHERE n <= $1`, n-keep); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE budget SET taken = $1 WHERE one = 1`, n+1)
	return err
}

// window is one of the service's limits.
type window struct {
	length time.Duration
	calls  int64
}

func (b *Budget) windows(write bool) [2]window {
	return [2]window{
		{time.Minute, share(b.limits.PerMinute, write)},
		{time.Hour, share(b.limits.PerHour, write)},
	}
}

// share is how much of a limit may be used; reads leave a tenth, at least one call.
func share(limit int, write bool) int64 {
	if write || limit == 1 {
		return int64(limit)
	}
	return int64(limit - max(1, limit/10))
}

// free is when call number n may be made: once the call that it must not share the window with is a window
// ago. When that one itself is not made yet, the newest one has to do; the caller will look again.
func (w window) free(ctx context.Context, tx *sql.Tx, n, taken int64) (time.Time, error) {
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT at FROM budget_call WHERE n = $1`, min(n-w.calls, taken-1)).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return fromMicros(at).Add(w.length), err
}

// line is who waits in this process, in the order they came.
type line struct {
	mu      sync.Mutex
	callers []*caller
}

type caller struct{ write bool }

func (l *line) join(c *caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.callers = append(l.callers, c)
}

func (l *line) leave(c *caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.callers = slices.DeleteFunc(l.callers, func(other *caller) bool { return other == c })
}

// ahead counts those who go before c: whoever of the kind came earlier, and before a read every write.
func (l *line) ahead(c *caller) (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	earlier := true
	for _, other := range l.callers {
		switch {
		case other == c:
			earlier = false
		case other.write == c.write && earlier, other.write && !c.write:
			n++
		}
	}
	return n
}
