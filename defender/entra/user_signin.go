package entra

import (
	"context"
	"errors"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// personTime is how long a person may take. Entra ID's codes end after the same time.
const personTime = 15 * time.Minute

// way is how a person signs in: deviceCode or browser.signIn. It says once, as soon as it knows, what the person
// is to do; the words continue the sentence "To sign in to Entra ID, ".
type way func(ctx context.Context, app *public.Client, scope, claims string, say func(words string)) (public.AuthResult, *Error)

// attempt is one sign-in of a person. There is one at a time, for the sources of all scopes, and it goes on
// however many callers wait for it or leave.
type attempt struct {
	scope, claims string
	said          chan struct{} // closed once words is set
	words         string
	done          chan struct{} // closed once problem is set
	problem       *Error
}

// signIn waits for a person's sign-in, begun by whoever came first. It returns what is left to ask for
// afterwards. The error is an [*Error], or ctx's own.
func (p *person) signIn(ctx context.Context, scope string, ask TokenRequest) (TokenRequest, error) {
	a, problem := p.join(scope, ask.Claims)
	if problem != nil {
		return ask, problem
	}
	timer := time.NewTimer(p.patience)
	defer timer.Stop()
	for said := a.said; ; {
		select {
		case <-said:
			said = nil
			p.prompt(ctx, "To sign in to Entra ID, "+a.words+"."+p.shelf.note())
		case <-a.done:
			return a.rest(scope, ask)
		case <-timer.C:
			return ask, a.unfinished()
		case <-ctx.Done():
			return ask, ctx.Err()
		}
	}
}

// rest is what the sign-in has not brought already: its own token is on the shelf.
func (a *attempt) rest(scope string, ask TokenRequest) (TokenRequest, error) {
	if a.problem != nil {
		return ask, a.problem
	}
	if a.scope == scope && a.claims == ask.Claims {
		return TokenRequest{}, nil
	}
	return ask, nil
}

// unfinished tells a caller whose patience has ended.
func (a *attempt) unfinished() *Error {
	select {
	case <-a.said:
		return &Error{OAuth: pending, Temporary: true, Hint: a.words + ", then call again"}
	default:
		return silence()
	}
}

// join returns the sign-in that is under way, or begins one.
func (p *person) join(scope, claims string) (*attempt, *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life.Err() != nil {
		return nil, stopped()
	}
	if p.attempt == nil {
		p.attempt = &attempt{scope: scope, claims: claims, said: make(chan struct{}), done: make(chan struct{})}
		a := p.attempt
		p.attempts.Go(func() { p.run(a) })
	}
	return p.attempt, nil
}

// run is the goroutine of an attempt: it ends with the sign-in, after personTime, or by close.
func (p *person) run(a *attempt) {
	ctx, cancel := context.WithTimeout(p.life, personTime)
	defer cancel()
	problem := p.begin(ctx, a)
	if problem != nil && p.life.Err() != nil {
		problem = stopped()
	}
	p.mu.Lock()
	a.problem, p.attempt = problem, nil
	p.mu.Unlock()
	close(a.done)
}

// begin signs a person in with a client of its own, whose cache then takes the shelf's place: so nothing of a
// refused sign-in is kept, and nothing of one before it.
func (p *person) begin(ctx context.Context, a *attempt) *Error {
	var caught catch
	app, problem := p.newClient(&caught)
	if problem != nil {
		return problem
	}
	result, problem := p.way(ctx, app, a.scope, a.claims, func(words string) {
		a.words = words
		close(a.said)
	})
	if problem != nil {
		return problem
	}
	if _, problem := p.admit(result); problem != nil {
		return problem
	}
	return p.shelf.replace(ctx, caught.content)
}

// close ends the sign-in under way, and waits for its end.
func (p *person) close() {
	p.mu.Lock()
	p.end()
	p.mu.Unlock()
	p.attempts.Wait()
}

func stopped() *Error {
	return &Error{Hint: "the program is ending, and the sign-in with it: start it again and call again"}
}

// catch is a cache of MSAL's that begins empty and gives away what was last written to it.
type catch struct{ content []byte }

func (c *catch) Replace(context.Context, cache.Unmarshaler, cache.ReplaceHints) error { return nil }

func (c *catch) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) (err error) {
	c.content, err = from.Marshal()
	return err
}

// late explains that err is the end of a person's time, nil when it is not.
func late(ctx context.Context, err error) *Error {
	if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return &Error{OAuth: outdated, Hint: "nobody signed in within the time for it: call again to begin anew"}
}
