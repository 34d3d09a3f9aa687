package entra

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// OnBehalfOf trades the tokens that people called us with for tokens in their names (the OAuth 2.0 On-Behalf-Of
// flow), so that Defender records who acted. It keeps what it got in memory, for the 1,000 callers' tokens seen
// last and no longer than twelve hours unused: until then a person's token is renewed even after the one they
// called with has expired. It is safe for concurrent use; make one with [NewOnBehalfOf].
type OnBehalfOf struct {
	registration
	prefix   envPrefix
	scope   string
	users   *userCache
	flights singleflight.Group
}

const maxUserToken = 64 << 10 // bytes; one with two hundred groups in it has about 10 KiB

// NewOnBehalfOf checks the configuration as [New] does, and makes no call. cfg is that of mode Client; its scope
// is one delegated permission, or, by /.default, all that were consented to.
func NewOnBehalfOf(cfg Config) (*OnBehalfOf, error) {
	cfg = cfg.withDefaults()
	names := envPrefix(cfg.Prefix)
	app, err := newUserRegistration(cfg)
	if err == nil {
		err = cfg.checkDelegatedScope()
	}
	if err != nil {
		return nil, fmt.Errorf("configure the sign-in on behalf of users: %s", names.expand(err.Error()))
	}
	app.http.Transport = failureRecorder{app.http.Transport}
	return &OnBehalfOf{registration: app, prefix: names, scope: cfg.Scope, users: newUserCache()}, nil
}

// newUserRegistration is for an app that has a credential, and uses it to act for people.
func newUserRegistration(cfg Config) (registration, error) {
	if cfg.Mode != Client {
		return registration{}, fmt.Errorf("%s must be client: acting for people takes an app with a credential of its own", envMode)
	}
	return newRegistration(cfg)
}

// Get returns a token in the name of whom assertion was issued to: the cached one, unless ask says otherwise.
// assertion is the access token that a caller presented, and verified already; no error repeats it. The error is an
// [*Error] that says what the caller has to do, or wraps ctx's own when ctx ended first.
func (o *OnBehalfOf) Get(ctx context.Context, assertion string, req TokenRequest) (Token, error) {
	token, err := o.getToken(ctx, assertion, req)
	var problem *Error
	if errors.As(err, &problem) {
		return Token{}, o.prefix.expandError(problem)
	}
	if err != nil {
		return Token{}, fmt.Errorf("sign in to Entra ID on behalf of a user: %w", err)
	}
	return token, nil
}

func (o *OnBehalfOf) getToken(ctx context.Context, assertion string, req TokenRequest) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	if problem := checkExchange(assertion, req); problem != nil {
		return Token{}, problem
	}
	t := exchange{userKey(sha256.Sum256([]byte(assertion))), assertion, req}
	if now := o.users.get(t.key); now.isUsable() && req == (TokenRequest{}) {
		return now.token, nil
	}
	flight := o.flights.DoChan(fmt.Sprintf("%x %t %s", t.key, req.Fresh, req.Claims), func() (any, error) {
		// The flight serves others too, so it must outlive the caller who happened to start it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acquireTimeout)
		defer cancel()
		return o.renew(ctx, t)
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-flight:
		return r.Val.(Token), r.Err
	}
}

func checkExchange(assertion string, req TokenRequest) *Error {
	switch {
	case assertion == "":
		return &Error{Hint: "there is no user's token to act with: sign in to this app"}
	case len(assertion) > maxUserToken:
		return &Error{Hint: "the user's token is too long to be one: sign in to this app again"}
	}
	return req.validate()
}

// exchange is one exchange to be made.
type exchange struct {
	key       userKey
	assertion string
	request       TokenRequest
}

// userClient is what a user has got, and the client it can be renewed with.
type userClient struct {
	*cachedToken
	app *confidential.Client
}

func (e *userClient) isUsable() bool { return e != nil && e.cachedToken.isUsable() }

// renew makes the exchange and keeps what came of it.
func (o *OnBehalfOf) renew(ctx context.Context, t exchange) (Token, error) {
	current := o.users.get(t.key)
	next, problem := o.acquireToken(ctx, t, current)
	switch {
	case problem == nil && t.request == TokenRequest{}:
		// In an outage this is the old token still, which must not displace a fresh one.
		o.users.compareAndSwap(t.key, current, next)
	case problem == nil:
		o.users.put(t.key, next)
	case t.request == TokenRequest{} && !problem.Temporary:
		o.users.compareAndSwap(t.key, current, nil) // there is nothing left to renew
	}
	if problem != nil {
		return Token{}, problem
	}
	return next.token, nil
}

// acquireToken asks the user's client, which renews what it has where it can, or another when it was not the user who
// was refused: the secret or certificate may have been renewed since the client read it.
//
// Each user has a client of their own. MSAL never evicts a user's tokens, so a client that all share would grow
// for ever, and one that is dropped for another would take along what everybody's tokens are renewed with. The
// price is paid once per user: MSAL's discovery, two requests more.
func (o *OnBehalfOf) acquireToken(ctx context.Context, t exchange, current *userClient) (*userClient, *Error) {
	if current != nil {
		next, problem := o.exchangeToken(ctx, current.app, t)
		if problem == nil || problem.OAuth != "invalid_client" {
			return next, problem
		}
	}
	app, problem := o.newApp()
	if problem != nil {
		return nil, problem
	}
	return o.exchangeToken(ctx, app, t)
}

func (o *OnBehalfOf) exchangeToken(ctx context.Context, app *confidential.Client, t exchange) (*userClient, *Error) {
	var options []confidential.AcquireOnBehalfOfOption
	if claims := t.request.cacheBypassClaims(); claims != "" {
		options = append(options, confidential.WithClaims(claims))
	}
	next, problem := retryTransient(ctx, func(ctx context.Context) (*cachedToken, *Error) {
		ctx, passing := withFailureRecord(ctx)
		result, err := app.AcquireTokenOnBehalfOf(ctx, t.assertion, []string{o.scope}, options...)
		if err == nil {
			return newCachedToken(result)
		}
		if err.Error() == msalExpiredText {
			return nil, shortLivedError(time.Now())
		}
		problem := translateCallError(ctx, err)
		if trouble := passing.Load(); trouble != nil && !problem.Temporary {
			problem = trouble
		}
		return nil, problem
	})
	if problem != nil {
		return nil, problem
	}
	return &userClient{next, app}, nil
}
