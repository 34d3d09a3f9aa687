// Package store is the ledger: changes, people's decisions, the call budget and the audit log, in SQLite or
// PostgreSQL, by the same statements on both.
//
// The invariant: a change, or a link of two accounts, and its audit entry are written in one transaction. A
// transition is one guarded UPDATE, which matches only while the change is still exactly as its caller has read
// it, and which commits together with the line that tells of it, or not at all.
//
// The audit log is an append-only Merkle tree (RFC 6962, as in golang.org/x/mod/sumdb/tlog). Whoever appends
// signs the root, after seeing that the root before it was signed by the same key; so nobody without the key
// can rewrite what the log says and have it signed over later. Verify proves the log, and then that the
// tables agree with it: a row that was altered behind the log's back is found. What no log inside a database
// can show is that the whole database was replaced by an older copy: keep the Head that Verify returns, or
// the exported log, somewhere else.
//
// Several processes may share one ledger; the database decides between them, never their memory. A SQLite
// file must lie on a local disk.
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

// Config says where the ledger lives.
type Config struct {
	// URL is "sqlite:PATH", whose directory and file are made when missing (modes 0700 and 0600), or
	// "postgres://...".
	URL string
	// KeyDir holds the audit signing key: audit.key, made on first use (mode 0600), and audit.pub, which
	// verifies. Servers that share a PostgreSQL ledger must share the key too.
	KeyDir string
}

// Store is a ledger, made by Open and safe for concurrent use. It implements confirm.Ledger.
type Store struct {
	*database
	key      auditKey
	queue    transitionQueue
	lastHead logHead // the newest head that this process found or left in the ledger; whoever has the turn may use it
}

var _ confirm.Store = (*Store)(nil)

// Open opens the ledger, and creates its tables on first use. A ledger written by a newer scanwarden is refused.
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
	return &Store{database: db, key: key, queue: transitionQueue{writeLock: make(chan struct{}, 1)}}, nil
}

// CheckKey says nil when the newest entry of the log is signed with our key, or there is none yet. With another
// key nothing can be added to the log, and so nothing be changed: a server had better not start.
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

// Close closes the ledger; what is being written is finished first.
func (s *Store) Close() error {
	if err := s.close(); err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// Ping reports whether the ledger can be read.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.readVersion(ctx, s.read); err != nil {
		return fmt.Errorf("ping ledger: %w", singleLineError{err})
	}
	return nil
}

// micros is how every time is kept: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// querier is what *sql.DB and *sql.Tx have in common for reading.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
