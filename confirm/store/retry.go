package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
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

const (
	transientPatience = 10 * time.Second // how long a database may be away before the error is returned
	maxBackoff        = 500 * time.Millisecond
)

// retryTransient calls do until it succeeds, fails for a reason that does not pass, or has failed for longer than
// transientPatience. do must be safe to repeat even if it has succeeded and only its answer was lost.
func retryTransient(ctx context.Context, do func() error) error {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || ctx.Err() != nil || !isTransient(err) || time.Since(began) > transientPatience {
			return err
		}
		if sleepContext(ctx, min(maxBackoff, backoff(min(attempt, 8)))) != nil {
			return err
		}
	}
}

// isTransient reports whether the database could not be reached, or was too busy, for a reason that may pass by
// itself.
func isTransient(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return isConflict(err) || strings.HasPrefix(answer.Code, "08") || strings.HasPrefix(answer.Code, "57P") || answer.Code == "53300"
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) || pgconn.SafeToRetry(err)
}
