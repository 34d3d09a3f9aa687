package server

import (
	"cmp"
	"context"
	"errors"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// NewReviewGate returns a Gate that takes votes on the changes of ledger and does nothing else: no client of Defender and
// no Executor is built. Without a configured tenant it takes votes on the changes of every tenant. It returns an error for
// a read-only configuration, an audit log that cannot be continued, and ErrNoKey without server.key. It creates nothing.
func NewReviewGate(ctx context.Context, cfg *config.Config, env config.Environment, ledger *store.Store) (*confirm.Gate, error) {
	if cfg.ReadOnly {
		return nil, errors.New("this configuration is read-only, so nothing can be confirmed; remove SCANWARDEN_READ_ONLY (read_only)")
	}
	key, err := ExistingKey(cfg, env)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(ledger.CheckKey(ctx), ledger.CheckHead(ctx)); err != nil {
		return nil, err
	}
	target, err := reviewTarget(cfg)
	if err != nil {
		return nil, err
	}
	gate := confirm.Config{Store: ledger, Policy: cfg.ConfirmPolicy(), Target: target, Key: key, VoteOnly: true}
	if cfg.EntraSignsIn() {
		gate.ContextPage = cfg.ChangePage
	}
	return confirm.New(gate), nil
}

// reviewTarget returns the name of the configured tenant, "" if none is configured. An MCP client often starts its server
// with a tenant in the environment that a terminal does not have.
func reviewTarget(cfg *config.Config) (string, error) {
	if !cfg.Simulator && cfg.Azure.Tenant == "" {
		return "", nil
	}
	return cfg.TargetName()
}
