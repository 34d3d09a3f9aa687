// Package entra signs in to Microsoft Entra ID as an application and hands out the bearer tokens that
// Defender wants. It is the only room that sees MSAL.
//
// The application proves itself with exactly one of a client secret, a certificate or a federated token
// file. Tokens come from MSAL's cache in memory; however many callers ask at once, one of them signs in
// and all are served, and a caller that gives up harms nobody else.
//
// The invariant: nothing secret leaves but the token itself. MSAL's errors can carry the client secret, the
// raw answer and the token, so not one of them is wrapped or quoted: every failure is an [Error] of this
// package, built from a few checked parts, that says what to do next.
package entra

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// signInTime bounds one sign-in, its tries and pauses together.
const signInTime = 30 * time.Second

// Source hands out tokens. It is safe for concurrent use; make one with [New].
type Source struct {
	authority  string // with the tenant
	clientID   string
	scopes     []string
	discovery  bool
	http       guarded
	credential credential

	session atomic.Pointer[session] // nil before the first token
	flights singleflight.Group
}

// New checks the configuration and reads the certificate; it makes no call, and the sign-in client is
// made with the first token. The error is one sentence that names the environment variable to set.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("configure the Entra ID sign-in: %w", err)
	}
	s := &Source{
		authority:  cfg.Authority + "/" + cfg.TenantID,
		clientID:   cfg.ClientID,
		scopes:     []string{cfg.Scope},
		discovery:  !cfg.NoInstanceDiscovery,
		http:       guard(cfg.HTTP),
		credential: cfg.credential(),
	}
	if cfg.CertificatePath != "" {
		if _, err := s.credential(); err != nil {
			return nil, fmt.Errorf("configure the Entra ID sign-in: %w", err)
		}
	}
	return s, nil
}

// Token returns a bearer token, from the cache unless fresh is set (after a 401); a fresh token takes the
// cached one's place. The error is an [*Error], or wraps ctx's own when ctx ended first.
func (s *Source) Token(ctx context.Context, fresh bool) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("sign in to Entra ID: %w", err)
	}
	if now := s.session.Load(); now.good() && !fresh {
		return now.token, nil
	}
	flight := s.flights.DoChan(strconv.FormatBool(fresh), func() (any, error) {
		// The flight serves others too, so it must outlive the caller who happened to start it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInTime)
		defer cancel()
		next, problem := s.signIn(ctx, fresh)
		if problem != nil {
			return "", problem
		}
		return next.token, nil
	})
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("sign in to Entra ID: %w", ctx.Err())
	case r := <-flight:
		return r.Val.(string), r.Err
	}
}

// signIn begins the next session: with the client in use, or with another for a fresh token and after a
// refusal, since MSAL cannot forget a token, and the secret or certificate may have been renewed since the
// client read it.
func (s *Source) signIn(ctx context.Context, fresh bool) (*session, *Error) {
	current := s.session.Load()
	if current != nil && !fresh {
		next, problem := s.acquire(ctx, current.app)
		if problem == nil {
			// In an outage this is the old token still, which must not displace a fresh one.
			s.session.CompareAndSwap(current, next)
		}
		if problem == nil || problem.Temporary {
			return next, problem
		}
	}
	app, problem := s.newApp()
	if problem != nil {
		return nil, problem
	}
	next, problem := s.acquire(ctx, app)
	if problem == nil {
		s.session.Store(next)
	}
	return next, problem
}
