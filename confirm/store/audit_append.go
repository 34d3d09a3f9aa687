package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// applyTransitions runs the guarded statement of each transition and returns the log as it is before them. It
// locks the head of the log first: with the lock, transactions of several changes cannot deadlock.
func (s *Store) applyTransitions(ctx context.Context, tx transaction, all []*transition) (log merkleTree, err error) {
	var edge string
	steps := []*statement{{query: lockHead, dest: []any{&log.size, &edge}}}
	for _, t := range all {
		steps = append(steps, t.guarded)
	}
	if err := tx.run(ctx, steps...); err != nil {
		return log, err
	}
	if log.edge, err = parseEdge(log.size, edge); err != nil {
		return log, err
	}
	return log, s.checkHead(ctx, tx, log)
}

// checkHead returns an error unless the head of the log is the last one this process knows, or is signed with our
// key. Appending to any other head would sign what was altered before it.
func (s *Store) checkHead(ctx context.Context, tx transaction, log merkleTree) error {
	now, err := log.currentHead()
	if s.lastHead.size == 0 && err == nil {
		s.lastHead, err = s.pin.read() // this process has not appended yet
	}
	switch {
	case err != nil || now == s.lastHead:
		return err
	case now.size < s.lastHead.size:
		return fmt.Errorf("the audit log had %d entries and now has %d: entries were removed; run `scanwarden audit verify`",
			s.lastHead.size, now.size)
	case now.size == 0:
		return nil
	}
	var checkpoint string
	err = tx.run(ctx, &statement{query: selectCheckpoint, dest: []any{&checkpoint}})
	if err != nil {
		return err
	}
	if err := s.key.verifyHead(now, checkpoint); err != nil {
		return fmt.Errorf("the last audit entry is not valid (%w): servers that share a ledger must share audit.key; if yours do, run `scanwarden audit verify`", err)
	}
	s.lastHead = now
	return nil
}

// commitEntries adds an audit entry for each transition that matched, and commits. If none matched, it does
// nothing and leaves the rollback to its caller.
func (s *Store) commitEntries(ctx context.Context, tx transaction, log merkleTree, all []*transition) error {
	first := log.size
	var steps []*statement
	var lines, hashes []string
	for _, t := range all {
		if !t.guarded.matched {
			continue
		}
		steps = append(steps, t.details...)
		line, completed, err := log.addEntry(t.entry)
		if err != nil {
			return fmt.Errorf("write audit entry: %w", err)
		}
		lines, hashes = append(lines, line), append(hashes, completed)
	}
	if log.size == first {
		return nil
	}
	now, err := log.currentHead()
	if err != nil {
		return err
	}
	checkpoint, err := s.key.signHead(now)
	if err != nil {
		return fmt.Errorf("sign audit log: %w", err)
	}
	steps = append(steps,
		&statement{query: insertEntries, args: []any{first, strings.Join(lines, "\n"), strings.Join(hashes, "\n"), checkpoint}},
		&statement{query: updateHead, args: []any{now.size, log.String()}})
	if err := tx.commit(ctx, steps...); err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	s.lastHead = now
	s.pin.update(now, checkpoint)
	return nil
}

// addEntry numbers e, adds it to the tree, and returns its line and the hashes that it completes.
func (t *merkleTree) addEntry(e *entry) (line, completed string, err error) {
	e.N = t.size
	text, err := json.Marshal(e.logLine()) // one line: encoding/json writes no line breaks
	if err != nil {
		return "", "", err
	}
	hashes, err := t.addLine(string(text))
	return string(text), formatHashes(hashes), err
}
