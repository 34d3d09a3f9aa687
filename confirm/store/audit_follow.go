package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// logFollower is what this process knows of the audit log: the tree, and how the log left each recent change. A row
// alone does not show that a change was executed before: whoever can write the database can restore an older row. The
// log does, because its head is signed.
//
// The follower knows all entries from one position on. It learns those of this process when they are committed, and
// those of others by reading them under the lock of the head. The tree then has to have the signed root, so that the
// log is also shown to continue the one this process has seen. Store.queue.writeLock guards it.
type logFollower struct {
	started bool
	from    int64 // the first entry that it knows
	tree    merkleTree
	changes map[string]followedChange // those that were proposed at or after from
	pruneAt int                       // the number of changes at which it forgets those that are over
}

// followedChange is how the log left a change.
type followedChange struct {
	replayedChange
	expires int64
}

// maxCatchUp bounds how many entries of other processes are read under the lock. A process that is further behind
// starts again at the head.
const maxCatchUp = 20_000

// minPrune is the number of changes from which the follower begins to forget.
const minPrune = 1024

// startAt lets the follower know the entries from this tree on.
func (f *logFollower) startAt(tree merkleTree) {
	*f = logFollower{started: true, from: tree.size, tree: tree, changes: map[string]followedChange{}, pruneAt: minPrune}
}

// catchUp reads the entries up to log, whose head the caller has verified.
func (f *logFollower) catchUp(ctx context.Context, tx transaction, log merkleTree) error {
	if !f.started || log.size-f.tree.size > maxCatchUp {
		f.startAt(log)
		return nil
	}
	var entries []entry
	tree, err := replayEntries(ctx, tx, f.tree, log, func(e entry) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return err
	}
	f.tree = tree
	for _, e := range entries {
		if err := f.apply(e); err != nil {
			return err
		}
	}
	return nil
}

// replayEntries calls yield for each entry from the tree start up to log, and returns the tree after them. It returns
// an error unless that is log.
func replayEntries(ctx context.Context, tx transaction, start, log merkleTree, yield func(entry) error) (merkleTree, error) {
	tree := start
	var bad error
	err := tx.run(ctx, &statement{query: selectEntries, args: []any{start.size}, each: func(scan func(...any) error) error {
		var n int64
		var lines string
		if err := scan(&n, &lines); err != nil || bad != nil {
			return err
		}
		if n != tree.size {
			bad = fmt.Errorf("entry %d is missing", tree.size)
			return nil
		}
		bad = tree.replayLines(lines, yield)
		return nil
	}})
	if err != nil {
		return tree, err
	}
	if bad == nil && (tree.size != log.size || tree.String() != log.String()) {
		bad = errors.New("its entries are not those of its signed head")
	}
	if bad != nil {
		return tree, &brokenLogError{start.size, bad}
	}
	return tree, nil
}

// brokenLogError means that the entries from one on do not lead to the signed head.
type brokenLogError struct {
	start int64
	why   error
}

func (e *brokenLogError) Error() string {
	return fmt.Sprintf("the audit log does not continue from entry %d: %v; run `scanwarden audit verify`", e.start, e.why)
}

// replayLines adds the entries of one row of the log.
func (t *merkleTree) replayLines(lines string, yield func(entry) error) error {
	for line := range strings.SplitSeq(lines, "\n") {
		if _, err := t.addLine(line); err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return err
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// appendOwn adds entries that this process has committed; log is the tree after them.
func (f *logFollower) appendOwn(log merkleTree, entries []*entry) {
	if !f.started {
		f.startAt(merkleTree{}) // the log was empty, or checkHead would have started it
	}
	f.tree = log
	for _, e := range entries {
		if err := f.apply(*e); err != nil {
			f.startAt(log) // unreachable: we have encoded it. What it knew is read again.
			return
		}
	}
}

// apply records how e left its change. It ignores changes that were proposed before from.
func (f *logFollower) apply(e entry) error {
	if e.Link != nil {
		return nil
	}
	c, known := f.changes[e.Change]
	if !known && e.Proposed == nil {
		return nil
	}
	var err error
	switch {
	case e.Proposed == nil:
		c.replayedChange, err = c.replayedChange.apply(e)
	case e.own != nil:
		c = *e.own
		c.entry = e.N
	default:
		c, err = proposedChange(e)
	}
	if err != nil {
		return err
	}
	f.changes[e.Change] = c
	f.prune(micros(e.Time))
	return nil
}

// proposedChange returns how entry e, which proposes a change, leaves it.
func proposedChange(e entry) (followedChange, error) {
	var p storedProposal
	if err := json.Unmarshal(e.Proposed, &p); err != nil {
		return followedChange{}, err
	}
	r, err := replayedChange{}.apply(e)
	return followedChange{r, micros(p.Expires)}, err
}

// prune forgets changes that have ended and expired at now. Nothing can revive them: the Gate verifies the expiry.
func (f *logFollower) prune(now int64) {
	if len(f.changes) < f.pruneAt {
		return
	}
	for id, c := range f.changes {
		if isSettled(c.state) && c.expires < now {
			delete(f.changes, id)
		}
	}
	f.pruneAt = max(minPrune, 2*len(f.changes))
}
