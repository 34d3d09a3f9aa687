package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"scanwarden/confirm"
)

// endedRow is the row of a change that says that the change has ended long ago, and what the audit log says of it.
type endedRow struct {
	id       string
	state    confirm.State
	version  int64
	round    int
	digest   string
	updated  int64
	logStart int64  // where the log was when the change was proposed, as its row says
	logEdge  string // the tree at that place
	end      *entry // with which the change ended, according to the log; nil if there is none
	removed  bool   // according to the log, its rows were removed before
}

// isConfirmed reports whether the change has ended as its row says. A change that has ended never moves again, so that
// this stays true.
func (r *endedRow) isConfirmed() bool {
	e := r.end
	return e != nil && !r.removed && e.To == r.state && e.Version == r.version && e.Digest == r.digest &&
		e.Round == r.round && micros(e.Time) == r.updated
}

// tamperingError returns ErrTampered for a change that is not confirmed.
func (r *endedRow) tamperingError() error {
	why := fmt.Sprintf("its state is %q in version %d, and the log has no such end", r.state, r.version)
	if r.removed {
		why = "the log says that it was removed"
	}
	return confirm.NewTamperingError(confirm.Tampering{
		Kind: confirm.KindHistory, Change: r.id,
		Reason: "the change in the ledger has not ended as its row says (" + why + "), so its rows are kept; run `scanwarden audit verify`",
	})
}

// readEnds sets what the audit log says of each row. It reads the log once for all of them, from where the oldest was
// proposed. If that place is not true, it reads the whole log.
func (s *Store) readEnds(ctx context.Context, found []*endedRow) error {
	start := merkleTree{}
	for i, r := range found {
		edge, err := parseEdge(r.logStart, r.logEdge)
		if err != nil {
			start = merkleTree{}
			break
		}
		if i == 0 || r.logStart < start.size {
			start = merkleTree{size: r.logStart, edge: edge}
		}
	}
	return s.readSnapshot(ctx, func(tx *sql.Tx) error {
		err := s.replayEnds(ctx, tx, start, found)
		if errors.As(err, new(*brokenLogError)) && start.size > 0 {
			err = s.replayEnds(ctx, tx, merkleTree{}, found)
		}
		return err
	})
}

// replayEnds sets what the entries from the tree start on say of each row. It returns a *brokenLogError unless they lead to
// the signed head.
func (s *Store) replayEnds(ctx context.Context, tx *sql.Tx, start merkleTree, found []*endedRow) error {
	byID := map[string]*endedRow{}
	for _, r := range found {
		r.end, r.removed = nil, false
		byID[r.id] = r
	}
	rows, err := tx.QueryContext(ctx, `SELECT n, lines, checkpoint FROM audit WHERE n >= $1 ORDER BY n`, start.size)
	if err != nil {
		return err
	}
	defer rows.Close()
	tree, checkpoint := start, ""
	for rows.Next() {
		var n int64
		var lines string
		if err := rows.Scan(&n, &lines, &checkpoint); err != nil {
			return err
		}
		if n != tree.size {
			return &brokenLogError{start.size, fmt.Errorf("entry %d is missing", tree.size)}
		}
		if err := tree.replayEnds(lines, byID); err != nil {
			return &brokenLogError{start.size, err}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	head, err := tree.currentHead()
	if err == nil {
		_, err = s.key.verifyHead(head, checkpoint)
	}
	if err != nil {
		return &brokenLogError{start.size, err}
	}
	return nil
}

// replayEnds adds the entries of one row of the log to the tree, and sets what they say of the rows.
func (t *merkleTree) replayEnds(lines string, rows map[string]*endedRow) error {
	for line := range strings.SplitSeq(lines, "\n") {
		if _, err := t.addLine(line); err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return err
		}
		r := rows[e.Change]
		switch {
		case r == nil || e.Link != nil || !isSettled(e.To):
		case e.Event == eventRemoved:
			r.removed = true
		default:
			r.end = &e
		}
	}
	return nil
}
