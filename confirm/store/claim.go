package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"scanwarden/confirm"
)

// requireKeys makes t, which moves c, match only if c then holds all keys of m. Otherwise t fails with a
// *confirm.BusyError, and no key counts as claimed, because c is not executing.
func (t *transition) requireKeys(c confirm.Change, m confirm.Move) {
	keys := slices.Compact(slices.Sorted(slices.Values(m.Keys)))
	holders := make([]string, len(keys))
	for i, key := range keys {
		t.before = append(t.before, &statement{
			query: insertClaim, args: []any{c.Target, key, c.ID, micros(m.Unlapsed)}, dest: []any{&holders[i]},
		})
	}
	t.guarded.query, t.guarded.args = claimChange, append(t.guarded.args, len(keys))
	t.refusal = func() error {
		for _, holder := range holders {
			if holder != c.ID {
				return &confirm.BusyError{Holder: holder}
			}
		}
		return nil
	}
}

// requireNotOpen makes t, which inserts c, match only if no open change has the fingerprint of c. Otherwise t fails
// with a *confirm.OpenError. Without a fingerprint it does nothing.
func (t *transition) requireNotOpen(c confirm.Change) {
	if c.Fingerprint == "" {
		return
	}
	var open string
	t.before = []*statement{{
		query: insertOpen, dest: []any{&open},
		args: []any{c.Target, string(c.Requester) + " " + c.Fingerprint, c.ID, micros(c.Created)},
	}}
	t.guarded.query = insertOnlyOpen
	t.refusal = func() error {
		if open != c.ID {
			return &confirm.OpenError{Change: open}
		}
		return nil
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
