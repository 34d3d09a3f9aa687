package store

import (
	"context"
	"time"
)

// Writing returns how many callers hold the write lock: 0 or 1.
func (s *Store) Writing() int { return len(s.queue.writeLock) }

// Waiting returns how many transitions wait for the next batch.
func (s *Store) Waiting() int {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.pending)
}

// CommitAfterFailure commits a transaction one of whose statements has failed.
func (s *Store) CommitAfterFailure(ctx context.Context) error {
	tx, err := s.beginTx(ctx)
	if err != nil {
		return err
	}
	defer tx.rollback()
	call := &statement{query: insertCall, args: []any{int64(1), int64(1)}}
	if err := tx.run(ctx, call, call); err == nil {
		return nil
	}
	return tx.commit(ctx)
}

// SetClock replaces the clock of a rate limiter.
func (r *RateLimiter) SetClock(now func() time.Time, sleep func(context.Context, time.Duration) error) {
	r.now, r.sleep = now, sleep
}
