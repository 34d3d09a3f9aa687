package main

import (
	"errors"

	"scanwarden/confirm/store"
)

// withStore opens the ledger that a server keeps, calls use and closes it. Nothing is recovered and nothing runs. It
// returns ErrNoStore if there is no ledger yet.
func withStore(w environment, flags Flags, use func(*store.Store) error) error {
	cfg, err := Load(w.env, flags)
	if err != nil {
		return err
	}
	ledger, err := OpenStore(w.ctx, cfg, w.env)
	if err != nil {
		return err
	}
	return errors.Join(use(ledger), ledger.Close())
}
