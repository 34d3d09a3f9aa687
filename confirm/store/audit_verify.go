package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"scanwarden/confirm"
)

// Head is the result of Verify: the log has this many entries, under this root of their tree. A Head that is kept
// in another place shows later whether the log was cut or replaced.
type Head struct {
	Entries int64
	Hash    string // base64
	Key     string // verifies the checkpoints; in the form of golang.org/x/mod/sumdb/note
}

// BadEntryError identifies the first audit entry that is not valid, counted from 0 as in the entries' own "n". If
// the log is valid but a row disagrees with it, Entry is the newest entry about that change or link. For a row
// that the log does not know, Entry is the number of the missing entry.
type BadEntryError struct {
	Entry int64
	Why   string
}

func (e *BadEntryError) Error() string {
	return fmt.Sprintf("audit entry %d does not hold: %s", e.Entry, e.Why)
}

func badEntry(n int64, format string, args ...any) error {
	return &BadEntryError{Entry: n, Why: fmt.Sprintf(format, args...)}
}

// Verify replays the whole log, checks every signed checkpoint, and compares each change and each link with the
// log, and the log with the head that was recorded in the state directory. A *BadEntryError describes what is not valid; any other error means that reading failed. Verify reads one
// state of the database and does not block writers.
func (s *Store) Verify(ctx context.Context) (Head, error) {
	pinned, err := s.pin.read() // before the log is read, which only grows
	if err != nil {
		return Head{}, fmt.Errorf("verify audit log: %w", err)
	}
	v := logVerifier{
		key: s.key, pin: s.pin, pinned: pinned, changes: map[string]replayedChange{}, histories: map[string]history{},
		links: linkSet{from: map[confirm.Principal]linkState{}, to: map[confirm.Principal]bool{}},
	}
	err = s.readSnapshot(ctx, func(tx *sql.Tx) error {
		if err := v.replayLog(ctx, tx); err != nil {
			return err
		}
		if err := v.compareChanges(ctx, tx); err != nil {
			return err
		}
		if err := v.compareClaims(ctx, tx); err != nil {
			return err
		}
		return v.compareLinks(ctx, tx)
	})
	if err != nil {
		return Head{}, fmt.Errorf("verify audit log: %w", explainError(err))
	}
	now, err := v.log.currentHead()
	if err != nil {
		return Head{}, fmt.Errorf("verify audit log: %w", err)
	}
	return Head{Entries: now.size, Hash: now.root.String(), Key: s.key.public}, nil
}

// auditRow is a row of table audit: the entries of one transaction.
type auditRow struct {
	n                         int64
	lines, hashes, checkpoint string
}

// eachAuditRow calls yield for each row of the log, oldest first, and stops at its first error.
func eachAuditRow(ctx context.Context, q querier, yield func(auditRow) error) error {
	rows, err := q.QueryContext(ctx, `SELECT n, lines, hashes, checkpoint FROM audit ORDER BY n`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t auditRow
		if err := rows.Scan(&t.n, &t.lines, &t.hashes, &t.checkpoint); err != nil {
			return err
		}
		if err := yield(t); err != nil {
			return err
		}
	}
	return rows.Err()
}

// logVerifier is the progress of one Verify.
type logVerifier struct {
	key       auditKey
	pin       *headPin
	pinned    logHead                   // recorded in the state directory; zero for none
	log       merkleTree                // as replayed so far
	changes   map[string]replayedChange // state of each change according to the log
	histories map[string]history        // transitions of each change
	links     linkSet                   // account links according to the log
	sets      signedSets                // of links, and of the claims that changes hold
}

