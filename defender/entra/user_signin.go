package entra

import (
	"context"
	"errors"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// userTimeout is how long a person may take. Entra ID's codes end after the same time.
const userTimeout = 15 * time.Minute

// signInFunc is how a person signs in: deviceCode or browser.signIn. It says once, as soon as it knows, what the person
// is to do; the words continue the sentence "To sign in to Entra ID, ".
type signInFunc func(ctx context.Context, app *public.Client, scope, claims string, instruct func(instruction string)) (public.AuthResult, *Error)

// signInAttempt is one sign-in of a person. There is one at a time, for the sources of all scopes, and it goes on
// however many callers wait for it or leave.
type signInAttempt struct {
	scope, claims string
	instructed          chan struct{} // closed once instruction is set
	instruction         string
	done          chan struct{} // closed once problem is set
	problem       *Error
}

// signIn waits for a person's sign-in, begun by whoever came first. It returns what is left to ask for
// afterwards. The error is an [*Error], or ctx's own.
func (p *userSignIn) signIn(ctx context.Context, scope string, req TokenRequest) (TokenRequest, error) {
	a, problem := p.joinAttempt(scope, req.Claims)
	if problem != nil {
		return req, problem
	}
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	for said := a.instructed; ; {
		select {
		case <-said:
			said = nil
			p.prompt(ctx, "To sign in to Entra ID, "+a.instruction+"."+p.cache.storageHint())
		case <-a.done:
			return a.remaining(scope, req)
		case <-timer.C:
			return req, a.pendingError()
		case <-ctx.Done():
			return req, ctx.Err()
		}
	}
}

// remaining is what the sign-in has not brought already: its own token is on the shelf.
func (a *signInAttempt) remaining(scope string, req TokenRequest) (TokenRequest, error) {
	if a.problem != nil {
		return req, a.problem
	}
	if a.scope == scope && a.claims == req.Claims {
		return TokenRequest{}, nil
	}
	return req, nil
}

// pendingError tells a caller whose patience has ended.
func (a *signInAttempt) pendingError() *Error {
	select {
	case <-a.instructed:
		return &Error{OAuth: oauthPending, Temporary: true, Hint: a.instruction + ", then call again"}
	default:
		return noAnswerError()
	}
}

// joinAttempt returns the sign-in that is under way, or begins one.
func (p *userSignIn) joinAttempt(scope, claims string) (*signInAttempt, *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lifetime.Err() != nil {
		return nil, stoppedError()
	}
	if p.attempt == nil {
		p.attempt = &signInAttempt{scope: scope, claims: claims, instructed: make(chan struct{}), done: make(chan struct{})}
		a := p.attempt
		p.attempts.Go(func() { p.runAttempt(a) })
	}
	return p.attempt, nil
}

// runAttempt is the goroutine of an attempt: it ends with the sign-in, after personTime, or by close.
func (p *userSignIn) runAttempt(a *signInAttempt) {
	ctx, cancel := context.WithTimeout(p.lifetime, userTimeout)
	defer cancel()
	problem := p.signInWithNewClient(ctx, a)
	if problem != nil && p.lifetime.Err() != nil {
		problem = stoppedError()
	}
	p.mu.Lock()
	a.problem, p.attempt = problem, nil
	p.mu.Unlock()
	close(a.done)
}

// signInWithNewClient signs a person in with a client of its own, whose cache then takes the shelf's place: so nothing of a
// refused sign-in is kept, and nothing of one before it.
func (p *userSignIn) signInWithNewClient(ctx context.Context, a *signInAttempt) *Error {
	var caught capturingCache
	app, problem := p.newClient(&caught)
	if problem != nil {
		return problem
	}
	result, problem := p.start(ctx, app, a.scope, a.claims, func(instruction string) {
		a.instruction = instruction
		close(a.instructed)
	})
	if problem != nil {
		return problem
	}
	if _, problem := p.checkTenant(result); problem != nil {
		return problem
	}
	return p.cache.replaceAll(ctx, caught.content)
}

// close ends the sign-in under way, and waits for its end.
func (p *userSignIn) close() {
	p.mu.Lock()
	p.stop()
	p.mu.Unlock()
	p.attempts.Wait()
}

func stoppedError() *Error {
	return &Error{Hint: "the program is ending, and the sign-in with it: start it again and call again"}
}

// capturingCache is a cache of MSAL's that begins empty and gives away what was last written to it.
type capturingCache struct{ content []byte }

func (c *capturingCache) Replace(context.Context, cache.Unmarshaler, cache.ReplaceHints) error { return nil }

func (c *capturingCache) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) (err error) {
	c.content, err = from.Marshal()
	return err
}

// signInTimeoutError explains that err is the end of a person's time, nil when it is not.
func signInTimeoutError(ctx context.Context, err error) *Error {
	if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return &Error{OAuth: oauthExpired, Hint: "nobody signed in within the time for it: call again to begin anew"}
}
