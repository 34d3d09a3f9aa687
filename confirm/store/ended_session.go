package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// EndSession records that a session of the pages has ended, until the time at which it would have ended by itself. It
// removes the records of sessions whose time has passed at now.
func (s *Store) EndSession(ctx context.Context, id string, now, until time.Time) error {
	_, err := s.exec(ctx, `DELETE FROM ended_session WHERE until <= $1`, micros(now))
	if err == nil {
		_, err = s.exec(ctx, `INSERT INTO ended_session (id, until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, sessionHash(id), micros(until))
	}
	if err != nil {
		return fmt.Errorf("record the end of a session: %w", err)
	}
	return nil
}

// HasSessionEnded reports whether the end of a session was recorded, by any process on this ledger.
func (s *Store) HasSessionEnded(ctx context.Context, id string) (bool, error) {
	var n int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM ended_session WHERE id = $1`, sessionHash(id)).Scan(&n); err != nil {
		return false, fmt.Errorf("read the end of a session: %w", explainError(err))
	}
	return n > 0, nil
}

// sessionHash returns what is kept of a session's id. Whoever reads the ledger learns no id.
func sessionHash(id string) string {
	hash := sha256.Sum256([]byte(id))
	return hex.EncodeToString(hash[:])
}
