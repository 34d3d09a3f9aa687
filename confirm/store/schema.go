package store

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"
)

// schemaVersion counts the shapes of the tables. A step from one to the next is another entry of a list here,
// once there is a second shape.
const schemaVersion = 1

//go:embed schema.sql
var schema string

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
	rest := append(strings.SplitAfter(schema, ";\n"), fmt.Sprintf(`INSERT INTO schema_version (version) VALUES (%d)`, schemaVersion))
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
