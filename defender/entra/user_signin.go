package entra

import (
	"context"
	"errors"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// userTimeout bounds one sign-in of a user. Entra ID's codes expire after the same time.
const userTimeout = 15 * time.Minute

// signInFunc signs a user in for an attempt: signInWithDeviceCode or browserFlow.signIn. It calls a.instruct once, as
// soon as it knows what the user must do.
type signInFunc func(ctx context.Context, app *public.Client, a *signInAttempt) (public.AuthResult, *Error)

// signInAttempt is one sign-in of a user. The sources of all scopes share one attempt at a time. It continues
// no matter how many callers wait for it or leave.
type signInAttempt struct {
	scope, claims string
	instructed    chan struct{} // closed once instruction is set
	instruction   string
	done          chan struct{} // closed once problem is set
	problem       *Error
}

// signIn waits for a user's sign-in and starts one if none is in progress. It returns the request that remains
// to be made afterwards. The error is an [*Error], or ctx's own.
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

// instruct publishes what the user must do. The instruction continues the sentence "To sign in to Entra ID, ".
func (a *signInAttempt) instruct(instruction string) {
	a.instruction = instruction
	close(a.instructed)
}

// remaining returns the request that the sign-in has not satisfied. The token of its own scope is in the cache.
func (a *signInAttempt) remaining(scope string, req TokenRequest) (TokenRequest, error) {
	if a.problem != nil {
		return req, a.problem
	}
	if a.scope == scope && a.claims == req.Claims {
		return TokenRequest{}, nil
	}
	return req, nil
}

// pendingError returns the error for a caller that stops waiting before the sign-in ends.
func (a *signInAttempt) pendingError() *Error {
	select {
	case <-a.instructed:
		return &Error{OAuth: oauthPending, Temporary: true, Hint: a.instruction + ", then call again"}
	default:
		return noAnswerError()
	}
}

// joinAttempt returns the sign-in in progress, or starts one.
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

// runAttempt runs in a goroutine of its own. It ends with the sign-in, after userTimeout, or by close.
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

// signInWithNewClient signs a user in with a client of its own. Its cache then replaces p.cache, so that nothing
// of a refused sign-in is kept, nor of an earlier one.
func (p *userSignIn) signInWithNewClient(ctx context.Context, a *signInAttempt) *Error {
	var caught capturingCache
	app, problem := p.newClient(&caught)
	if problem != nil {
		return problem
	}
	result, problem := p.start(ctx, app, a)
	if problem != nil {
		return problem
	}
	if _, problem := p.checkTenant(result); problem != nil {
		return problem
	}
	return p.cache.replaceAll(ctx, caught.content)
}

// close ends the sign-in in progress and waits for its end.
func (p *userSignIn) close() {
	p.mu.Lock()
	p.stop()
	p.mu.Unlock()
	p.attempts.Wait()
}

func stoppedError() *Error {
	return &Error{Hint: "the program is ending, and the sign-in with it: start it again and call again"}
}

// capturingCache is an MSAL cache that starts empty and keeps what was last written to it.
type capturingCache struct{ content []byte }

func (c *capturingCache) Replace(context.Context, cache.Unmarshaler, cache.ReplaceHints) error {
	return nil
}

func (c *capturingCache) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) (err error) {
	c.content, err = from.Marshal()
	return err
}

// signInTimeoutError returns an Error if err means that the user's time is over, and nil otherwise.
func signInTimeoutError(ctx context.Context, err error) *Error {
	if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return &Error{OAuth: oauthExpired, Hint: "the sign-in was not completed in time: call again to start a new one"}
}
