package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// perform makes the transitions whose guards match, and returns the log as it is before them. It takes the
// lock on the log's head first: whoever holds it is alone, so that transactions of several changes cannot wait
// for each other in a circle.
func (s *Store) perform(ctx context.Context, tx transaction, all []*transition) (log tree, err error) {
	var edge string
	steps := []*statement{{query: lockHead, into: []any{&log.size, &edge}}}
	for _, t := range all {
		steps = append(steps, t.change)
	}
	if err := tx.run(ctx, steps...); err != nil {
		return log, err
	}
	if log.edge, err = parseEdge(log.size, edge); err != nil {
		return log, err
	}
	return log, s.trust(ctx, tx, log)
}

// trust refuses to go on from a head that nobody with our key has signed: signing what follows would launder
// whatever was altered before it.
func (s *Store) trust(ctx context.Context, tx transaction, log tree) error {
	now, err := log.head()
	switch {
	case err != nil || now == s.seen:
		return err
	case now.size < s.seen.size:
		return fmt.Errorf("the audit log had %d entries and now has %d: somebody cut it; run `scanwarden audit verify`",
			s.seen.size, now.size)
	case now.size == 0:
		return nil
	}
	var checkpoint string
	err = tx.run(ctx, &statement{query: lastCheckpoint, into: []any{&checkpoint}})
	if err != nil {
		return err
	}
	if err := s.key.check(now, checkpoint); err != nil {
		return fmt.Errorf("the audit log's last entry does not hold (%w): servers that share a ledger must share audit.key; if yours do, run `scanwarden audit verify`", err)
	}
	s.seen = now
	return nil
}

// append adds an entry to the log for each transition that has happened, and commits. When none has, it
// leaves the transaction to be dropped.
func (s *Store) append(ctx context.Context, tx transaction, log tree, all []*transition) error {
	first := log.size
	var steps []*statement
	var lines, hashes []string
	for _, t := range all {
		if !t.change.hit {
			continue
		}
		if t.then != nil {
			steps = append(steps, t.then)
		}
		line, completed, err := log.record(t.entry)
		if err != nil {
			return fmt.Errorf("write audit entry: %w", err)
		}
		lines, hashes = append(lines, line), append(hashes, completed)
	}
	if log.size == first {
		return nil
	}
	now, err := log.head()
	if err != nil {
		return err
	}
	checkpoint, err := s.key.sign(now)
	if err != nil {
		return fmt.Errorf("sign audit log: %w", err)
	}
	steps = append(steps,
		&statement{query: insertEntries, args: []any{first, strings.Join(lines, "\n"), strings.Join(hashes, "\n"), checkpoint}},
		&statement{query: moveHead, args: []any{now.size, log.String()}})
	if err := tx.commit(ctx, steps...); err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	s.seen = now
	return nil
}

// record gives e its number, adds it to the tree, and returns its line and the hashes that it completes.
func (t *tree) record(e *entry) (line, completed string, err error) {
	e.N = t.size
	text, err := json.Marshal(e.line()) // on one line: JSON has no line break inside
	if err != nil {
		return "", "", err
	}
	hashes, err := t.add(string(text))
	return string(text), formatHashes(hashes), err
}
