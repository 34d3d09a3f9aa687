package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// perform makes the transitions whose guards match, appends an entry for each, and returns the head that it
// has signed; the old one when nothing matched. It takes the lock on the head first: whoever holds it is
// alone, so that transactions of several changes cannot wait for each other in a circle.
func (s *Store) perform(ctx context.Context, tx transaction, all []*transition) (head, error) {
	var log tree
	var edge string
	steps := []*statement{{query: lockHead, into: []any{&log.size, &edge}}}
	for _, t := range all {
		steps = append(steps, t.change)
	}
	if err := tx.run(ctx, steps...); err != nil {
		return head{}, err
	}
	var err error
	if log.edge, err = parseEdge(log.size, edge); err != nil {
		return head{}, err
	}
	if err := s.trust(ctx, tx, log); err != nil {
		return head{}, err
	}
	steps, err = s.entries(&log, all)
	if err != nil || len(steps) == 0 {
		return s.signed, err
	}
	if err := tx.run(ctx, steps...); err != nil {
		return head{}, fmt.Errorf("append to audit log: %w", err)
	}
	return log.head()
}

// entries adds an entry to log for each transition that happened, and returns the statements which write
// them, the decisions they tell of, and the new head. The last entry bears the signature.
func (s *Store) entries(log *tree, all []*transition) (steps []*statement, err error) {
	var last *statement
	for _, t := range all {
		if !t.change.hit {
			continue
		}
		if t.decision != nil {
			steps = append(steps, t.decision)
		}
		t.entry.N = log.size
		line, err := json.Marshal(t.entry)
		if err != nil {
			return nil, fmt.Errorf("write audit entry: %w", err)
		}
		hashes, err := log.add(string(line))
		if err != nil {
			return nil, fmt.Errorf("write audit entry: %w", err)
		}
		last = &statement{query: insertEntry, args: []any{t.entry.N, string(line), formatHashes(hashes), ""}}
		steps = append(steps, last)
	}
	if last == nil {
		return nil, nil
	}
	now, err := log.head()
	if err != nil {
		return nil, err
	}
	if last.args[3], err = s.key.sign(now); err != nil {
		return nil, fmt.Errorf("sign audit log: %w", err)
	}
	return append(steps, &statement{query: moveHead, args: []any{now.size, log.String()}}), nil
}

// trust refuses to go on from a head that nobody with our key has signed: signing what follows would launder
// whatever was altered before it.
func (s *Store) trust(ctx context.Context, tx transaction, log tree) error {
	now, err := log.head()
	if err != nil || now == s.signed {
		return err
	}
	if now.size < s.signed.size {
		return fmt.Errorf("the audit log had %d entries and now has %d: somebody cut it; run `scanwarden audit verify`",
			s.signed.size, now.size)
	}
	if now.size == 0 {
		s.signed = now
		return nil
	}
	var checkpoint string
	err = tx.run(ctx, &statement{query: checkpointN, args: []any{now.size - 1}, into: []any{&checkpoint}})
	if err != nil {
		return err
	}
	if err := s.key.check(now, checkpoint); err != nil {
		return fmt.Errorf("the audit log's last entry does not hold (%w): servers that share a ledger must share audit.key; if yours do, run `scanwarden audit verify`", err)
	}
	s.signed = now
	return nil
}
