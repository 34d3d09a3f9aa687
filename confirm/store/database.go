package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// database holds the connection pools. SQLite has one writing connection: with more of them, a writer that loses
// the race for the file lock polls and can wait for seconds. PostgreSQL has one pool for both.
type database struct {
	sqlite      bool
	file        string // path of the SQLite file; "" with PostgreSQL
	location    string // identifies the ledger among others; no secret
	write, read *sql.DB
	prepared    map[string]*sql.Stmt // by query, see preparedQueries; nil with PostgreSQL
}

const (
	maxReaders  = 4
	busyTimeout = 10 * time.Second // how long a SQLite statement waits for another process's lock
)

// withTxTimeout returns the context of a transaction that continues after its callers have left. With SQLite it
// has no deadline: only the busy timeout waits for another process, and a context that can end costs the driver a
// goroutine per statement, which halves the throughput.
func (d *database) withTxTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if d.sqlite {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, txTimeout)
}

// openDatabase returns the connection pools for a database URL.
func openDatabase(cfg Config) (*database, error) {
	scheme, rest, _ := strings.Cut(cfg.URL, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(rest)
	case "postgres", "postgresql":
		return openPostgres(cfg)
	}
	return nil, errors.New(`the database URL must be "sqlite:PATH" or "postgres://..."; correct SCANWARDEN_DATABASE_URL`)
}

// openSQLite creates the file if it is missing and returns its pools.
func openSQLite(path string) (*database, error) {
	path, err := sqlitePath(path)
	if err != nil {
		return nil, err
	}
	file, err := createSQLiteFile(path)
	if err != nil {
		return nil, createError(path, err, databaseSetting)
	}
	wait := fmt.Sprintf("_pragma=busy_timeout(%d)", busyTimeout.Milliseconds())
	write, err := sql.Open("sqlite", file+"?_txlock=immediate&"+wait+"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", file+"?mode=ro&"+wait)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(maxReaders)
	read.SetMaxIdleConns(maxReaders)
	return &database{sqlite: true, file: path, location: "sqlite:" + path, write: write, read: read}, nil
}

// sqlitePath returns the absolute path of a SQLite file. It returns an error for an in-memory database, a URI and
// a path with a host name.
func sqlitePath(path string) (string, error) {
	switch {
	case path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:"):
		return "", fmt.Errorf(`"sqlite:%s" names no file on disk, where a change could survive a restart; give "sqlite:PATH" in SCANWARDEN_DATABASE_URL`, path)
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "", fmt.Errorf(`"sqlite:%s" has a host name; give "sqlite:/PATH" in SCANWARDEN_DATABASE_URL`, path)
	}
	return filepath.Abs(path)
}

// createSQLiteFile creates the file with mode 0600 if it is missing, and returns its URI. SQLite gives the files
// it creates beside it (-wal, -shm) the same mode, whatever the umask. The file must not be opened here: closing
// it would drop the locks that SQLite holds on it in this process (https://sqlite.org/howtocorrupt.html).
func createSQLiteFile(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := createPrivateFile(path, ""); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	slashed := "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")
	return "file://" + (&url.URL{Path: slashed}).EscapedPath(), nil
}

func (d *database) close() error {
	if d.read == d.write {
		return d.write.Close()
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// isBusy reports whether SQLite stopped waiting for another process. Changing a new file to WAL, and closing the
// last connection of one, do not wait at all.
func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// readSnapshot runs do in a read-only transaction, which sees one state of the database throughout and may take long.
func (d *database) readSnapshot(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing was written
	if err := d.allowLongStatements(ctx, tx); err != nil {
		return err
	}
	return do(tx)
}
