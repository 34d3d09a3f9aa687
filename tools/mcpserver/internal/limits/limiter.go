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
			return nil, l.refuse(limit, side.usage == l.all, retry)
		}
	}
	l.occupy(u, limit, n)
	return sync.OnceFunc(func() { l.vacate(u, limit, n) }), nil
}

// Take uses n units of a quota. It returns an *Error, and uses none, if fewer are left. n must not exceed the burst.
func (l *Limiter) Take(caller string, limit Limit, n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.check(caller, limit, n); err != nil {
		return err
	}
	l.charge(caller, limit, n)
	return nil
}

// Check returns an *Error if no unit of a quota is left. Use it with Charge where the number of units is known only
// afterwards.
func (l *Limiter) Check(caller string, limit Limit) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.check(caller, limit, 1)
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
		return 0, false
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
	return l.refuse(limit, false, retryAfter)
}

func (l *Limiter) refuse(limit Limit, all bool, retryAfter time.Duration) error {
	l.report(limit)
	return &Error{Limit: limit, All: all, RetryAfter: retryAfter}
}

func (l *Limiter) check(caller string, limit Limit, n int) error {
	bound, bounded := l.bounds.Quotas[limit]
	if !bounded {
		return nil
	}
	if wait := l.usageOf(caller).bucket(limit, bound.Caller).wait(l.now(), n); wait > 0 {
		return l.refuse(limit, false, max(wait, time.Second))
	}
	if wait := l.all.bucket(limit, bound.All).wait(l.now(), n); wait > 0 {
		return l.refuse(limit, true, max(wait, time.Second))
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
