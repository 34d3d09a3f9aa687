package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// statement is one step of a transaction.
type statement struct {
	query string // one of hot
	args  []any
	into  []any // where the row goes that it returns; nil when it returns none
	hit   bool  // set by run: it returned a row, or altered one
}

// transaction runs statements. The databases take the same ones, but differ in what makes them slow: SQLite
// would compile each anew, so it has them prepared; PostgreSQL is a round trip away, so those of one run are
// sent together.
type transaction interface {
	// run executes the statements in order. After an error nothing but rollback makes sense.
	run(ctx context.Context, all ...*statement) error
	commit() error
	rollback() // does nothing after commit
}

// begin starts a transaction of the writing side.
func (d *database) begin(ctx context.Context) (transaction, error) {
	if d.sqlite {
		tx, err := d.write.BeginTx(ctx, nil)
		return &sqliteTx{tx, d.prepared}, err
	}
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &postgresTx{tx, conn}, nil
}

type sqliteTx struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func (t *sqliteTx) run(ctx context.Context, all ...*statement) error {
	for _, s := range all {
		if err := s.execute(ctx, t.tx.StmtContext(ctx, t.prepared[s.query])); err != nil {
			return err
		}
	}
	return nil
}

func (s *statement) execute(ctx context.Context, prepared *sql.Stmt) error {
	if s.into != nil {
		return s.found(prepared.QueryRowContext(ctx, s.args...).Scan(s.into...))
	}
	r, err := prepared.ExecContext(ctx, s.args...)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	s.hit = n > 0
	return err
}

// found takes the result of a Scan, for which it is no error that there is no row.
func (s *statement) found(err error) error {
	s.hit = err == nil
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func (t *sqliteTx) commit() error { return t.tx.Commit() }
func (t *sqliteTx) rollback()     { t.tx.Rollback() }

type postgresTx struct {
	tx   *sql.Tx
	conn *sql.Conn
}

func (t *postgresTx) run(ctx context.Context, all ...*statement) error {
	var together pgx.Batch
	for _, s := range all {
		queued := together.Queue(s.query, s.args...)
		if s.into != nil {
			queued.QueryRow(func(row pgx.Row) error { return s.found(row.Scan(s.into...)) })
			continue
		}
		queued.Exec(func(tag pgconn.CommandTag) error {
			s.hit = tag.RowsAffected() > 0
			return nil
		})
	}
	return t.conn.Raw(func(driver any) error {
		return driver.(*stdlib.Conn).Conn().SendBatch(ctx, &together).Close()
	})
}

func (t *postgresTx) commit() error {
	return errors.Join(t.tx.Commit(), t.conn.Close())
}

func (t *postgresTx) rollback() {
	t.tx.Rollback()
	t.conn.Close()
}
