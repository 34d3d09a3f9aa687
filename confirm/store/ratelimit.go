package store

import (
	"context"
	"fmt"
	"time"
)

// Limits bound the calls to Defender. Zero means 100 calls a minute and 1,500 an hour: every page of Microsoft's
// documentation of authenticated scans states these limits.
type Limits struct{ PerMinute, PerHour int }

// Call describes a call to Defender that waits for its turn.
type Call struct {
	Caller string // the principal that waits for it; "" is the server itself
	Kind   CallKind
}

// CallKind determines the priority of a call. A call waits for all calls of a higher kind.
type CallKind int

// The kinds of calls, by rising priority.
const (
	ReadCall  CallKind = iota // answers a question
	PlanCall                  // reads what a proposal is planned from
	WriteCall                 // belongs to a confirmed change: the write, or a read directly before it
	callKinds
)

// RateLimiter shares the call limits among all processes on this database, over a sliding minute and a sliding
// hour. A granted call counts even if it fails.
//
// Each window has a reserve: reads and plans leave a tenth of it free for confirmed changes, and reads leave another
// twentieth free for plans. So one caller's reads never delay a proposal, or a change that an approver has just
// confirmed. Within a process and a kind, callers take turns: a caller with many waiting calls delays another caller by
// one call for each of that caller's own. Between processes the order is random.
type RateLimiter struct {
	db     *database
	limits Limits
	onWait func(ctx context.Context, d time.Duration)
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration) error

	queue waitQueue
}

const (
	// maxPause bounds how long one response of the service can block all calls. It is also the longest window.
	maxPause = time.Hour
	// reportedWait is the shortest wait that is reported.
	reportedWait = time.Second
)

// RateLimiter returns the rate limiter of this database. If a Wait takes longer than a second, it first calls
// onWait with the expected duration, and again if other calls are let in before; onWait may be nil.
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
func (r *RateLimiter) Wait(ctx context.Context, call Call) error {
	w := r.queue.addWaiter(call)
	defer r.queue.leave(w)
	for reported := (time.Time{}); ; {
		wait, err := r.takeOrRetry(ctx, w)
		if err != nil {
			return fmt.Errorf("wait for the rate limit: %w", explainError(err))
		}
		if wait <= 0 {
			return nil
		}
		if end := r.now().Add(wait); wait > reportedWait && end.After(reported.Add(reportedWait)) && r.onWait != nil {
			r.onWait(ctx, wait)
			reported = end
		}
		if err := r.sleep(ctx, wait); err != nil {
			return fmt.Errorf("wait for the rate limit: %w", err)
		}
	}
}

// takeOrRetry is tryTake, repeated while the database cannot be reached for a moment. If the answer to the commit was
// lost, the call may be counted twice: that delays a later call, while an error would fail a confirmed change.
func (r *RateLimiter) takeOrRetry(ctx context.Context, w *waiter) (wait time.Duration, err error) {
	err = retryTransient(ctx, func() error {
		wait, err = r.tryTake(ctx, w)
		return err
	})
	return wait, err
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

// tryTake counts the call of w and returns 0 if there is room for it and for the waiters before it. Otherwise it
// returns how long to wait. It reads and leaves the queue while it holds the database lock, so that no call is
// made room for twice.
func (r *RateLimiter) tryTake(ctx context.Context, w *waiter) (wait time.Duration, err error) {
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
	inMinute, inHour, err := r.limitingCalls(ctx, tx, taken, w)
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
	r.queue.serve(w)
	keep := int64(max(r.limits.PerMinute, r.limits.PerHour))
	err = tx.commit(ctx,
		&statement{query: insertCall, args: []any{taken, micros(now)}},
		&statement{query: deleteOldCalls, args: []any{taken - keep}},
		&statement{query: updateBudget, args: []any{taken + 1}})
	if err != nil {
		r.queue.restore(w)
	}
	return 0, err
}

// limitingCalls returns the times of the calls that must be older than a minute and an hour before w's call may be
// made. With a limit of n calls, that is the call n places back, counted from w with the waiters before it. If that call
// is not made yet, the newest one is used instead: the caller will try again. No call yet gives the zero time.
func (r *RateLimiter) limitingCalls(ctx context.Context, tx transaction, taken int64, w *waiter) (inMinute, inHour time.Time, err error) {
	n := taken + r.queue.waitingBefore(w)
	minute, hour := allowance(r.limits.PerMinute, w.call.Kind), allowance(r.limits.PerHour, w.call.Kind)
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

// allowance returns how much of a limit the calls of a kind may use. It is at least one call.
func allowance(limit int, kind CallKind) int64 {
	forWrites, forPlans := max(1, limit/10), limit/20
	switch kind {
	case WriteCall:
		return int64(limit)
	case PlanCall:
		return int64(max(1, limit-forWrites))
	}
	return int64(max(1, limit-forWrites-forPlans))
}
