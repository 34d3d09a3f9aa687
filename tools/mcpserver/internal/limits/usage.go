package limits

import (
	"time"

	"golang.org/x/time/rate"
)

// usage is what one caller, or all callers together, have taken.
type usage struct {
	caller   string
	occupied int // calls of Acquire that are not released
	slots    map[Limit]int
	buckets  map[Limit]*bucket
}

func newUsage(caller string) *usage {
	return &usage{caller: caller, slots: map[Limit]int{}, buckets: map[Limit]*bucket{}}
}

// bucket returns the bucket of a quota. It is full at first.
func (u *usage) bucket(limit Limit, q Quota) *bucket {
	b, ok := u.buckets[limit]
	if !ok {
		perSecond := rate.Limit(float64(q.Burst) / q.Refill.Seconds())
		b = &bucket{tokens: rate.NewLimiter(perSecond, q.Burst), burst: q.Burst}
		u.buckets[limit] = b
	}
	return b
}

// bucket is a token bucket that can be in debt.
type bucket struct {
	tokens *rate.Limiter
	burst  int
}

// wait returns the time until n tokens are there; 0 if they are.
func (b *bucket) wait(now time.Time, n int) time.Duration {
	missing := float64(n) - b.tokens.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(b.tokens.Limit()) * float64(time.Second))
}

// charge removes n tokens, in parts, because rate accepts no more than the burst at once.
func (b *bucket) charge(now time.Time, n int) {
	for ; n > 0; n -= b.burst {
		b.tokens.ReserveN(now, min(n, b.burst))
	}
}
