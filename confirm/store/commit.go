package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"scanwarden/confirm"
)

// commitPatience bounds how long the result of a COMMIT is looked for whose answer was lost.
const commitPatience = 20 * time.Second

// rejectsCommit reports whether err, the error of a commit, proves that the transaction was not committed: PostgreSQL
// answered with an error and keeps the session, or nothing was sent to it. Everything else leaves the result open: a
// lost connection, a time-out, and a server that ends the session, which may have committed before.
func rejectsCommit(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return pgconn.SafeToRetry(err)
	}
	ends := answer.Severity == "FATAL" || answer.Severity == "PANIC"
	return !ends && !strings.HasPrefix(answer.Code, "57") && !strings.HasPrefix(answer.Code, "08")
}

// commitOrFind commits tx with its last statements. If the answer is lost, it finds out whether the transaction with
// these audit entries was committed. The error is nil if it was, wraps confirm.ErrUnknownCommit if that is still not
// known after a while, and means otherwise that nothing was written.
func (s *Store) commitOrFind(ctx context.Context, tx transaction, first int64, lines string, last []*statement) error {
	err := tx.commit(ctx, last...)
	if err == nil || rejectsCommit(err) {
		return err
	}
	tx.rollback() // releases the connection
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		written, readErr := s.hasEntries(ctx, first, lines)
		switch {
		case readErr == nil && written:
			return nil
		case readErr == nil:
			return fmt.Errorf("the ledger did not commit, and nothing was written: %w", err)
		}
		if sleepContext(ctx, wait) != nil {
			return fmt.Errorf("%w: %w", confirm.ErrUnknownCommit, err)
		}
	}
}

// hasEntries reports whether the log has exactly these entries from entry first on. It takes the lock on the head of the
// log, which the transaction that wrote them holds until it has ended: before that, the log proves nothing.
func (s *Store) hasEntries(ctx context.Context, first int64, lines string) (bool, error) {
	tx, err := s.beginTx(ctx)
	if err != nil {
		return false, err
	}
	defer tx.rollback()
	var size int64
	var edge, found string
	err = tx.run(ctx,
		&statement{query: lockHead, dest: []any{&size, &edge}},
		&statement{query: selectLines, args: []any{first}, dest: []any{&found}})
	return found == lines, err
}
