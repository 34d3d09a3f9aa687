package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"scanwarden/confirm"
)

// ChangeIDs returns the ids of all changes, newest first.
func (s *Store) ChangeIDs(ctx context.Context) (ids []string, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id FROM change ORDER BY created DESC, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list change ids: %w", explainError(err))
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list change ids: %w", explainError(err))
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list change ids: %w", explainError(err))
	}
	return ids, nil
}

// ChangesBefore returns the changes that match f and are older than those at before, newest first, at most f.Limit. A zero
// before returns the newest. With an error it returns those that could be read.
func (s *Store) ChangesBefore(ctx context.Context, f confirm.Filter, before confirm.Cursor) ([]confirm.Change, error) {
	if before == (confirm.Cursor{}) {
		return s.Changes(ctx, f)
	}
	clause, args := filterClause(f)
	args = append(args, micros(before.Created), before.ID, limitOf(f))
	n := len(args)
	clause += fmt.Sprintf(" AND (created, id) < ($%d, $%d) ORDER BY created DESC, id DESC LIMIT $%d", n-2, n-1, n)
	found, err := readChanges(ctx, s.read, changeQuery{clause, args})
	if err != nil {
		err = fmt.Errorf("list changes: %w", err)
	}
	return found, err
}

// LogEntry is an entry of the audit log about one change, for people. Verify checks the log; reading an entry does not.
type LogEntry struct {
	N        int64 // position in the log, from 0
	Time     time.Time
	Event    string // "proposed", "vote", "asked again", "noted", "baseline", "removed", or the new state
	Via      string
	Owner    string // the process that claimed it, "" for other events
	Decision *confirm.Decision
	Outcome  *confirm.Outcome
	Note     string
}

// ChangeLog returns the entries of the audit log about a change, oldest first. It returns none if the log has none.
func (s *Store) ChangeLog(ctx context.Context, id string) (entries []LogEntry, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT lines FROM audit WHERE lines LIKE $1 ORDER BY n`, `%"change":"`+id+`"%`)
	if err != nil {
		return nil, fmt.Errorf("read audit log of change %s: %w", id, explainError(err))
	}
	defer rows.Close()
	for rows.Next() {
		var lines string
		if err := rows.Scan(&lines); err != nil {
			return nil, fmt.Errorf("read audit log of change %s: %w", id, explainError(err))
		}
		found, err := entriesAbout(lines, id)
		if err != nil {
			return nil, fmt.Errorf("read audit log of change %s: %w; run `scanwarden audit verify`", id, err)
		}
		entries = append(entries, found...)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read audit log of change %s: %w", id, explainError(err))
	}
	return entries, nil
}

// entriesAbout returns the entries about a change among the lines of one transaction.
func entriesAbout(lines, id string) ([]LogEntry, error) {
	var found []LogEntry
	for line := range strings.SplitSeq(lines, "\n") {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, err
		}
		if e.Change == id {
			found = append(found, LogEntry{N: e.N, Time: e.Time, Event: e.Event, Via: e.Via, Owner: e.Owner, Decision: e.Decision, Outcome: e.Outcome, Note: e.Note})
		}
	}
	return found, nil
}
