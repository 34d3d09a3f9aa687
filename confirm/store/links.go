package store

import (
	"context"
	"time"

	"scanwarden/confirm"
)

// Link implements confirm.Ledger.
func (s *Store) Link(ctx context.Context, l confirm.Link) error { panic("contract") }

// Unlink implements confirm.Ledger.
func (s *Store) Unlink(ctx context.Context, from confirm.Principal, at time.Time, why string) error {
	panic("contract")
}

// Links implements confirm.Ledger.
func (s *Store) Links(ctx context.Context) ([]confirm.Link, error) { panic("contract") }
