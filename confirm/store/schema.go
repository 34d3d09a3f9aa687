package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// schemaVersion counts the shapes of the tables. A step from one to the next is another entry of a list here,
// once there is a second shape.
const schemaVersion = 1

// schema is one for both databases: TEXT, BIGINT and nothing else. Times are microseconds since 1970, and
// what no WHERE looks at is kept as JSON.
func schema() []string {
	return []string{
		`CREATE TABLE change (
		id        TEXT PRIMARY KEY,
		code      TEXT NOT NULL,
		operation TEXT NOT NULL,
		target    TEXT NOT NULL,
		digest    TEXT NOT NULL,
		requester TEXT NOT NULL,
		via       TEXT NOT NULL,
		created   BIGINT NOT NULL,
		expires   BIGINT NOT NULL,
		state     TEXT NOT NULL,
		settled   BIGINT NOT NULL,
		version   BIGINT NOT NULL,
		round     BIGINT NOT NULL,
		outcome   TEXT NOT NULL,
		owner     TEXT NOT NULL,
		lease     BIGINT NOT NULL,
		updated   BIGINT NOT NULL
	)`,
		// The few changes that are looked for all the time. No index has a column in it that the moves of an open
		// change alter: they rewrite a small row, and nothing else.
		`CREATE INDEX change_unsettled ON change (created) WHERE settled = 0`,
		// What was fixed when the change was proposed, and can be long.
		`CREATE TABLE proposal (change_id TEXT PRIMARY KEY, proposed TEXT NOT NULL)`,
		// version is that of the change after the move which recorded the decision.
		`CREATE TABLE decision (
		change_id TEXT NOT NULL,
		person    TEXT NOT NULL,
		version   BIGINT NOT NULL,
		decision  TEXT NOT NULL,
		PRIMARY KEY (change_id, person)
	)`,
		`CREATE TABLE notice (
		change_id TEXT NOT NULL,
		channel   TEXT NOT NULL,
		kind      TEXT NOT NULL,
		message   TEXT NOT NULL,
		version   BIGINT NOT NULL,
		reminded  BIGINT NOT NULL,
		PRIMARY KEY (change_id, channel, kind)
	)`,
		`CREATE TABLE lease (
		name  TEXT PRIMARY KEY,
		owner TEXT NOT NULL,
		until BIGINT NOT NULL
	)`,
		// A row of the log for each transaction: entry n and those after it, one to a line; on the same lines of
		// hashes, what each of them completes in the tree; and the signed head after the last.
		`CREATE TABLE audit (
		n          BIGINT PRIMARY KEY,
		lines      TEXT NOT NULL,
		hashes     TEXT NOT NULL,
		checkpoint TEXT NOT NULL
	)`,
		// The lock on the one row of audit_head is what puts appenders in order, and that of budget, takers.
		`CREATE TABLE audit_head (one BIGINT PRIMARY KEY, n BIGINT NOT NULL, edge TEXT NOT NULL)`,
		`INSERT INTO audit_head (one, n, edge) VALUES (1, 0, '')`,
		`CREATE TABLE budget (one BIGINT PRIMARY KEY, taken BIGINT NOT NULL, paused BIGINT NOT NULL)`,
		`INSERT INTO budget (one, taken, paused) VALUES (1, 0, 0)`,
		`CREATE TABLE budget_call (n BIGINT PRIMARY KEY, at BIGINT NOT NULL)`,
	}
}

func (d *database) version(ctx context.Context, q querier) (v int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&v)
	return v, err
}

// schemaLock is held in PostgreSQL while tables are made: creating them at once fails with SQLSTATE 23505.
const schemaLock = `SELECT pg_advisory_xact_lock(7726419038122513)`

// prepare makes the tables when they are missing, and refuses those of another version.
func (d *database) prepare(ctx context.Context) error {
	for deadline := time.Now().Add(busyTimeout); ; {
		v, err := d.version(ctx, d.write)
		if err != nil {
			v, err = d.create(ctx) // whatever ails the ledger shows again, or there were no tables yet
		}
		if err == nil && v > schemaVersion {
			return fmt.Errorf("this ledger was written by a newer scanwarden (its schema is %d, this one knows %d): run that version, or name another ledger in SCANWARDEN_DATABASE_URL", v, schemaVersion)
		}
		if err == nil && d.sqlite {
			err = d.compile(ctx)
		}
		if !busy(err) || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// create makes the tables, unless somebody else did meanwhile.
func (d *database) create(ctx context.Context) (v int64, err error) {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after a commit
	first := []string{schemaLock, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`}
	if d.sqlite {
		first = first[1:]
	}
	if err := execute(ctx, tx, first); err != nil {
		return 0, err
	}
	if v, err = d.version(ctx, tx); !errors.Is(err, sql.ErrNoRows) {
		return v, errors.Join(err, tx.Commit())
	}
	rest := append(schema(), fmt.Sprintf(`INSERT INTO schema_version (version) VALUES (%d)`, schemaVersion))
	if err := execute(ctx, tx, rest); err != nil {
		return 0, err
	}
	return schemaVersion, tx.Commit()
}

func execute(ctx context.Context, tx *sql.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create tables: %w", err)
		}
	}
	return nil
}

func (d *database) compile(ctx context.Context) error {
	d.prepared = map[string]*sql.Stmt{}
	for _, query := range hot() {
		prepared, err := d.write.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		d.prepared[query] = prepared
	}
	return nil
}

// pause sleeps for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
