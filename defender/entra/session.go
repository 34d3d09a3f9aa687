package entra

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

const (
	tries       = 3                      // requests for one token when the failures are passing ones
	tryTime     = 10 * time.Second       // for one of them, discovery included
	longestWait = 10 * time.Second       // a longer Retry-After is left to the caller
	backoff     = 200 * time.Millisecond // before the second try; doubles, and as much again is jitter

	margin       = 5 * time.Minute // before its end MSAL lets go of a token
	refreshPause = time.Minute     // after an early refresh that failed
)

// session is a sign-in client and the token it last gave.
type session struct {
	app   *confidential.Client
	token string
	until time.Time // when to ask the client again
}

func newSession(app *confidential.Client, r confidential.AuthResult) *session {
	until := r.ExpiresOn.Add(-margin)
	if refresh := r.Metadata.RefreshOn; !refresh.IsZero() {
		// A time gone by means that MSAL has just failed to refresh, and kept a token that is still good.
		if soon := time.Now().Add(refreshPause); refresh.Before(soon) {
			refresh = soon
		}
		if refresh.Before(until) {
			until = refresh
		}
	}
	return &session{app: app, token: r.AccessToken, until: until}
}

// good reports whether there is a token to hand out without asking MSAL.
func (s *session) good() bool { return s != nil && time.Now().Before(s.until) }

// newApp makes a sign-in client; it makes no call.
func (s *Source) newApp() (*confidential.Client, *Error) {
	cred, err := s.credential()
	if err != nil {
		return nil, &Error{Hint: err.Error()}
	}
	app, err := confidential.New(s.authority, s.clientID, cred,
		confidential.WithHTTPClient(s.http),
		confidential.WithInstanceDiscovery(s.discovery),
		// Else MSAL obeys MSAL_FORCE_REGION, which would redirect the sign-in behind the configuration's back.
		confidential.WithAzureRegion("DisableMsalForceRegion"))
	if err != nil {
		return nil, explain(err)
	}
	return &app, nil
}

// acquire tries again while the failure is a passing one and the wait bearable; MSAL itself never does.
func (s *Source) acquire(ctx context.Context, app *confidential.Client) (*session, *Error) {
	for try := 0; ; try++ {
		next, problem := s.ask(ctx, app)
		if problem == nil {
			return next, nil
		}
		wait := max(problem.RetryAfter, backoff<<try+rand.N(backoff))
		if !problem.Temporary || try+1 == tries || wait > longestWait || !pause(ctx, wait) {
			return nil, problem
		}
	}
}

func (s *Source) ask(ctx context.Context, app *confidential.Client) (*session, *Error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	result, err := app.AcquireTokenByCredential(ctx, s.scopes)
	if err != nil {
		problem := explain(err)
		if problem.Status == 0 && ctx.Err() != nil {
			problem = silence() // whatever words the connection found for its end
		}
		return nil, problem
	}
	return newSession(app, result), nil
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
