package main

import (
	"errors"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm/store"
)

// withStore opens the ledger that a server keeps, calls use and closes it. Nothing is recovered and nothing runs. It
// returns ErrNoStore if there is no ledger yet.
func withStore(e environment, flags config.Flags, use func(*store.Store) error) error {
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	ledger, err := server.OpenStore(e.ctx, cfg, e.env)
	if err != nil {
		return err
	}
	return errors.Join(use(ledger), ledger.Close())
}
