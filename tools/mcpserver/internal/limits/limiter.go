package limits

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Times after which a caller that was refused for want of a slot should try again: requests end soon, and approvers
// take their time.
const (
	slotRetry    = time.Second
	waitingRetry = 10 * time.Second
)

// Limiter bounds callers. Create it with New. It is safe for concurrent use.
type Limiter struct {
	bounds Bounds
	now    func() time.Time
	report func(Limit) // receives every refusal

	mu   sync.Mutex
	seen [2]seenCaller // the two callers of TakeShared that were seen last, the last one first
	all  *usage
	busy map[string]*usage              // callers that occupy slots
	idle *simplelru.LRU[string, *usage] // other callers
}

// New returns a Limiter. report receives the limit of each refusal and must not block; nil ignores them. now may be
// nil and means time.Now.
func New(bounds Bounds, report func(Limit), now func() time.Time) *Limiter {
	if report == nil {
		report = func(Limit) {}
	}
	if now == nil {
		now = time.Now
	}
	idle, err := simplelru.NewLRU[string, *usage](recentCallers, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Limiter{bounds: bounds, now: now, report: report, all: newUsage(""), busy: map[string]*usage{}, idle: idle}
}

// Acquire occupies n slots of a limit until release is called. It returns an *Error if they are not free.
func (l *Limiter) Acquire(caller string, limit Limit, n int) (release func(), err error) {
	bound, bounded := l.bounds.Slots[limit]
	if !bounded {
		return func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u, retry := l.usageOf(caller), slotRetry
	if limit == Waiting {
		retry = waitingRetry
	}
	for _, side := range []struct {
		usage *usage
		bound int
	}{{u, bound.Caller}, {l.all, bound.All}} {
		if side.usage.slots[limit]+n > side.bound {
			return nil, l.reported(&Error{Limit: limit, All: side.usage == l.all, RetryAfter: retry})
		}
	}
	l.occupy(u, limit, n)
	return sync.OnceFunc(func() { l.vacate(u, limit, n) }), nil
}

// Take uses n units of a quota. It returns an *Error, and uses none, if fewer are left. n must not exceed the burst.
func (l *Limiter) Take(caller string, limit Limit, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	refused := l.check(caller, limit, n)
	if refused == nil {
		l.charge(caller, limit, n)
	}
	return l.reported(refused)
}

// sharedFor is the time for which a caller counts as active after its last request.
const sharedFor = time.Minute

type seenCaller struct {
	caller string
	at     time.Time
}

// TakeShared is Take while other callers are active. A caller that has the server for itself slows nobody down, so it
// is not refused; its quota is used up nevertheless.
func (l *Limiter) TakeShared(caller string, limit Limit, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[0].caller != caller {
		l.seen[1] = l.seen[0]
	}
	l.seen[0] = seenCaller{caller, l.now()}
	alone := l.seen[1].at.IsZero() || l.now().Sub(l.seen[1].at) >= sharedFor
	refused := l.check(caller, limit, n)
	if refused == nil {
		l.charge(caller, limit, n)
	}
	if alone {
		return nil
	}
	return l.reported(refused)
}

// Check returns an *Error if no unit of a quota is left. Use it with Charge where the number of units is known only
// afterwards.
func (l *Limiter) Check(caller string, limit Limit) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reported(l.check(caller, limit, 1))
}

// Charge uses n units of a quota, even if fewer are left: the missing ones must be refilled before the next success.
func (l *Limiter) Charge(caller string, limit Limit, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.charge(caller, limit, n)
}

// maxDelay bounds the delay of an answer to a refused request.
const maxDelay = 2 * time.Second

// RefusalDelay returns the time to wait before a refused request is answered, so that a caller that repeats refused
// requests at once cannot use up the processor. ok is false if the caller sends so many that its connection should be
// closed.
func (l *Limiter) RefusalDelay(caller string) (delay time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bound, bounded := l.bounds.Quotas[refusals]
	if !bounded {
		return 0, true
	}
	own, all := l.usageOf(caller).bucket(refusals, bound.Caller), l.all.bucket(refusals, bound.All)
	delay = max(own.wait(l.now(), 1), all.wait(l.now(), 1))
	if delay > maxDelay {
		return maxDelay, false
	}
	own.charge(l.now(), 1)
	all.charge(l.now(), 1)
	return delay, true
}

// MayLog reports whether a refusal of the caller should be logged. It is true about once a minute.
func (l *Limiter) MayLog(caller string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bound := l.bounds.Quotas[logLines]
	own, all := l.usageOf(caller).bucket(logLines, bound.Caller), l.all.bucket(logLines, bound.All)
	if own.wait(l.now(), 1) > 0 || all.wait(l.now(), 1) > 0 {
		return false
	}
	own.charge(l.now(), 1)
	all.charge(l.now(), 1)
	return true
}

// Refuse reports a refusal that was decided elsewhere, and returns its *Error.
func (l *Limiter) Refuse(limit Limit, retryAfter time.Duration) error {
	return l.reported(&Error{Limit: limit, RetryAfter: retryAfter})
}

// reported reports a refusal and returns it, or nil for nil.
func (l *Limiter) reported(refused *Error) error {
	if refused == nil {
		return nil
	}
	l.report(refused.Limit)
	return refused
}

// check returns the refusal of n units of a quota, or nil.
func (l *Limiter) check(caller string, limit Limit, n int) *Error {
	bound, bounded := l.bounds.Quotas[limit]
	if !bounded {
		return nil
	}
	if wait := l.usageOf(caller).bucket(limit, bound.Caller).wait(l.now(), n); wait > 0 {
		return &Error{Limit: limit, RetryAfter: max(wait, time.Second)}
	}
	if wait := l.all.bucket(limit, bound.All).wait(l.now(), n); wait > 0 {
		return &Error{Limit: limit, All: true, RetryAfter: max(wait, time.Second)}
	}
	return nil
}

func (l *Limiter) charge(caller string, limit Limit, n int) {
	if bound, bounded := l.bounds.Quotas[limit]; bounded {
		l.usageOf(caller).bucket(limit, bound.Caller).charge(l.now(), n)
		l.all.bucket(limit, bound.All).charge(l.now(), n)
	}
}

// usageOf returns the usage of a caller, and starts it if the caller is not known.
func (l *Limiter) usageOf(caller string) *usage {
	if u, ok := l.busy[caller]; ok {
		return u
	}
	u, ok := l.idle.Get(caller)
	if !ok {
		u = newUsage(caller)
		l.idle.Add(caller, u)
	}
	return u
}

func (l *Limiter) occupy(u *usage, limit Limit, n int) {
	u.slots[limit] += n
	l.all.slots[limit] += n
	u.occupied++
	l.idle.Remove(u.caller)
	l.busy[u.caller] = u
}

func (l *Limiter) vacate(u *usage, limit Limit, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u.slots[limit] -= n
	l.all.slots[limit] -= n
	if u.occupied--; u.occupied == 0 {
		delete(l.busy, u.caller)
		l.idle.Add(u.caller, u)
	}
}
