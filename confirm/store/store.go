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
// entry. No log inside a database can show that the whole database was replaced by an older copy. So the newest head
// is also recorded in the state directory (head_pin.go), and CheckHead and Verify compare the log with it.
//
// Several processes may share one database. The database decides between them, never their memory. A SQLite file
// must be on a local disk.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"scanwarden/confirm"
)

// Config locates the database and the audit signing key.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://...". A missing SQLite directory and file are created with modes 0700
	// and 0600.
	URL string
	// Password returns the password for a new connection to PostgreSQL, in place of one in URL. It is called for each
	// connection, so that it may return a token that expires. It requires TLS, except on this machine. Nil uses URL alone.
	Password func(ctx context.Context) (string, error)
	// KeyDir holds the audit signing key audit.key and its public half audit.pub. Both are created on first use;
	// audit.key has mode 0600. Servers that share a PostgreSQL database must share the key too. The newest head of the
	// log is recorded there as well, in a file audit.head-ID for each ledger.
	KeyDir string
	// OnPinError is called when the head of the log could not be recorded in KeyDir. It may be nil.
	OnPinError func(error)
}

// Store keeps the changes and the audit log. Open and OpenExisting create one. It is safe for concurrent use.
type Store struct {
	*database
	key       auditKey
	queue     transitionQueue
	pin       *headPin
	patience  time.Duration // see commitPatience
	lastHead  logHead       // the newest head that this process has read or written; guarded by queue.writeLock
	lastSets  signedSets    // of that head; guarded by queue.writeLock
	follower  logFollower
	knownSize atomic.Int64 // lastHead.size, for readers

	inspected bool // opened by OpenExisting
}

var _ confirm.Store = (*Store)(nil)

// ErrNoLedger is returned by OpenExisting if no server has created the ledger yet.
var ErrNoLedger = errors.New("there is no ledger yet")

// Open opens the database and creates or migrates its tables. It creates the audit key if the log is empty. It returns
// an error for a database that a newer scanwarden has written.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	key, err := readKey(cfg.KeyDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open audit key: %w", err)
	}
	db, err := openDatabase(cfg)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), db.close())
	}
	if key, err = db.loadKey(ctx, cfg.KeyDir, key); err != nil {
		return nil, errors.Join(fmt.Errorf("open audit key: %w", err), db.close())
	}
	return newStore(cfg, db, key), nil
}

// OpenExisting opens a ledger for commands that inspect it. Unlike Open it creates neither a ledger nor a key: it
// returns ErrNoLedger, or an error that names the missing file. It migrates tables of an older version.
func OpenExisting(ctx context.Context, cfg Config) (*Store, error) {
	if path, ok := strings.CutPrefix(cfg.URL, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNoLedger
		}
	}
	db, err := openDatabase(cfg)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	switch _, err := db.readVersion(ctx, db.read); {
	case isMissingTable(err):
		return nil, errors.Join(ErrNoLedger, db.close())
	case err != nil && !isBusy(err): // migrate waits for a database that is busy
		return nil, errors.Join(fmt.Errorf("open ledger: %w", db.openError(err)), db.close())
	}
	key, err := readKey(cfg.KeyDir)
	if errors.Is(err, fs.ErrNotExist) {
		err = missingKeyError(cfg.KeyDir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open audit key: %w", err), db.close())
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), db.close())
	}
	s := newStore(cfg, db, key)
	s.inspected = true
	return s, nil
}

func newStore(cfg Config, db *database, key auditKey) *Store {
	return &Store{
		database: db, key: key, pin: newHeadPin(cfg, key, db.location), patience: commitPatience,
		queue: transitionQueue{writeLock: make(chan struct{}, 1)},
	}
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
		return fmt.Errorf("check audit key: %w", explainError(err))
	}
	if _, err := note.Open([]byte(checkpoint), note.VerifierList(s.key.verifier)); err != nil {
		return errors.New("the ledger's log is not signed with audit.key: restore that file from a backup, or name a new ledger in SCANWARDEN_DATABASE_URL")
	}
	return nil
}

// Close closes the database after the writes under way have finished, and records the head of the log.
func (s *Store) Close() error {
	if err := errors.Join(s.close(), s.pin.flush()); err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// Ping returns nil if the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.readVersion(ctx, s.read); err != nil {
		return fmt.Errorf("ping ledger: %w", explainError(singleLineError{err}))
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
