package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"scanwarden/confirm"
)

// ChangePage implements confirm.Store.
func (s *Store) ChangePage(ctx context.Context, f confirm.Filter, after confirm.Cursor) ([]confirm.Change, confirm.Cursor, error) {
	query, limit := newPageQuery(f, after)
	var found []confirm.Change
	var unusable []error
	rows, last := 0, confirm.Cursor{}
	err := eachChange(ctx, s.read, query, func(c confirm.Change, err error) error { // newest first
		if rows++; rows == 1 {
			last = confirm.Cursor{Created: c.Created, ID: c.ID}
		}
		if err != nil {
			unusable = append(unusable, unusableError(c, err))
		} else {
			found = append(found, c)
		}
		return nil
	})
	slices.Reverse(found)
	if err = errors.Join(append(unusable, err)...); err != nil {
		err = fmt.Errorf("list changes: %w", err)
	}
	if rows < limit {
		last = confirm.Cursor{}
	}
	return found, last, err
}
