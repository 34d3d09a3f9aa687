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

// Show returns a setting of one of our connections.
func (s *Store) Show(ctx context.Context, name string) (value string, err error) {
	err = s.write.QueryRowContext(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}

// Connect returns a Store that makes no tables.
func Connect(url string) (*Store, error) {
	db, err := openDatabase(Config{URL: url})
	if err != nil {
		return nil, err
	}
	return newStore(Config{}, db, auditKey{}), nil
}

// SetSession alters a setting of the only connection that writes from now on.
func (s *Store) SetSession(name, value string) error {
	s.write.SetMaxOpenConns(1)
	_, err := s.write.Exec("SELECT set_config($1, $2, false)", name, value)
	return err
}

// RecordHead records the head of the log now.
func (s *Store) RecordHead() error { return s.pin.flush() }

// DeleteDetails returns the statements that delete the rows about a change.
func DeleteDetails() []string { return deleteDetails }

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
