package store_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"scanwarden/confirm"
)

func sqlTamper(statements ...string) func(*testing.T, testDatabase, confirm.Change, confirm.Change) {
	return func(t *testing.T, l testDatabase, _, _ confirm.Change) {
		for _, statement := range statements {
			l.alter(t, statement)
		}
	}
}

// rowTamper returns a function that alters the row of the open change.
func rowTamper(set string) func(*testing.T, testDatabase, confirm.Change, confirm.Change) {
	return func(t *testing.T, l testDatabase, _, open confirm.Change) {
		l.alter(t, `UPDATE change SET `+set+` WHERE id = $1`, open.ID)
	}
}

// proposalTamper returns a function that alters the stored proposal of the open change.
func proposalTamper(set string) func(*testing.T, testDatabase, confirm.Change, confirm.Change) {
	return func(t *testing.T, l testDatabase, _, open confirm.Change) {
		l.alter(t, `UPDATE proposal SET `+set+` WHERE change_id = $1`, open.ID)
	}
}

// truncateLog restores the log after four entries, with the head that was signed then.
func truncateLog(t *testing.T, l testDatabase, _, _ confirm.Change) {
	_, edge := hashAll(t, logLines(t, l)[:4])
	l.alter(t, `DELETE FROM audit WHERE n >= 4`)
	l.alter(t, `UPDATE audit_head SET n = 4, edge = $1`, edge)
}

// rewriteLog edits entry 1 and computes every hash again. It lacks only the key.
func rewriteLog(t *testing.T, l testDatabase, _, _ confirm.Change) {
	lines := logLines(t, l)
	lines[1] = strings.Replace(lines[1], "ada", "eve", 1)
	hashes, edge := hashAll(t, lines)
	for n := range lines {
		l.alter(t, `UPDATE audit SET lines = $1, hashes = $2 WHERE n = $3`, lines[n], hashes[n], n)
	}
	l.alter(t, `UPDATE audit_head SET edge = $1`, edge)
}

func logLines(t testing.TB, l testDatabase) (lines []string) {
	t.Helper()
	rows, err := l.raw.Query(`SELECT lines FROM audit ORDER BY n`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		lines = append(lines, line)
	}
	must(t, rows.Err())
	return lines
}

// hashAll returns what the columns hashes and edge hold for a log of these lines.
func hashAll(t testing.TB, lines []string) (hashes []string, edge string) {
	t.Helper()
	var stored []tlog.Hash
	var asked []int64
	reader := tlog.HashReaderFunc(func(at []int64) (found []tlog.Hash, _ error) {
		asked = at
		for _, i := range at {
			found = append(found, stored[i])
		}
		return found, nil
	})
	for n, line := range lines {
		completed, err := tlog.StoredHashes(int64(n), []byte(line), reader)
		must(t, err)
		stored = append(stored, completed...)
		hashes = append(hashes, strings.Trim(fmt.Sprint(completed), "[]"))
	}
	_, err := tlog.TreeHash(int64(len(lines)), reader) // asks for the edge
	must(t, err)
	var at []string
	for _, i := range asked {
		at = append(at, stored[i].String())
	}
	return hashes, strings.Join(at, " ")
}
