package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scanwarden/confirm"
)

// expectOneRow returns confirm.ErrMoved unless exactly one row was altered.
func expectOneRow(altered int64, err error) error {
	if err == nil && altered != 1 {
		return confirm.ErrMoved
	}
	return err
}

// RenewLease implements confirm.Store. A lease is no part of the change itself: renewing it is not a new version
// and writes no audit entry.
func (s *Store) RenewLease(ctx context.Context, id, owner string, until time.Time) error {
	err := expectOneRow(s.exec(ctx, `UPDATE change SET lease = $1 WHERE id = $2 AND owner = $3 AND state = $4`,
		micros(until), id, owner, string(confirm.Executing)))
	if err != nil {
		return fmt.Errorf("renew lease of change %s: %w", id, err)
	}
	return nil
}

// AcquireLease implements confirm.Store.
func (s *Store) AcquireLease(ctx context.Context, name, owner string, now, until time.Time) (bool, error) {
	err := expectOneRow(s.exec(ctx, `INSERT INTO lease (name, owner, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
		WHERE lease.owner = excluded.owner OR lease.until <= $4`, name, owner, micros(until), micros(now)))
	if errors.Is(err, confirm.ErrMoved) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("acquire lease %q: %w", name, err)
	}
	return true, nil
}
