package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// postgresSentences explain answers of PostgreSQL by their SQLSTATE, or by its first two characters. Each says what to
// do.
var postgresSentences = map[string]string{
	"08":    "the connection to PostgreSQL was lost; try again, and look into its log if it happens often",
	"25006": "the PostgreSQL server is read-only, as a standby is, and one whose disk is full; name the primary in SCANWARDEN_DATABASE_URL, or add target_session_attrs=read-write to it",
	"28":    "PostgreSQL refused the user or the password; correct SCANWARDEN_DATABASE_URL",
	"3D000": "PostgreSQL has no database of that name; create it, or correct SCANWARDEN_DATABASE_URL",
	"40":    "other sessions of PostgreSQL kept getting in the way, and this was given up; try again in a moment",
	"42501": "the PostgreSQL user lacks a right on the ledger; grant it all rights on the schema and the tables, or name their owner in SCANWARDEN_DATABASE_URL",
	"42P01": "the ledger's tables are missing in PostgreSQL; name the database and search_path that hold them in SCANWARDEN_DATABASE_URL, or restore a backup",
	"53100": "the disk of PostgreSQL is full; make room on it",
	"53300": "PostgreSQL has no connection left; raise its max_connections, or close other clients",
	"55P03": "another session of PostgreSQL kept the ledger locked; try again, and look for an open transaction in pg_stat_activity if it happens again",
	"57014": "PostgreSQL did not finish in time, and this was given up; try again, and look at the load of the server if it happens again",
	"57P":   "PostgreSQL is stopping or starting; try again in a moment",
}

// reSQLState matches what the driver adds to a message of PostgreSQL.
var reSQLState = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:\b(?:ERROR|FATAL|PANIC): )|(?: ?\(SQLSTATE [0-9A-Z]{5}\))`)
})

// databaseError has a text for people instead of the driver's. Unwrap returns the driver's error.
type databaseError struct {
	text string
	err  error
}

func (e *databaseError) Error() string { return e.text }
func (e *databaseError) Unwrap() error { return e.err }

// isMissingTable reports whether a statement failed because its table does not exist.
func isMissingTable(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code == "42P01"
	}
	var e *sqlite.Error
	return errors.As(err, &e) && strings.Contains(e.Error(), "no such table")
}

// explainError returns err with a text that does not need knowledge of PostgreSQL's codes, and nil for nil. An error
// that PostgreSQL has not sent is returned as it is.
func explainError(err error) error {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || errors.As(err, new(*databaseError)) {
		return err
	}
	for _, code := range []string{answer.Code, answer.Code[:min(3, len(answer.Code))], answer.Code[:min(2, len(answer.Code))]} {
		if text, known := postgresSentences[code]; known {
			return &databaseError{text, err}
		}
	}
	text := strings.TrimSpace(reSQLState().ReplaceAllString(answer.Error(), ""))
	return &databaseError{fmt.Sprintf("PostgreSQL answered: %s; its log has the details", text), err}
}
