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

// signInTime bounds one sign-in without a person, its tries and pauses together.
const signInTime = 30 * time.Second

// Source hands out tokens for one scope. It is safe for concurrent use; make one with [New].
type Source struct {
	method method
	person *person // that method, in the modes for people; else nil
	names  prefix
	scope  string

	session atomic.Pointer[session] // nil before the first token
	flights singleflight.Group
}

// New checks the configuration and reads the certificate; it makes no call, and the sign-in client is
// made with the first token. The error is one sentence that names the environment variable to set.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	s := &Source{names: prefix(cfg.Prefix), scope: cfg.Scope}
	err := cfg.checkScope()
	switch {
	case err != nil:
	case cfg.Mode.forPeople():
		s.person, err = newPerson(cfg)
		s.method = s.person
	case cfg.Mode == ManagedIdentity:
		s.method = newManaged(cfg)
	default:
		s.method, err = newApplication(cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("configure the Entra ID sign-in: %s", s.names.in(err.Error()))
	}
	return s, nil
}

// For returns a source of tokens for another scope, of the same identity, cache and sign-in.
func (s *Source) For(scope string) *Source {
	return &Source{method: s.method, person: s.person, names: s.names, scope: scope}
}

// Close ends a person's sign-in that is under way, also one that another source of [Source.For] has begun,
// and returns when it has ended. Nobody can begin one afterwards.
func (s *Source) Close() {
	if s.person != nil {
		s.person.close()
	}
}

// Get returns a token: the cached one, unless ask says otherwise. What answers an ask takes the cached one's
// place. In the modes for people, whoever waits is told through Config.Prompt what to do; after Config.Patience
// the error's Hint says it, while the sign-in goes on. The error is an [*Error], or wraps ctx's own when ctx ended first.
func (s *Source) Get(ctx context.Context, ask TokenRequest) (Token, error) {
	if problem := ask.check(); problem != nil {
		return Token{}, problem
	}
	token, err := s.get(ctx, ask)
	var problem *Error
	if s.person != nil && errors.As(err, &problem) && problem.wantsPerson() {
		if ask, err = s.person.signIn(ctx, s.scope, ask); err == nil {
			s.session.Store(nil) // it is of the sign-in before
			token, err = s.get(ctx, ask)
		}
	}
	if errors.As(err, &problem) {
		return Token{}, s.names.of(problem)
	}
	if err != nil {
		return Token{}, fmt.Errorf("sign in to Entra ID: %w", err)
	}
	return token, nil
}

// get does without a person.
func (s *Source) get(ctx context.Context, ask TokenRequest) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	if now := s.session.Load(); now.good() && ask == (TokenRequest{}) {
		return now.token, nil
	}
	flight := s.flights.DoChan(fmt.Sprintf("%t %s", ask.Fresh, ask.Claims), func() (any, error) {
		// The flight serves others too, so it must outlive the caller who happened to start it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInTime)
		defer cancel()
		return s.renew(ctx, ask)
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-flight:
		return r.Val.(Token), r.Err
	}
}

// renew begins the next session.
func (s *Source) renew(ctx context.Context, ask TokenRequest) (Token, error) {
	current := s.session.Load()
	next, problem := s.method.acquire(ctx, s.scope, ask)
	if problem != nil {
		return Token{}, problem
	}
	if ask == (TokenRequest{}) {
		// In an outage this is the old token still, which must not displace a fresh one.
		s.session.CompareAndSwap(current, next)
	} else {
		s.session.Store(next)
	}
	return next.token, nil
}
