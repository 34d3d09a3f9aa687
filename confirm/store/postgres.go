package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Bounds of a statement of ours at PostgreSQL. A session that holds the log's lock blocks all replicas, so it must not
// stay idle in a transaction, for example after its machine was suspended.
const (
	txTimeout   = 30 * time.Second // of one transaction, and of one of its statements
	lockTimeout = 10 * time.Second // of the wait for one lock
	idleTimeout = time.Minute      // of a transaction that sends no statement
)

// maxDescriptions bounds the statements whose types one connection remembers. There are fewer.
const maxDescriptions = 512

// openPostgres returns a pool. It does not connect yet.
func openPostgres(config Config) (*database, error) {
	cfg, err := pgx.ParseConfig(config.URL)
	if err != nil {
		// The parser's error may quote the password.
		return nil, errors.New("the database URL is not one PostgreSQL understands; correct SCANWARDEN_DATABASE_URL")
	}
	// PgBouncer in transaction mode gives each transaction another connection, on which a statement that was prepared by
	// name is missing, or is there already. The modes exec and simple_protocol would do too, but report a lost answer to
	// COMMIT as "conn closed", as if nothing had been sent: see rejectsCommit. So the URL cannot choose one.
	cfg.DefaultQueryExecMode, cfg.DescriptionCacheCapacity = pgx.QueryExecModeCacheDescribe, maxDescriptions
	options := []stdlib.OptionOpenDB{stdlib.OptionAfterConnect(configureSession)}
	if config.Password != nil {
		if err := checkSendsSecretly(cfg); err != nil {
			return nil, err
		}
		options = append(options, stdlib.OptionBeforeConnect(withPassword(config.Password)))
	}
	db := stdlib.OpenDB(*cfg, options...)
	db.SetMaxOpenConns(2 * maxReaders)
	db.SetMaxIdleConns(maxReaders)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &database{write: db, read: db, location: postgresLocation(cfg)}, nil
}

// withPassword returns a function that asks for the password of each new connection.
func withPassword(password func(context.Context) (string, error)) func(context.Context, *pgx.ConnConfig) error {
	return func(ctx context.Context, cfg *pgx.ConnConfig) error {
		text, err := password(ctx)
		if err != nil {
			return fmt.Errorf("get the password of the database: %w", err)
		}
		cfg.Password = text
		return nil
	}
}

// checkSendsSecretly returns an error if a password could cross a network in the clear: to a host or a fallback of it,
// without TLS.
func checkSendsSecretly(cfg *pgx.ConnConfig) error {
	places := []*pgconn.FallbackConfig{{Host: cfg.Host, TLSConfig: cfg.TLSConfig}}
	for _, place := range append(places, cfg.Fallbacks...) {
		address, err := netip.ParseAddr(place.Host)
		local := strings.HasPrefix(place.Host, "/") || place.Host == "localhost" || err == nil && address.IsLoopback()
		if place.TLSConfig == nil && !local {
			return errors.New("a token must not cross the network without TLS; add sslmode=verify-full to SCANWARDEN_DATABASE_URL")
		}
	}
	return nil
}

// postgresLocation returns what identifies the ledger among those that one state directory may have been used with.
func postgresLocation(cfg *pgx.ConnConfig) string {
	return fmt.Sprintf("postgres:%s:%d/%s?search_path=%s", cfg.Host, cfg.Port, cfg.Database, cfg.RuntimeParams["search_path"])
}

// sessionSettings do not depend on the defaults of the server, the database or the role. A commit is acknowledged only
// when it is on the disk of the primary and of every synchronous standby; remote_apply is the one level that waits for
// more. The isolation level is the one that the guards of our statements are written for. It also applies to
// statements outside a transaction.
const sessionSettings = `SELECT
	set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
	set_config('default_transaction_isolation', 'read committed', false),
	set_config('statement_timeout', $1::text, false),
	set_config('lock_timeout', $2::text, false),
	set_config('idle_in_transaction_session_timeout', $3::text, false)`

// configureSession applies sessionSettings to a new connection.
func configureSession(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, sessionSettings, pgx.QueryExecModeExec,
		pgMillis(txTimeout), pgMillis(lockTimeout), pgMillis(idleTimeout))
	return err
}

func pgMillis(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// beginStatement starts a writing transaction. The level is that of sessionSettings; it is repeated here because a
// connection pooler may hand out a connection that lost its settings.
const beginStatement = "BEGIN ISOLATION LEVEL READ COMMITTED"

// durableCommit makes the commit of this transaction durable, like sessionSettings. It is repeated for the same reason.
const durableCommit = `SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)`

// allowLongStatements lifts the time-outs for the rest of a transaction whose statements take as long as the ledger is
// large. It does nothing with SQLite.
func (d *database) allowLongStatements(ctx context.Context, tx *sql.Tx) error {
	if d.sqlite {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT set_config('statement_timeout', '0', true),
		set_config('lock_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)`)
	return err
}
