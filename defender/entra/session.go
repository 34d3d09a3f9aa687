package entra

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	tries       = 3                      // requests for one token when the failures are passing ones
	tryTime     = 10 * time.Second       // for one of them, discovery included
	longestWait = 10 * time.Second       // a longer Retry-After is left to the caller
	backoff     = 200 * time.Millisecond // before the second try; doubles, and as much again is jitter

	margin       = 5 * time.Minute // before its end MSAL lets go of a token
	refreshPause = time.Minute     // after an early refresh that failed
)

// session is the token that MSAL last gave.
type session struct {
	token Token
	until time.Time // when to ask MSAL again
}

// newSession takes the result of any of MSAL's clients: they share the type.
func newSession(r public.AuthResult) (*session, *Error) {
	now := time.Now()
	if !r.ExpiresOn.After(now) {
		return nil, expired(now)
	}
	until := r.ExpiresOn.Add(-margin)
	if refresh := r.Metadata.RefreshOn; !refresh.IsZero() {
		// A time gone by means that MSAL has just failed to refresh, and kept a token that is still good.
		if soon := now.Add(refreshPause); refresh.Before(soon) {
			refresh = soon
		}
		if refresh.Before(until) {
			until = refresh
		}
	}
	return &session{token: Token{Text: r.AccessToken, Expires: r.ExpiresOn}, until: until}, nil
}

// good reports whether there is a token to hand out without asking MSAL.
func (s *session) good() bool { return s != nil && time.Now().Before(s.until) }

// patiently tries again while the failure is a passing one and the wait bearable; MSAL itself never does.
func patiently(ctx context.Context, ask func(context.Context) (*session, *Error)) (*session, *Error) {
	for try := 0; ; try++ {
		next, problem := once(ctx, ask)
		if problem == nil {
			return next, nil
		}
		wait := max(problem.RetryAfter, backoff<<try+rand.N(backoff))
		if !problem.Temporary || try+1 == tries || wait > longestWait || !pause(ctx, wait) {
			return nil, problem
		}
	}
}

func once(ctx context.Context, ask func(context.Context) (*session, *Error)) (*session, *Error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return ask(ctx)
}

// pause reports whether the whole of d has passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
