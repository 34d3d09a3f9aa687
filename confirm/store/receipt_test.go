package store_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// receiptOf returns the receipt of a change.
func receiptOf(t testing.TB, s *store.Store, id string) []byte {
	t.Helper()
	text, err := s.Receipt(t.Context(), id)
	must(t, err)
	return text
}

// TestReceipt: a receipt names who decided and what happened, and verifies with the public key alone.
func TestReceipt(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		applied, open := fillStore(t, s)
		r, err := store.VerifyReceipt(receiptOf(t, s, applied.ID), s.PublicKey())
		must(t, err)
		if r.Change != applied.ID || r.Digest != applied.Digest || r.State != confirm.Applied || r.Reason != "it was applied" || len(r.Entries) != 4 {
			t.Errorf("got %+v", r)
		}
		if len(r.Decisions) != 1 || r.Decisions[0].Principal != "slack:T1/ada" || !r.Decisions[0].Approve || r.Decisions[0].Channel != confirm.Slack {
			t.Errorf("got decisions %+v", r.Decisions)
		}
		r, err = store.VerifyReceipt(receiptOf(t, s, open.ID), s.PublicKey())
		must(t, err)
		if r.State != confirm.Pending || len(r.Entries) != 2 {
			t.Errorf("got %+v of the open change", r)
		}
		if _, err := s.Receipt(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"); !errors.Is(err, confirm.ErrNotFound) {
			t.Errorf("got %v for an unknown change", err)
		}
		if _, err := s.Receipt(t.Context(), "%"); !errors.Is(err, confirm.ErrNotFound) {
			t.Errorf("got %v for a wildcard", err)
		}
	})
}

// TestReceiptOfAlteredLog: no receipt is signed of entries that do not lead to the signed head.
func TestReceiptOfAlteredLog(t *testing.T) {
	l := newSQLiteDatabase(t)
	s := l.openStore(t)
	applied, _ := fillStore(t, s)
	l.alter(t, `UPDATE audit SET lines = replace(lines, 'Ms ada', 'Ms eve') WHERE n = 1`)
	if _, err := s.Receipt(t.Context(), applied.ID); err == nil || !strings.Contains(err.Error(), "entry 1: its proof does not lead to the checkpoint") {
		t.Errorf("got %v", err)
	}
}

// TestReceiptEveryBit: a receipt with any bit flipped, any byte removed or one byte added does not verify.
func TestReceiptEveryBit(t *testing.T) {
	s := newSQLiteDatabase(t).openStore(t)
	insert(t, s)
	c := insert(t, s)
	text, key := receiptOf(t, s, c.ID), s.PublicKey()
	for i := range text {
		for bit := range 8 {
			altered := bytes.Clone(text)
			altered[i] ^= 1 << bit
			if _, err := store.VerifyReceipt(altered, key); err == nil {
				t.Fatalf("verifies with bit %d of byte %d flipped, at %q", bit, i, text[max(0, i-20):i+1])
			}
		}
		if _, err := store.VerifyReceipt(append(bytes.Clone(text[:i]), text[i+1:]...), key); err == nil {
			t.Fatalf("verifies without byte %d", i)
		}
	}
	if _, err := store.VerifyReceipt(append(bytes.Clone(text), '\n'), key); err == nil {
		t.Error("verifies with a line break at its end")
	}
}

// TestVerifyReceiptRefusals: each refusal names what does not verify.
func TestVerifyReceiptRefusals(t *testing.T) {
	s, other := newSQLiteDatabase(t).openStore(t), newSQLiteDatabase(t).openStore(t)
	applied, _ := fillStore(t, s)
	text := string(receiptOf(t, s, applied.ID))
	for name, c := range map[string]struct{ text, key, want string }{
		"another key":    {text, other.PublicKey(), "another key"},
		"no key":         {text, "", "--key is not a public key"},
		"empty":          {"", s.PublicKey(), "not a receipt"},
		"unknown field":  {strings.Replace(text, `"change"`, `"extra": 1, "change"`, 1), s.PublicKey(), "unknown field"},
		"repeated field": {strings.Replace(text, `"state"`, `"state": "denied",`+"\n  "+`"state"`, 1), s.PublicKey(), "repeated"},
		"format":         {strings.Replace(text, "receipt/v1", "receipt/v2", 1), s.PublicKey(), "newer version"},
		"state":          {strings.Replace(text, `"state": "applied"`, `"state": "denied"`, 1), s.PublicKey(), "signature of the receipt"},
		"too large":      {text + strings.Repeat(" ", store.MaxReceipt), s.PublicKey(), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := store.VerifyReceipt([]byte(c.text), c.key); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzVerifyReceipt: nothing but the exact receipts of this ledger verifies.
func FuzzVerifyReceipt(f *testing.F) {
	s := newSQLiteDatabase(f).openStore(f)
	a, b := mustMove(f, s, insert(f, s), approval("ada"), claim("me"), finish(confirm.Applied)), insert(f, s)
	known := map[string]bool{}
	for _, c := range []confirm.Change{a, b} {
		text := receiptOf(f, s, c.ID)
		known[string(text)] = true
		f.Add(text)
		f.Add(append([]byte(" "), text...))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := store.VerifyReceipt(text, s.PublicKey()); (err == nil) != known[string(text)] {
			t.Errorf("known %v, got %v", known[string(text)], err)
		}
	})
}

// TestCheckSince: a log that grew continues each of its checkpoints, and one that was replaced continues none.
func TestCheckSince(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		if _, err := s.Checkpoint(t.Context()); err == nil {
			t.Error("an empty log has a checkpoint")
		}
		insert(t, s)
		first, err := s.Checkpoint(t.Context())
		must(t, err)
		fillStore(t, s)
		if n, err := s.CheckSince(t.Context(), first); err != nil || n != 1 {
			t.Errorf("got %d, %v", n, err)
		}
		last, err := s.Checkpoint(t.Context())
		must(t, err)
		if _, err := s.CheckSince(t.Context(), strings.Replace(last, "\n7\n", "\n6\n", 1)); err == nil {
			t.Error("an altered checkpoint is accepted")
		}
		l.alter(t, `DELETE FROM audit WHERE n > 0`)
		if _, err := s.CheckSince(t.Context(), last); err == nil || !strings.Contains(err.Error(), "entries were removed or replaced") {
			t.Errorf("got %v for a log that was cut", err)
		}
	})
}
