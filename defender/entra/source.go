// Package entra signs in to Microsoft Entra ID and hands out the bearer tokens that Defender wants. It is the
// only room that sees MSAL.
//
// Who signs in is a [Mode]: an application, which proves itself with exactly one of a client secret, a
// certificate or a federated token file; the managed identity of the machine; or a person at this machine, with
// a code or a browser. However many callers ask at once, one of them signs in and all are served, and a caller
// that gives up harms nobody else. Applications and machines keep their tokens in memory. A person's sign-in
// outlives the program, encrypted under a key in the operating system's protected store, or not at all.
//
// The invariant: nothing secret leaves but the token itself. MSAL's errors can carry the client secret, the
// raw answer and the token, so not one of them is wrapped or quoted: every failure is an [Error] of this
// package, built from a few checked parts, that says what to do next. What a person is told, a code or an
// address, is checked in the same way.
package entra

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// acquireTimeout bounds one sign-in without a person, its tries and pauses together.
const acquireTimeout = 30 * time.Second

// Source hands out tokens for one scope. It is safe for concurrent use; make one with [New].
type Source struct {
	auth authMethod
	user *userSignIn // that method, in the modes for people; else nil
	prefix  envPrefix
	scope  string

	cached atomic.Pointer[cachedToken] // nil before the first token
	flights singleflight.Group
}

// New checks the configuration and reads the certificate; it makes no call, and the sign-in client is
// made with the first token. The error is one sentence that names the environment variable to set.
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

// For returns a source of tokens for another scope, of the same identity, cache and sign-in.
func (s *Source) For(scope string) *Source {
	return &Source{auth: s.auth, user: s.user, prefix: s.prefix, scope: scope}
}

// Close ends a person's sign-in that is under way, also one that another source of [Source.For] has begun,
// and returns when it has ended. Nobody can begin one afterwards.
func (s *Source) Close() {
	if s.user != nil {
		s.user.close()
	}
}

// Get returns a token: the cached one, unless ask says otherwise. What answers an ask takes the cached one's
// place. In the modes for people, whoever waits is told through Config.Prompt what to do; after Config.Patience
// the error's Hint says it, while the sign-in goes on. The error is an [*Error], or wraps ctx's own when ctx ended first.
func (s *Source) Get(ctx context.Context, req TokenRequest) (Token, error) {
	if problem := req.validate(); problem != nil {
		return Token{}, problem
	}
	token, err := s.getWithoutUser(ctx, req)
	var problem *Error
	if s.user != nil && errors.As(err, &problem) && problem.needsSignIn() {
		if req, err = s.user.signIn(ctx, s.scope, req); err == nil {
			s.cached.Store(nil) // it is of the sign-in before
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

// getWithoutUser does without a person.
func (s *Source) getWithoutUser(ctx context.Context, req TokenRequest) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	if now := s.cached.Load(); now.isUsable() && req == (TokenRequest{}) {
		return now.token, nil
	}
	flight := s.flights.DoChan(fmt.Sprintf("%t %s", req.Fresh, req.Claims), func() (any, error) {
		// The flight serves others too, so it must outlive the caller who happened to start it.
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

// renew begins the next session.
func (s *Source) renew(ctx context.Context, req TokenRequest) (Token, error) {
	current := s.cached.Load()
	next, problem := s.auth.acquireToken(ctx, s.scope, req)
	if problem != nil {
		return Token{}, problem
	}
	if req == (TokenRequest{}) {
		// In an outage this is the old token still, which must not displace a fresh one.
		s.cached.CompareAndSwap(current, next)
	} else {
		s.cached.Store(next)
	}
	return next.token, nil
}
