package store

import (
	"context"
	"fmt"

	"scanwarden/confirm"
)

// Heads implements confirm.Store. It reads no proposals, which can be long, so that recovery costs little however many
// changes are open.
func (s *Store) Heads(ctx context.Context, p confirm.Page) ([]confirm.Head, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, state, created, expires, lease, updated FROM change
		WHERE target = $1 AND state = $2 AND settled = $3 AND (expires <= $4 OR $4 = 0)
			AND (created > $5 OR (created = $5 AND id > $6))
		ORDER BY created, id LIMIT $7`,
		p.Target, string(p.State), boolToInt(isSettled(p.State)), micros(p.ExpiredAt), micros(p.After.Created), p.After.ID, p.Limit)
	if err != nil {
		return nil, fmt.Errorf("list %s changes: %w", p.State, explainError(err))
	}
	defer rows.Close()
	var found []confirm.Head
	for rows.Next() {
		var h confirm.Head
		var created, expires, lease, updated int64
		if err := rows.Scan(&h.ID, &h.State, &created, &expires, &lease, &updated); err != nil {
			return nil, fmt.Errorf("list %s changes: %w", p.State, explainError(err))
		}
		h.Created, h.Expires = fromMicros(created), fromMicros(expires)
		h.Lease, h.Updated = fromMicros(lease), fromMicros(updated)
		found = append(found, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s changes: %w", p.State, explainError(err))
	}
	return found, nil
}
