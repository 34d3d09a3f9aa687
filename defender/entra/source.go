// Package entra signs in to Microsoft Entra ID and returns the access tokens that Defender accepts. No other
// package imports MSAL.
//
// A [Mode] selects how: as an application, with exactly one of a client secret, a certificate or a federated
// token file; as the managed identity of the machine; or as a user at this machine, with a device code or a
// browser. Concurrent callers share one sign-in, and a caller that gives up does not affect the others.
// Applications and machines cache their tokens in memory. A user's sign-in is kept between runs only if it can
// be encrypted under a key in the operating system's keyring.
//
// The invariant: no secret leaves this package except the token itself. MSAL's errors can carry the client
// secret, the raw response and the token, so none of them is wrapped or quoted. Every failure is an [Error] of
// this package, built from a few checked parts, with what to do next. A code or address shown to a user is
// checked in the same way.
package entra

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// acquireTimeout bounds one acquisition without a user, all attempts and pauses included.
const acquireTimeout = 30 * time.Second

// Source returns tokens for one scope. It is safe for concurrent use; make one with [New].
type Source struct {
	auth   authMethod
	user   *userSignIn // the same as auth in the modes that sign a user in; otherwise nil
	prefix envPrefix
	scope  string

	cached  atomic.Pointer[cachedToken] // nil before the first token
	flights singleflight.Group
}

// New checks the configuration and reads the certificate. It makes no network call: the MSAL client is created
// with the first token. The error is one sentence that names the environment variable to set.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	s := &Source{prefix: envPrefix(cfg.Prefix), scope: cfg.Scope}
	err := cfg.checkScope()
	switch {
	case err != nil:
	case cfg.Mode.signsInUser():
		s.user, err = newUserSignIn(cfg)
		s.auth = s.user
	case cfg.Mode == ManagedIdentity:
		s.auth = newManagedIdentityAuth(cfg)
	default:
		s.auth, err = newApplicationAuth(cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("configure the Entra ID sign-in: %s", s.prefix.expand(err.Error()))
	}
	return s, nil
}

// For returns a source of tokens for another scope. It shares the identity, cache and sign-in of s.
func (s *Source) For(scope string) *Source {
	return &Source{auth: s.auth, user: s.user, prefix: s.prefix, scope: scope}
}

// Close ends a user's sign-in in progress, also one that another source of [Source.For] started, and waits for
// its end. No new sign-in can start afterwards.
func (s *Source) Close() {
	if s.user != nil {
		s.user.close()
	}
}

// Get returns a token: the cached one, unless req asks otherwise. A token obtained for such a request replaces
// the cached one. In the modes for users, Config.Prompt shows the user what to do. After Config.SignInWait the
// error's Hint has the same instruction, while the sign-in continues. The error is an [*Error], or wraps ctx's
// error if ctx ended first.
func (s *Source) Get(ctx context.Context, req TokenRequest) (Token, error) {
	if problem := req.validate(); problem != nil {
		return Token{}, problem
	}
	token, err := s.getWithoutUser(ctx, req)
	var problem *Error
	if s.user != nil && errors.As(err, &problem) && problem.needsSignIn() {
		if req, err = s.user.signIn(ctx, s.scope, req); err == nil {
			s.cached.Store(nil) // it belongs to the previous sign-in
			token, err = s.getWithoutUser(ctx, req)
		}
	}
	if errors.As(err, &problem) {
		return Token{}, s.prefix.expandError(problem)
	}
	if err != nil {
		return Token{}, fmt.Errorf("sign in to Entra ID: %w", err)
	}
	return token, nil
}

// getWithoutUser returns a token if that needs no sign-in by a user.
func (s *Source) getWithoutUser(ctx context.Context, req TokenRequest) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	if now := s.cached.Load(); now.isUsable() && req == (TokenRequest{}) {
		return now.token, nil
	}
	flight := s.flights.DoChan(fmt.Sprintf("%t %s", req.Fresh, req.Claims), func() (any, error) {
		// Several callers share the flight, so it must outlive the one that started it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acquireTimeout)
		defer cancel()
		return s.renew(ctx, req)
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-flight:
		return r.Val.(Token), r.Err
	}
}

// renew acquires a token and caches it.
func (s *Source) renew(ctx context.Context, req TokenRequest) (Token, error) {
	current := s.cached.Load()
	next, problem := s.auth.acquireToken(ctx, s.scope, req)
	if problem != nil {
		return Token{}, problem
	}
	if req == (TokenRequest{}) {
		// In an outage this is still the old token, which must not replace a fresh one.
		s.cached.CompareAndSwap(current, next)
	} else {
		s.cached.Store(next)
	}
	return next.token, nil
}
