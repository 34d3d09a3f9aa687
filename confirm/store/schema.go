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

//go:embed schema.sql
var schemaV1 string

//go:embed links.sql
var schemaV2 string

//go:embed claims.sql
var schemaV3 string

//go:embed seal.sql
var schemaV4 string

//go:embed sessions.sql
var schemaV5 string

// schemaVersion counts the migrations. A database of version n has run the first n of them.
const schemaVersion = 5

func migrations() [schemaVersion]string {
	return [schemaVersion]string{schemaV1, schemaV2, schemaV3, schemaV4, schemaV5}
}

func (d *database) readVersion(ctx context.Context, q querier) (v int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&v)
	return v, err
}

// schemaLock is held in PostgreSQL during migrations: creating the same tables at once fails with SQLSTATE 23505.
const schemaLock = `SELECT pg_advisory_xact_lock(7726419038122513)`

// migrate creates missing tables and updates those of an older version. It returns an error for a newer version.
// With SQLite it also prepares the statements.
func (d *database) migrate(ctx context.Context) error {
	for deadline := time.Now().Add(busyTimeout); ; {
		v, err := d.readVersion(ctx, d.write)
		if err != nil || v < schemaVersion {
			v, err = d.runMigrations(ctx) // there are no tables yet, or the same error occurs again
		}
		if err == nil && v > schemaVersion {
			return fmt.Errorf("this ledger was written by a newer scanwarden (its schema is %d, this version knows %d): run that version, or set SCANWARDEN_DATABASE_URL to another ledger", v, schemaVersion)
		}
		if err == nil && d.sqlite {
			err = d.prepareStatements(ctx)
		}
		if !isBusy(err) || time.Now().After(deadline) {
			return d.openError(err)
		}
		if err := sleepContext(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// runMigrations runs the migrations that are still missing and returns the version reached. All run in one
// transaction, so that a database is never between two versions. Another process may have run them meanwhile.
func (d *database) runMigrations(ctx context.Context) (v int64, err error) {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // no effect after a commit
	if err := d.allowLongStatements(ctx, tx); err != nil {
		return 0, err
	}
	first := []string{schemaLock, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`}
	if d.sqlite {
		first = first[1:]
	}
	if err := execAll(ctx, tx, first); err != nil {
		return 0, err
	}
	record := `UPDATE schema_version SET version = %d`
	if v, err = d.readVersion(ctx, tx); errors.Is(err, sql.ErrNoRows) {
		v, err, record = 0, nil, `INSERT INTO schema_version (version) VALUES (%d)`
	}
	if err != nil || v >= schemaVersion {
		return v, errors.Join(err, tx.Commit())
	}
	all := migrations()
	for _, step := range all[v:] {
		if err := execAll(ctx, tx, strings.SplitAfter(step, ";\n")); err != nil {
			return 0, err
		}
	}
	if err := execAll(ctx, tx, []string{fmt.Sprintf(record, schemaVersion)}); err != nil {
		return 0, err
	}
	return schemaVersion, tx.Commit()
}

func execAll(ctx context.Context, tx *sql.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make tables: %w", err)
		}
	}
	return nil
}

// prepareStatements compiles preparedQueries with SQLite.
func (d *database) prepareStatements(ctx context.Context) error {
	d.prepared = map[string]*sql.Stmt{}
	for _, query := range preparedQueries() {
		prepared, err := d.write.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		d.prepared[query] = prepared
	}
	return nil
}

// sleepContext waits for d, or until ctx ends, and returns the error of ctx.
func sleepContext(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
