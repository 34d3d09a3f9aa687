package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"scanwarden/confirm"
)

// requireKeys makes t, which moves c, match only if c then holds all keys of m. Otherwise t fails with a
// *confirm.BusyError, and no key counts as claimed, because c is not executing.
func (t *transition) requireKeys(c confirm.Change, m confirm.Move) {
	t.entry.Keys = slices.Compact(slices.Sorted(slices.Values(m.Keys)))
	t.holders = make([]string, len(t.entry.Keys))
	for i, key := range t.entry.Keys {
		t.before = append(t.before, &statement{
			query: insertClaim, args: []any{c.Target, key, c.ID}, dest: []any{&t.holders[i]},
		})
	}
	t.guarded.query, t.guarded.args = claimChange, append(t.guarded.args, len(t.entry.Keys))
	t.refusal = func() error {
		for _, holder := range t.holders {
			if holder != c.ID {
				return &confirm.BusyError{Holder: holder}
			}
		}
		return nil
	}
}

// maxInserts bounds how often a change is inserted again because the open change that prevented it has ended.
const maxInserts = 3

// insertNew writes t, which inserts c. If an open change of the requester has the fingerprint of c, it returns a
// *confirm.OpenError. Without a fingerprint every change is inserted.
func (s *Store) insertNew(ctx context.Context, c confirm.Change, t transition) error {
	if c.Fingerprint == "" {
		return s.writeTransition(ctx, &t)
	}
	t.guarded.query, t.guarded.args = insertNewChange, append(t.guarded.args, c.Fingerprint)
	for try := 1; ; try++ {
		again := t
		err := s.writeTransition(ctx, &again)
		if !errors.Is(err, confirm.ErrMoved) {
			return err
		}
		var open string
		readErr := s.read.QueryRowContext(ctx, selectOpen, string(c.Requester), c.Fingerprint, micros(c.Created)).Scan(&open)
		switch {
		case readErr == nil:
			return &confirm.OpenError{Change: open}
		case !errors.Is(readErr, sql.ErrNoRows) || try == maxInserts:
			return errors.Join(err, readErr)
		}
	}
}

// hashBaseline returns "" for nil.
func hashBaseline(live json.RawMessage) string {
	if live == nil {
		return ""
	}
	sum := sha256.Sum256(live)
	return "sha256:" + hex.EncodeToString(sum[:])
}
