package store

import (
	"context"
	"fmt"

	"scanwarden/confirm"
)

// SaveMessage records where a channel shows a change, and replaces the message of the same change, channel and
// kind. It is no transition and writes no audit entry.
func (s *Store) SaveMessage(ctx context.Context, n confirm.Message) error {
	_, err := s.exec(ctx, `INSERT INTO notice (change_id, channel, kind, message, version, reminded)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (change_id, channel, kind) DO UPDATE
		SET message = excluded.message, version = excluded.version, reminded = excluded.reminded`,
		n.Change, n.Channel, n.Kind, n.Message, n.Version, boolToInt(n.Reminded))
	if err != nil {
		return fmt.Errorf("save message of change %s: %w", n.Change, err)
	}
	return nil
}

// Messages returns the messages that show one change.
func (s *Store) Messages(ctx context.Context, change string) ([]confirm.Message, error) {
	return s.queryMessages(ctx, `WHERE n.change_id = $1 ORDER BY n.channel, n.kind`, change)
}

// OutdatedMessages returns at most limit messages, after the given one, that show an older version of their change than
// the current one. Messages of the oldest changes come first; the IDs of changes have that order.
func (s *Store) OutdatedMessages(ctx context.Context, after confirm.Message, limit int) ([]confirm.Message, error) {
	return s.queryMessages(ctx, `JOIN change AS c ON c.id = n.change_id WHERE n.version < c.version
		AND (n.change_id, n.channel, n.kind) > ($1, $2, $3)
		ORDER BY n.change_id, n.channel, n.kind LIMIT $4`, after.Change, after.Channel, after.Kind, limit)
}

func (s *Store) queryMessages(ctx context.Context, clause string, args ...any) ([]confirm.Message, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT n.change_id, n.channel, n.kind, n.message, n.version, n.reminded
		FROM notice AS n `+clause, args...)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", explainError(err))
	}
	defer rows.Close()
	var found []confirm.Message
	for rows.Next() {
		var n confirm.Message
		var reminded int64
		if err := rows.Scan(&n.Change, &n.Channel, &n.Kind, &n.Message, &n.Version, &reminded); err != nil {
			return nil, fmt.Errorf("list messages: %w", explainError(err))
		}
		n.Reminded = reminded != 0
		found = append(found, n)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list messages: %w", explainError(err))
	}
	return found, nil
}
