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
	query   string // one of hot
	args    []any
	dest    []any // where the row goes that it returns; nil when it returns none
	matched bool  // set when it was executed: it returned a row, or altered one
}

// transaction runs statements. The databases take the same ones, but differ in what makes them slow: SQLite
// would compile each anew, so it has them prepared; PostgreSQL is a round trip away, so those of one call are
// sent together, and so are BEGIN and COMMIT.
type transaction interface {
	// run executes the statements in order. After an error nothing but rollback makes sense.
	run(ctx context.Context, all ...*statement) error
	// commit executes the statements and commits.
	commit(ctx context.Context, last ...*statement) error
	// rollback ends the transaction; after commit it does nothing.
	rollback()
}

// beginTx starts a transaction of the writing side.
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

func (s *statement) runPrepared(ctx context.Context, prepared *sql.Stmt) error {
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

// ignoreNoRows takes the result of a Scan, for which it is no error that there is no row.
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
	var together pgx.Batch
	if !t.started {
		together.Queue("BEGIN")
		t.started = true
	}
	queueStatements(&together, all)
	return t.sendBatch(ctx, &together)
}

func (t *postgresTx) commit(ctx context.Context, last ...*statement) error {
	var together pgx.Batch
	queueStatements(&together, last)
	together.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" { // it says ROLLBACK when a statement had failed
			return fmt.Errorf("the server answered COMMIT with %s", tag)
		}
		t.finished = true
		return nil
	})
	return t.sendBatch(ctx, &together)
}

func queueStatements(together *pgx.Batch, all []*statement) {
	for _, s := range all {
		queued := together.Queue(s.query, s.args...)
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

func (t *postgresTx) sendBatch(ctx context.Context, together *pgx.Batch) error {
	return t.conn.Raw(func(conn any) error {
		return conn.(*stdlib.Conn).Conn().SendBatch(ctx, together).Close()
	})
}

// rollback gives the connection back. One that cannot be rolled back is closed, which has the same effect.
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
