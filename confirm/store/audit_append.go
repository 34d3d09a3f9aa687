package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// applyTransitions runs the guarded statement of each transition and returns the log as it is before them. It
// locks the head of the log first: with the lock, transactions of several changes cannot deadlock. It also returns the
// signed sets as they are after them.
func (s *Store) applyTransitions(ctx context.Context, tx transaction, all []*transition) (log merkleTree, sets signedSets, err error) {
	var edge string
	var claims []heldClaim
	steps := []*statement{{query: lockHead, dest: []any{&log.size, &edge}}}
	if slices.ContainsFunc(all, (*transition).claims) {
		steps = append(steps, &statement{query: selectClaims, each: scanClaim(&claims)})
	}
	for _, t := range all {
		steps = append(append(steps, t.before...), t.guarded)
	}
	if err := tx.run(ctx, steps...); err != nil {
		return log, sets, err
	}
	if log.edge, err = parseEdge(log.size, edge); err != nil {
		return log, sets, err
	}
	if err := s.checkHead(ctx, tx, log); err != nil {
		return log, sets, err
	}
	if err := s.checkHistories(ctx, tx, all); err != nil {
		return log, sets, err
	}
	if sets.links, err = s.updateLinkSet(ctx, tx, all); err != nil {
		return log, sets, err
	}
	sets.claims, err = s.updateClaims(all, claims)
	return log, sets, err
}

// checkHead returns an error unless the head of the log is the last one this process knows, or is signed with our
// key. Appending to any other head would sign what was altered before it.
func (s *Store) checkHead(ctx context.Context, tx transaction, log merkleTree) error {
	now, err := log.currentHead()
	if s.lastHead.size == 0 && err == nil {
		s.lastHead, err = s.pin.read() // this process has not appended yet
	}
	switch {
	case err != nil:
		return err
	case now == s.lastHead && s.follower.started:
		return nil
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
	sets, err := s.key.verifyHead(now, checkpoint)
	if err != nil {
		return fmt.Errorf("the last audit entry is not valid (%w): servers that share a ledger must share audit.key; if yours do, run `scanwarden audit verify`", err)
	}
	if err := s.follower.catchUp(ctx, tx, log); err != nil {
		return err
	}
	s.setHead(now, sets)
	return nil
}

// setHead records the newest head.
func (s *Store) setHead(h logHead, sets signedSets) {
	s.lastHead, s.lastSets = h, sets
	s.knownSize.Store(h.size)
}

// commitEntries adds an audit entry for each transition that matched, and commits. If none matched, it does
// nothing and leaves the rollback to its caller.
func (s *Store) commitEntries(ctx context.Context, tx transaction, log merkleTree, sets signedSets, all []*transition) error {
	first, edge := log.size, log.String()
	var entries []*entry
	var steps []*statement
	var lines, hashes []string
	for _, t := range all {
		steps = append(steps, t.stray...)
		if !t.guarded.matched {
			continue
		}
		for _, detail := range t.details {
			steps = append(steps, detail.withLogStart(first, edge))
		}
		line, completed, err := log.addEntry(t.entry)
		if err != nil {
			return fmt.Errorf("write audit entry: %w", err)
		}
		lines, hashes, entries = append(lines, line), append(hashes, completed), append(entries, t.entry)
	}
	if log.size == first {
		return nil
	}
	now, err := log.currentHead()
	if err != nil {
		return err
	}
	checkpoint, err := s.key.signHead(now, sets)
	if err != nil {
		return fmt.Errorf("sign audit log: %w", err)
	}
	written := strings.Join(lines, "\n")
	steps = append(steps,
		&statement{query: insertEntries, args: []any{first, written, strings.Join(hashes, "\n"), checkpoint}},
		&statement{query: updateHead, args: []any{now.size, log.String()}})
	if err := s.commitOrFind(ctx, tx, first, written, steps); err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	s.setHead(now, sets)
	s.follower.appendOwn(log, entries)
	s.pin.update(now, checkpoint)
	return nil
}

// withLogStart returns s, or for an insertProposal a copy that also records the log before the proposal. See readHistory.
func (s *statement) withLogStart(size int64, edge string) *statement {
	if s.query != insertProposal {
		return s
	}
	return &statement{query: s.query, args: append(slices.Clip(s.args), size, edge)}
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
