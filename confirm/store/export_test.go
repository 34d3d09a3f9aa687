package store

import (
	"context"
	"time"

	"modernc.org/sqlite"
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

// SetPatience bounds how long the result of a COMMIT is looked for.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }

// FailNextCommit makes SQLite itself turn the next COMMIT into a rollback.
func (s *Store) FailNextCommit(ctx context.Context) error {
	conn, err := s.write.Conn(ctx) // the only one
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		failed := false
		driver.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			if failed {
				return 0
			}
			failed = true
			return 1
		})
		return nil
	})
}

// RejectsCommit is rejectsCommit.
func RejectsCommit(err error) bool { return rejectsCommit(err) }
