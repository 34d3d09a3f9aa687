package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// defenderConfig returns how Defender is called, the source of tokens for writes, and the name of the tenant. All
// replicas on one ledger share one rate limit.
func (b *Builder) defenderConfig(c *components) (cfg defender.Config, write TokenSource, target string, err error) {
	limiter := c.store.RateLimiter(store.Limits{}, func(ctx context.Context, d time.Duration) {
		b.metrics.observeWait(d)
		tools.Progress(ctx, fmt.Sprintf("waiting %d s for Defender's call budget", int(d.Round(time.Second).Seconds())))
	})
	cfg = defender.Config{
		RateLimit: WaitFor(limiter),
		OnThrottled: func(ctx context.Context, until time.Time) {
			if err := limiter.PauseUntil(ctx, until); err != nil {
				b.log.WarnContext(ctx, "failed to share Retry-After with other replicas", "until", until, "error", err)
			}
		},
		SignInAdvice: b.cfg.SkippedSignIn(),
		UserAgent:    "scanwarden/" + b.version,
	}
	if target, err = b.cfg.TargetName(); err != nil {
		return cfg, nil, "", err
	}
	if b.cfg.Simulator {
		cfg.URL, cfg.Token, err = c.startSimulator()
		return cfg, cfg.Token, target, err
	}
	endpoints, err := b.cfg.Endpoints()
	if err != nil {
		return cfg, nil, "", err
	}
	cfg.URL = endpoints.URL
	sources, err := b.SignIn()
	if err != nil {
		return cfg, nil, "", err
	}
	c.stopSignIn = sources.Close
	cfg.Token = sources.Read
	return cfg, sources.Write, target, nil
}

// WaitFor returns a function that waits for limiter. Callers that Defender's client names take turns.
func WaitFor(limiter *store.RateLimiter) func(context.Context, defender.Call) error {
	kinds := map[defender.CallKind]store.CallKind{
		defender.ReadCall: store.ReadCall, defender.PlanCall: store.PlanCall, defender.WriteCall: store.WriteCall,
	}
	return func(ctx context.Context, call defender.Call) error {
		return limiter.Wait(ctx, store.Call{Caller: call.Actor.User, Kind: kinds[call.Kind]})
	}
}

// startSimulator serves the built-in tenant with a bearer token of its own, so that the client speaks real HTTP to it.
func (c *components) startSimulator() (url string, token TokenSource, err error) {
	secret := rand.Text()
	tenant := defendertest.New(defendertest.Options{Token: secret})
	url, c.stopSimulator, err = ServeTenant(tenant)
	return url, staticToken(secret), err
}
