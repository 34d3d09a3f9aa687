package entra

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	maxAttempts    = 3                      // requests for one token while failures are temporary
	attemptTimeout = 10 * time.Second       // for one request, discovery included
	maxRetryWait   = 10 * time.Second       // a longer Retry-After is returned to the caller
	initialBackoff = 200 * time.Millisecond // before the second attempt; doubles each time, with as much jitter again
)

// retryTransient calls call until it succeeds, fails permanently or the next wait is too long. MSAL itself
// never retries.
func retryTransient(ctx context.Context, call func(context.Context) (*cachedToken, *Error)) (*cachedToken, *Error) {
	for try := 0; ; try++ {
		next, problem := attemptOnce(ctx, call)
		if problem == nil {
			return next, nil
		}
		wait := max(problem.RetryAfter, initialBackoff<<try+rand.N(initialBackoff))
		if !problem.Temporary || try+1 == maxAttempts || wait > maxRetryWait || !sleepContext(ctx, wait) {
			return nil, problem
		}
	}
}

func attemptOnce(ctx context.Context, call func(context.Context) (*cachedToken, *Error)) (*cachedToken, *Error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return call(ctx)
}

// sleepContext waits for d and reports whether it passed in full before ctx ended.
func sleepContext(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
