package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// statement is one step of a transaction.
type statement struct {
	query   string // one of preparedQueries
	args    []any
	dest    []any                                    // where to scan the returned row; nil if the query returns none
	each    func(scan func(dest ...any) error) error // called for each returned row; nil if dest is enough
	matched bool                                     // set by the execution: a row was returned or altered
}

// transaction runs statements. Both databases take the same ones, but differ in what makes them slow. SQLite would
// compile each again, so it has them prepared. PostgreSQL is a network round trip away, so the statements of one
// call, BEGIN and COMMIT are sent together.
type transaction interface {
	// run executes the statements in order. After an error only rollback may be called.
	run(ctx context.Context, all ...*statement) error
	// commit executes the statements and commits. After an error the outcome of the commit may be unknown: see rejectsCommit.
	commit(ctx context.Context, last ...*statement) error
	// rollback ends the transaction. After a successful commit it does nothing.
	rollback()
}

// beginTx starts a writing transaction.
func (d *database) beginTx(ctx context.Context) (transaction, error) {
	if d.sqlite {
		tx, err := d.write.BeginTx(ctx, nil)
		return &sqliteTx{tx, d.prepared}, err
	}
	conn, err := d.write.Conn(ctx)
	return &postgresTx{conn: conn}, err
}

type sqliteTx struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func (t *sqliteTx) run(ctx context.Context, all ...*statement) error {
	for _, s := range all {
		if err := s.runPrepared(ctx, t.tx.StmtContext(ctx, t.prepared[s.query])); err != nil {
			return err
		}
	}
	return nil
}

func (t *sqliteTx) commit(ctx context.Context, last ...*statement) error {
	if err := t.run(ctx, last...); err != nil {
		return err
	}
	return t.tx.Commit()
}

func (t *sqliteTx) rollback() { t.tx.Rollback() }

// runPrepared executes the statement with SQLite.
func (s *statement) runPrepared(ctx context.Context, prepared *sql.Stmt) error {
	if s.each != nil {
		rows, err := prepared.QueryContext(ctx, s.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		return s.scanEach(rows)
	}
	if s.dest != nil {
		return s.ignoreNoRows(prepared.QueryRowContext(ctx, s.args...).Scan(s.dest...))
	}
	r, err := prepared.ExecContext(ctx, s.args...)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	s.matched = n > 0
	return err
}

// rowScanner is the part of *sql.Rows and pgx.Rows that reads a result.
type rowScanner interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}

// scanEach calls each for every row.
func (s *statement) scanEach(rows rowScanner) error {
	for rows.Next() {
		s.matched = true
		if err := s.each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ignoreNoRows records whether Scan found a row, and returns nil if there was none.
func (s *statement) ignoreNoRows(err error) error {
	s.matched = err == nil
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

type postgresTx struct {
	conn     *sql.Conn
	started  bool
	finished bool
}

func (t *postgresTx) run(ctx context.Context, all ...*statement) error {
	var batch pgx.Batch
	if !t.started {
		batch.Queue(beginStatement)
		batch.Queue(durableCommit)
		t.started = true
	}
	queueStatements(&batch, all)
	return t.sendBatch(ctx, &batch)
}

func (t *postgresTx) commit(ctx context.Context, last ...*statement) error {
	var batch pgx.Batch
	queueStatements(&batch, last)
	batch.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" { // PostgreSQL answers ROLLBACK, and no error, after a failed statement
			return fmt.Errorf("the server answered COMMIT with %s", tag)
		}
		t.finished = true
		return nil
	})
	return t.sendBatch(ctx, &batch)
}

// queueStatements adds the statements to a batch, each with the callback that reads its result.
func queueStatements(batch *pgx.Batch, all []*statement) {
	for _, s := range all {
		queued := batch.Queue(s.query, s.args...)
		if s.each != nil {
			queued.Query(func(rows pgx.Rows) error { return s.scanEach(rows) })
			continue
		}
		if s.dest != nil {
			queued.QueryRow(func(row pgx.Row) error { return s.ignoreNoRows(row.Scan(s.dest...)) })
			continue
		}
		queued.Exec(func(tag pgconn.CommandTag) error {
			s.matched = tag.RowsAffected() > 0
			return nil
		})
	}
}

func (t *postgresTx) sendBatch(ctx context.Context, batch *pgx.Batch) error {
	return t.conn.Raw(func(conn any) error {
		return conn.(*stdlib.Conn).Conn().SendBatch(ctx, batch).Close()
	})
}

// rollback returns the connection to the pool. A connection that cannot be rolled back is closed, which has the
// same effect.
func (t *postgresTx) rollback() {
	if t.started && !t.finished {
		t.finished = true
		t.conn.Raw(func(conn any) error {
			if _, err := conn.(*stdlib.Conn).Conn().Exec(context.Background(), "ROLLBACK"); err != nil {
				return driver.ErrBadConn
			}
			return nil
		})
	}
	t.conn.Close()
}
