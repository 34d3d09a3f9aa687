package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	maxAttempts  = 6                    // of one transaction
	firstBackoff = 5 * time.Millisecond // doubles with each attempt
)

// isConflict reports whether PostgreSQL aborted a transaction because of another one: a serialization failure or a
// deadlock. Nothing of it was committed, even if the error is the answer to COMMIT.
func isConflict(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

// retryConflicts calls do until it returns an error that is no conflict, or nil. do must run a whole transaction. After
// maxAttempts it returns the conflict.
func retryConflicts(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if !isConflict(err) || attempt == maxAttempts || sleepContext(ctx, backoff(attempt)) != nil {
			return err
		}
	}
}

// backoff returns the wait after an attempt, counted from 1: twice as long each time, plus or minus a half.
func backoff(attempt int) time.Duration {
	d := firstBackoff << (attempt - 1)
	return d/2 + rand.N(d)
}

// exec runs one statement in a transaction of its own and returns how many rows it altered.
func (d *database) exec(ctx context.Context, query string, args ...any) (altered int64, err error) {
	err = retryConflicts(ctx, func() error {
		r, err := d.write.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		altered, err = r.RowsAffected()
		return err
	})
	return altered, explainError(err)
}
