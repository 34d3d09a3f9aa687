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

// OnBehalfOf exchanges the access tokens of callers for Defender tokens in their names (the OAuth 2.0
// on-behalf-of flow), so that Defender records the acting user. It keeps tokens in memory, for the 1,000
// callers' tokens used last, and drops those unused for twelve hours. Until then a user's token is renewed even
// after the caller's own has expired. It is safe for concurrent use; make one with [NewOnBehalfOf].
type OnBehalfOf struct {
	registration
	prefix  envPrefix
	scope   string
	users   *userCache
	flights singleflight.Group
}

const maxUserToken = 64 << 10 // bytes; a token with two hundred groups has about 10 KiB

// NewOnBehalfOf checks the configuration as [New] does, and makes no network call. The mode must be Client. The
// scope is one delegated permission, or /.default for all that were consented to.
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

// newUserRegistration returns the registration of an app that has a credential and acts for users with it.
func newUserRegistration(cfg Config) (registration, error) {
	if cfg.Mode != Client {
		return registration{}, fmt.Errorf("%s must be client: acting for users needs an app with a credential of its own", envMode)
	}
	return newRegistration(cfg)
}

// Get returns a token in the name of the user that assertion was issued to. It is the cached one, unless req
// asks otherwise. assertion is the access token that the caller presented, already verified; no error repeats
// it. The error is an [*Error] with what the caller must do, or wraps ctx's error if ctx ended first.
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
		// Several callers share the flight, so it must outlive the one that started it.
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
		return &Error{Hint: "the call carries no user's token: sign in to this app"}
	case len(assertion) > maxUserToken:
		return &Error{Hint: "the user's token is longer than any real one: sign in to this app again"}
	}
	return req.validate()
}

// exchange is one token exchange to make.
type exchange struct {
	key       userKey
	assertion string
	request   TokenRequest
}

// userClient is a user's token and the MSAL client that can renew it.
type userClient struct {
	*cachedToken
	app *confidential.Client
}

func (e *userClient) isUsable() bool { return e != nil && e.cachedToken.isUsable() }

// renew makes the exchange and caches its result.
func (o *OnBehalfOf) renew(ctx context.Context, t exchange) (Token, error) {
	current := o.users.get(t.key)
	next, problem := o.acquireToken(ctx, t, current)
	switch {
	case problem == nil && t.request == TokenRequest{}:
		// In an outage this is still the old token, which must not replace a fresh one.
		o.users.compareAndSwap(t.key, current, next)
	case problem == nil:
		o.users.put(t.key, next)
	case t.request == TokenRequest{} && !problem.Temporary:
		o.users.compareAndSwap(t.key, current, nil) // nothing is left to renew
	}
	if problem != nil {
		return Token{}, problem
	}
	return next.token, nil
}

// acquireToken asks the user's MSAL client, which renews its token if it can. If the app itself was refused it
// asks a new client, because the secret or certificate may have been renewed since the old one read it.
//
// Each user has a client of their own. MSAL never evicts a user's tokens, so a shared client would grow without
// limit, and replacing it would lose the refresh tokens of all users. The price is MSAL's discovery, two more
// requests per user.
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
