package store

import (
	"context"
	"fmt"

	"scanwarden/confirm"
)

// Heads implements confirm.Store. It reads no proposals, which can be long, so that a look at very many changes costs
// little.
func (s *Store) Heads(ctx context.Context, f confirm.Filter, after confirm.Cursor) (page []confirm.Head, next confirm.Cursor, err error) {
	clause, args := filterClause(f)
	args = append(args, micros(after.Created), after.ID, limitOf(f))
	n := len(args)
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf(`SELECT id, state, created, expires, lease, updated FROM change %s
		AND (created, id) > ($%d, $%d) ORDER BY created, id LIMIT $%d`, clause, n-2, n-1, n), args...)
	if err != nil {
		return nil, next, fmt.Errorf("list changes: %w", explainError(err))
	}
	defer rows.Close()
	for rows.Next() {
		var h confirm.Head
		var created, expires, lease, updated int64
		if err := rows.Scan(&h.ID, &h.State, &created, &expires, &lease, &updated); err != nil {
			return nil, next, fmt.Errorf("list changes: %w", explainError(err))
		}
		h.Created, h.Expires = fromMicros(created), fromMicros(expires)
		h.Lease, h.Updated = fromMicros(lease), fromMicros(updated)
		page = append(page, h)
	}
	if err := rows.Err(); err != nil {
		return nil, next, fmt.Errorf("list changes: %w", explainError(err))
	}
	if len(page) == limitOf(f) {
		last := page[len(page)-1]
		next = confirm.Cursor{Created: last.Created, ID: last.ID}
	}
	return page, next, nil
}
