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
	names   prefix
	scope   string
	users   *recent
	flights singleflight.Group
}

const maxUserToken = 64 << 10 // bytes; one with two hundred groups in it has about 10 KiB

// NewOnBehalfOf checks the configuration as [New] does, and makes no call. cfg is that of mode Client; its scope
// is one delegated permission, or, by /.default, all that were consented to.
func NewOnBehalfOf(cfg Config) (*OnBehalfOf, error) {
	cfg = cfg.withDefaults()
	names := prefix(cfg.Prefix)
	app, err := registerForPeople(cfg)
	if err == nil {
		err = cfg.checkDelegated()
	}
	if err != nil {
		return nil, fmt.Errorf("configure the sign-in on behalf of users: %s", names.in(err.Error()))
	}
	app.http.Transport = attentive{app.http.Transport}
	return &OnBehalfOf{registration: app, names: names, scope: cfg.Scope, users: newRecent()}, nil
}

// registerForPeople is for an app that has a credential, and uses it to act for people.
func registerForPeople(cfg Config) (registration, error) {
	if cfg.Mode != Client {
		return registration{}, fmt.Errorf("%s must be client: acting for people takes an app with a credential of its own", envMode)
	}
	return register(cfg)
}

// Get returns a token in the name of whom assertion was issued to: the cached one, unless ask says otherwise.
// assertion is the access token that a caller presented, and verified already; no error repeats it. The error is an
// [*Error] that says what the caller has to do, or wraps ctx's own when ctx ended first.
func (o *OnBehalfOf) Get(ctx context.Context, assertion string, ask TokenRequest) (Token, error) {
	token, err := o.get(ctx, assertion, ask)
	var problem *Error
	if errors.As(err, &problem) {
		return Token{}, o.names.of(problem)
	}
	if err != nil {
		return Token{}, fmt.Errorf("sign in to Entra ID on behalf of a user: %w", err)
	}
	return token, nil
}

func (o *OnBehalfOf) get(ctx context.Context, assertion string, ask TokenRequest) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	if problem := checkTrade(assertion, ask); problem != nil {
		return Token{}, problem
	}
	t := trade{user(sha256.Sum256([]byte(assertion))), assertion, ask}
	if now := o.users.get(t.who); now.good() && ask == (TokenRequest{}) {
		return now.token, nil
	}
	flight := o.flights.DoChan(fmt.Sprintf("%x %t %s", t.who, ask.Fresh, ask.Claims), func() (any, error) {
		// The flight serves others too, so it must outlive the caller who happened to start it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInTime)
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

func checkTrade(assertion string, ask TokenRequest) *Error {
	switch {
	case assertion == "":
		return &Error{Hint: "there is no user's token to act with: sign in to this app"}
	case len(assertion) > maxUserToken:
		return &Error{Hint: "the user's token is too long to be one: sign in to this app again"}
	}
	return ask.check()
}

// trade is one exchange to be made.
type trade struct {
	who       user
	assertion string
	ask       TokenRequest
}

// exchanged is what a user has got, and the client it can be renewed with.
type exchanged struct {
	*session
	app *confidential.Client
}

func (e *exchanged) good() bool { return e != nil && e.session.good() }

// renew makes the exchange and keeps what came of it.
func (o *OnBehalfOf) renew(ctx context.Context, t trade) (Token, error) {
	current := o.users.get(t.who)
	next, problem := o.acquire(ctx, t, current)
	switch {
	case problem == nil && t.ask == TokenRequest{}:
		// In an outage this is the old token still, which must not displace a fresh one.
		o.users.swap(t.who, current, next)
	case problem == nil:
		o.users.put(t.who, next)
	case t.ask == TokenRequest{} && !problem.Temporary:
		o.users.swap(t.who, current, nil) // there is nothing left to renew
	}
	if problem != nil {
		return Token{}, problem
	}
	return next.token, nil
}

// acquire asks the user's client, which renews what it has where it can, or another when it was not the user who
// was refused: the secret or certificate may have been renewed since the client read it.
//
// Each user has a client of their own. MSAL never evicts a user's tokens, so a client that all share would grow
// for ever, and one that is dropped for another would take along what everybody's tokens are renewed with. The
// price is paid once per user: MSAL's discovery, two requests more.
func (o *OnBehalfOf) acquire(ctx context.Context, t trade, current *exchanged) (*exchanged, *Error) {
	if current != nil {
		next, problem := o.exchange(ctx, current.app, t)
		if problem == nil || problem.OAuth != "invalid_client" {
			return next, problem
		}
	}
	app, problem := o.newApp()
	if problem != nil {
		return nil, problem
	}
	return o.exchange(ctx, app, t)
}

func (o *OnBehalfOf) exchange(ctx context.Context, app *confidential.Client, t trade) (*exchanged, *Error) {
	var options []confidential.AcquireOnBehalfOfOption
	if claims := t.ask.anew(); claims != "" {
		options = append(options, confidential.WithClaims(claims))
	}
	next, problem := patiently(ctx, func(ctx context.Context) (*session, *Error) {
		ctx, passing := attending(ctx)
		result, err := app.AcquireTokenOnBehalfOf(ctx, t.assertion, []string{o.scope}, options...)
		if err == nil {
			return newSession(result)
		}
		if err.Error() == spent {
			return nil, tooShort(time.Now())
		}
		problem := explainIn(ctx, err)
		if trouble := passing.Load(); trouble != nil && !problem.Temporary {
			problem = trouble
		}
		return nil, problem
	})
	if problem != nil {
		return nil, problem
	}
	return &exchanged{next, app}, nil
}
