package entra

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	maxAttempts       = 3                      // requests for one token when the failures are passing ones
	attemptTimeout     = 10 * time.Second       // for one of them, discovery included
	maxRetryWait = 10 * time.Second       // a longer Retry-After is left to the caller
	initialBackoff     = 200 * time.Millisecond // before the second try; doubles, and as much again is jitter

	expiryMargin       = 5 * time.Minute // before its end MSAL lets go of a token
	refreshRetryDelay = time.Minute     // after an early refresh that failed
)

// cachedToken is the token that MSAL last gave.
type cachedToken struct {
	token Token
	renewAt time.Time // when to call MSAL again
}

// newCachedToken takes the result of any of MSAL's clients: they share the type.
func newCachedToken(r public.AuthResult) (*cachedToken, *Error) {
	now := time.Now()
	if !r.ExpiresOn.After(now) {
		return nil, expiredError(now)
	}
	until := r.ExpiresOn.Add(-expiryMargin)
	if refresh := r.Metadata.RefreshOn; !refresh.IsZero() {
		// A time gone by means that MSAL has just failed to refresh, and kept a token that is still good.
		if soon := now.Add(refreshRetryDelay); refresh.Before(soon) {
			refresh = soon
		}
		if refresh.Before(until) {
			until = refresh
		}
	}
	return &cachedToken{token: Token{Text: r.AccessToken, Expires: r.ExpiresOn}, renewAt: until}, nil
}

// isUsable reports whether there is a token to hand out without asking MSAL.
func (s *cachedToken) isUsable() bool { return s != nil && time.Now().Before(s.renewAt) }

// retryTransient tries again while the failure is a passing one and the wait bearable; MSAL itself never does.
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

// sleepContext reports whether the whole of d has passed before ctx ended.
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
