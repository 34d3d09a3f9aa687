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

// defenderConfig says how Defender is called, with which token it is written to, and the name of the tenant behind it.
// All calls of all processes on this ledger share one budget.
func (b *Builder) defenderConfig(h *components) (cfg defender.Config, write TokenSource, target string, err error) {
	budget := h.store.RateLimiter(store.Limits{}, func(ctx context.Context, d time.Duration) {
		b.metrics.observeWait(d)
		tools.Progress(ctx, fmt.Sprintf("waiting %d s for Defender's call budget", int(d.Round(time.Second).Seconds())))
	})
	cfg = defender.Config{
		RateLimit: budget.Wait,
		OnThrottled: func(ctx context.Context, until time.Time) {
			if err := budget.PauseUntil(ctx, until); err != nil {
				b.log.WarnContext(ctx, "failed to share Retry-After with other replicas", "until", until, "error", err)
			}
		},
		UserAgent: "scanwarden/" + b.version,
	}
	if target, err = b.cfg.TargetName(); err != nil {
		return cfg, nil, "", err
	}
	if b.cfg.Simulator {
		cfg.URL, cfg.Token, err = h.startSimulator()
		return cfg, cfg.Token, target, err
	}
	to, err := b.cfg.Endpoints()
	if err != nil {
		return cfg, nil, "", err
	}
	cfg.URL = to.URL
	ids, err := b.SignIn()
	if err != nil {
		return cfg, nil, "", err
	}
	h.stopSignIn = ids.Close
	cfg.Token = ids.Read
	return cfg, ids.Write, target, nil
}

// startSimulator serves the built-in tenant, behind a token of its own: the client talks real HTTP to it.
func (h *components) startSimulator() (url string, token TokenSource, err error) {
	secret := rand.Text()
	tenant := defendertest.New(defendertest.Options{Token: secret})
	url, h.stopSimulator, err = ServeTenant(tenant)
	return url, staticToken(secret), err
}
