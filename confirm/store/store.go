// Package store implements confirm.Store: changes, decisions, account links, the rate limiter and the audit log,
// in SQLite or PostgreSQL. Both databases run the same statements.
//
// A caller's transition waits in memory, shares a transaction with others that wait (batch.go), and is appended to
// the audit log in that transaction (audit_append.go). Verify replays the log and compares the tables with it
// (audit_verify.go).
//
// The invariant: a change, or a link of two accounts, and its audit entry are written in one transaction. A
// transition is one guarded UPDATE. It matches only while the change is still exactly as its caller has read it,
// and it commits together with its audit entry or not at all.
//
// The audit log is an append-only Merkle tree (RFC 6962, as in golang.org/x/mod/sumdb/tlog). A process that
// appends first checks that the previous root is signed with its own key, and then signs the new root. Without the
// key, entries cannot be altered and signed again. Verify also finds rows that were altered without an audit
// entry. No log inside a database can show that the whole database was replaced by an older copy. Against that,
// keep the Head that Verify returns, or the exported log, in another place.
//
// Several processes may share one database. The database decides between them, never their memory. A SQLite file
// must be on a local disk.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"scanwarden/confirm"
)

// Config locates the database and the audit signing key.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://...". A missing SQLite directory and file are created with modes 0700
	// and 0600.
	URL string
	// KeyDir holds the audit signing key audit.key and its public half audit.pub. Both are created on first use;
	// audit.key has mode 0600. Servers that share a PostgreSQL database must share the key too.
	KeyDir string
}

// Store keeps the changes and the audit log. Open creates one. It is safe for concurrent use.
type Store struct {
	*database
	key      auditKey
	queue    transitionQueue
	patience time.Duration // see commitPatience
	lastHead logHead       // the newest head that this process has read or written; guarded by queue.writeLock
}

var _ confirm.Store = (*Store)(nil)

// Open opens the database and creates or migrates its tables. It returns an error for a database that a newer
// scanwarden has written.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	key, err := loadKey(cfg.KeyDir)
	if err != nil {
		return nil, fmt.Errorf("open audit key: %w", err)
	}
	db, err := openDatabase(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), db.close())
	}
	return &Store{database: db, key: key, patience: commitPatience, queue: transitionQueue{writeLock: make(chan struct{}, 1)}}, nil
}

// CheckKey returns nil if the newest audit entry is signed with our key, or if there is no entry yet. With another
// key nothing can be appended to the log, and so nothing can be changed: the server must not start.
func (s *Store) CheckKey(ctx context.Context) error {
	var checkpoint string
	err := s.read.QueryRowContext(ctx, `SELECT checkpoint FROM audit ORDER BY n DESC LIMIT 1`).Scan(&checkpoint)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check audit key: %w", err)
	}
	if _, err := note.Open([]byte(checkpoint), note.VerifierList(s.key.verifier)); err != nil {
		return errors.New("the ledger's log is not signed with audit.key: restore that file from a backup, or name a new ledger in SCANWARDEN_DATABASE_URL")
	}
	return nil
}

// Close closes the database after the writes under way have finished.
func (s *Store) Close() error {
	if err := s.close(); err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// Ping returns nil if the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.readVersion(ctx, s.read); err != nil {
		return fmt.Errorf("ping ledger: %w", singleLineError{err})
	}
	return nil
}

// micros returns t as it is stored: microseconds since 1970, and 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros returns the time that micros has encoded, in UTC.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// querier is the reading half of *sql.DB and *sql.Tx.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