// replayLog replays every row of the log and compares the result with the stored head.
func (v *logVerifier) replayLog(ctx context.Context, tx *sql.Tx) error {
	var size int64
	var edge string
	if err := tx.QueryRowContext(ctx, `SELECT n, edge FROM audit_head`).Scan(&size, &edge); err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	err := eachAuditRow(ctx, tx, func(t auditRow) error {
		if t.n >= size {
			return badEntry(t.n, "it is beyond the head, which counts %d entries", size)
		}
		return v.replayRow(t)
	})
	switch {
	case err != nil:
		return err
	case v.log.size != size:
		return badEntry(min(v.log.size, size), "the head counts %d entries, and there are %d", size, v.log.size)
	case v.log.String() != edge:
		return badEntry(size, "the head was altered: the next entry would not fit the log")
	case size < v.pinned.size:
		return badEntry(size, "the log ends before it: %s", v.pin.describe(logHead{size: size}, v.pinned))
	}
	return nil
}

// replayRow checks the entries of one transaction as if they were appended now.
func (v *logVerifier) replayRow(t auditRow) error {
	if want := v.log.size; t.n != want {
		return badEntry(want, "it is missing: entry %d is in its place", t.n)
	}
	lines, hashes := strings.Split(t.lines, "\n"), strings.Split(t.hashes, "\n")
	for i, line := range lines {
		if err := v.replayEntry(line, hashes[min(i, len(hashes)-1)]); err != nil {
			return err
		}
	}
	if len(hashes) > len(lines) {
		return badEntry(v.log.size, "it is missing, and its hashes are still there")
	}
	now, err := v.log.currentHead()
	if err != nil {
		return err
	}
	sets, err := v.key.verifyHead(now, t.checkpoint)
	switch {
	case err != nil:
		return badEntry(t.n, "%v", err)
	case sets.links != v.sets.links:
		return badEntry(t.n, "the signed checkpoint is of other account links")
	case sets.claims != v.sets.claims:
		return badEntry(t.n, "the signed checkpoint is of other claims")
	}
	return nil
}

// replayEntry checks one entry against its hashes, the rules of transitions and the rules of links.
func (v *logVerifier) replayEntry(line, hashes string) error {
	n := v.log.size
	completed, err := v.log.addLine(line)
	if err != nil {
		return err
	}
	if formatHashes(completed) != hashes {
		return badEntry(n, "its line and its hashes do not agree: one of them was altered")
	}
	if v.log.size == v.pinned.size {
		if now, err := v.log.currentHead(); err != nil || now != v.pinned {
			return badEntry(n, "the log up to it is another one: %s", v.pin.describe(now, v.pinned))
		}
	}
	var e entry
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return badEntry(n, "its line cannot be read: %v", err)
	}
	if e.Link != nil {
		if err := v.links.apply(e); err != nil {
			return badEntry(n, "%v", err)
		}
		v.sets.links = v.links.hash()
		return nil
	}
	if v.histories[e.Change], err = v.histories[e.Change].apply(e); err != nil {
		return badEntry(n, "%v", err)
	}
	v.sets.claims = v.key.followClaims(v.sets.claims, e, v.changes[e.Change].held)
	v.changes[e.Change], err = v.changes[e.Change].apply(e)
	if err != nil {
		return badEntry(n, "its line cannot be read: %v", err)
	}
	return nil
}

// compareChanges checks that the tables of changes agree with the log.
func (v *logVerifier) compareChanges(ctx context.Context, tx *sql.Tx) error {
	err := eachChange(ctx, tx, changeQuery{}, func(c confirm.Change, unreadable error) error {
		logged, known := v.changes[c.ID]
		if !known {
			return badEntry(v.log.size, "change %s is in the ledger, and nothing in the log proposed it", c.ID)
		}
		delete(v.changes, c.ID)
		if logged.removed {
			return badEntry(logged.entry, "change %s, which it removed, is in the ledger again", c.ID)
		}
		if unreadable != nil {
			return badEntry(logged.entry, "change %s was altered without an audit entry: %v", c.ID, unreadable)
		}
		if why := logged.difference(c, hashChange(c)); why != "" {
			return badEntry(logged.entry, "change %s was altered without an audit entry: %s", c.ID, why)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, logged := range v.changes {
		if logged.removed {
			continue
		}
		return badEntry(logged.entry, "change %s, which it moved, is no longer in the ledger", id)
	}
	return nil
}
