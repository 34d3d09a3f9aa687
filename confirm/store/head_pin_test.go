package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// ledgerTables are the tables that Verify compares.
var ledgerTables = []string{"change", "proposal", "decision", "link", "audit", "audit_head"}

// backUp copies the ledger inside the database. It returns a function that restores the copy.
func (l testDatabase) backUp(t testing.TB) (restore func()) {
	t.Helper()
	for _, table := range ledgerTables {
		l.alter(t, `CREATE TABLE copy_`+table+` AS SELECT * FROM `+table)
	}
	return func() {
		for _, table := range ledgerTables {
			_, err := l.raw.Exec(`DELETE FROM ` + table)
			must(t, err)
			_, err = l.raw.Exec(`INSERT INTO ` + table + ` SELECT * FROM copy_` + table)
			must(t, err)
		}
	}
}

// otherServer returns the same ledger and key with a state directory of its own.
func (l testDatabase) otherServer(t testing.TB) testDatabase {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"audit.key", "audit.pub"} {
		text, err := os.ReadFile(filepath.Join(l.KeyDir, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	l.KeyDir = dir
	return l
}

// pinFile returns the path of the recorded head.
func (l testDatabase) pinFile(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(l.KeyDir, "audit.head-*"))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("the recorded heads are %v, want one", found)
	}
	return found[0]
}

// wantHeadRefused checks that the log is refused at start, and found by Verify from entry n on.
func (l testDatabase) wantHeadRefused(t testing.TB, n int64) {
	t.Helper()
	s := l.openStore(t)
	must(t, s.CheckKey(t.Context()))
	if err := s.CheckHead(t.Context()); err == nil || !strings.Contains(err.Error(), l.pinFile(t)) || !strings.Contains(err.Error(), "restore the newest copy") {
		t.Errorf("at start: %v", err)
	}
	var bad *store.BadEntryError
	if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || bad.Entry != n || !strings.Contains(err.Error(), l.pinFile(t)) {
		t.Errorf("verify: %v", err)
	}
}

// An older copy of the whole database is valid in itself. The head in the state directory shows that it is older.
func TestARolledBackLedgerIsFound(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s, err := store.Open(t.Context(), l.Config)
		must(t, err)
		c := mustMove(t, s, insert(t, s), approval("ada"))
		restore := l.backUp(t)
		mustMove(t, s, c, claim("me"), finish(confirm.Applied))
		must(t, s.Close())
		again := l.openStore(t)
		must(t, again.CheckHead(t.Context()))
		mustVerify(t, again)
		must(t, again.RecordHead()) // or it does so later, when the file was removed

		restore()
		l.wantHeadRefused(t, 2)
		if _, err := l.openStore(t).Move(t.Context(), c, claim("me")); err == nil || !strings.Contains(err.Error(), "removed") {
			t.Errorf("a transition was appended to the older log: %v", err)
		}

		must(t, os.Remove(l.pinFile(t))) // the operator knows of the loss
		known := l.openStore(t)
		must(t, known.CheckHead(t.Context()))
		mustVerify(t, known)
		mustMove(t, known, c, claim("me"))
	})
}

// A server that has not seen the newest entries continued an older copy. The log is longer than before, and another.
func TestAForkedLogIsFound(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s, err := store.Open(t.Context(), l.Config)
		must(t, err)
		c := mustMove(t, s, insert(t, s), approval("ada"))
		restore := l.backUp(t)
		mustMove(t, s, c, claim("me"), finish(confirm.Applied))
		must(t, s.Close())
		l.alter(t, `CREATE TABLE lost AS SELECT n, hashes FROM audit`)
		restore()
		other := l.otherServer(t)
		mustVerify(t, other.openStore(t))
		forked := other.openStore(t)
		insert(t, forked)
		mustMove(t, forked, c, claim("me"), finish(confirm.Failed))
		mustVerify(t, forked)
		l.wantHeadRefused(t, 3)

		// The hashes of the entries that were lost do not make it the same log.
		l.alter(t, `UPDATE audit SET hashes = (SELECT hashes FROM lost WHERE lost.n = audit.n) WHERE n IN (2, 3)`)
		if err := l.openStore(t).CheckHead(t.Context()); err == nil {
			t.Error("the log is accepted with the hashes of the lost entries")
		}
	})
}

// Processes that share a state directory record the larger head, and one that is behind does not refuse.
func TestServersShareTheRecordedHead(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		one, two := l.openStore(t), l.openStore(t)
		c := insert(t, one)
		mustMove(t, two, c, approval("ada"))
		must(t, two.RecordHead())
		after, err := os.ReadFile(l.pinFile(t))
		must(t, err)
		must(t, one.RecordHead())
		if now, err := os.ReadFile(l.pinFile(t)); err != nil || string(now) != string(after) {
			t.Errorf("an older head was recorded over a newer one: %v", err)
		}
		must(t, one.CheckHead(t.Context()))
		insert(t, one)
		must(t, one.RecordHead())
		if now, err := os.ReadFile(l.pinFile(t)); err != nil || string(now) == string(after) {
			t.Errorf("the head is not recorded any longer: %v", err)
		}
		must(t, l.openStore(t).CheckHead(t.Context()))
		apart := l.otherServer(t).openStore(t)
		must(t, apart.CheckHead(t.Context())) // it has recorded none
		must(t, apart.RecordHead())
	})
}

// The head is recorded soon after a commit, without a further call.
func TestHeadIsRecordedSoon(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		insert(t, l.openStore(t))
		for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
			if found, _ := filepath.Glob(filepath.Join(l.KeyDir, "audit.head-*")); len(found) == 1 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("no head was recorded")
			}
		}
	})
}

func TestDamagedHeadIsRefused(t *testing.T) {
	l := newSQLiteDatabase(t)
	s := l.openStore(t)
	insert(t, s)
	must(t, s.RecordHead())
	must(t, os.WriteFile(l.pinFile(t), []byte("scanwarden-audit\n0\n"), 0o600))
	if err := s.CheckHead(t.Context()); err == nil || !strings.Contains(err.Error(), l.pinFile(t)) {
		t.Errorf("got %v, want a sentence with the file", err)
	}
	if _, err := s.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), l.pinFile(t)) {
		t.Errorf("verify: %v", err)
	}
}

func TestUnrecordedHeadIsReported(t *testing.T) {
	l := newSQLiteDatabase(t)
	var reported []error
	l.OnPinError = func(err error) { reported = append(reported, err) }
	s, err := store.Open(t.Context(), l.Config)
	must(t, err)
	must(t, os.RemoveAll(l.KeyDir))
	c := insert(t, s)
	if err := s.RecordHead(); err == nil || len(reported) != 1 || !strings.Contains(reported[0].Error(), "SCANWARDEN_STATE_DIR") {
		t.Errorf("got %v, reported %v", err, reported)
	}
	mustMove(t, s, c, approval("ada")) // the log itself goes on
	if err := s.Close(); err == nil || len(reported) != 1 {
		t.Errorf("close: %v, reported %d times", err, len(reported))
	}
}

// Commands that inspect a ledger name the missing key, and make none: a new key would stand in the way of the old one.
func TestInspectingMakesNoKeys(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		if _, err := store.OpenExisting(t.Context(), l.Config); !errors.Is(err, store.ErrNoLedger) {
			t.Errorf("before there is a ledger: %v", err)
		}
		s := l.openStore(t)
		insert(t, s)
		inspected, err := store.OpenExisting(t.Context(), l.Config)
		must(t, err)
		mustVerify(t, inspected)
		must(t, inspected.Close())
		empty := l
		empty.KeyDir = t.TempDir()
		for doing, open := range map[string]func() (*store.Store, error){
			"inspect": func() (*store.Store, error) { return store.OpenExisting(t.Context(), empty.Config) },
			"serve":   func() (*store.Store, error) { return store.Open(t.Context(), empty.Config) },
		} {
			_, err := open()
			if err == nil || !strings.Contains(err.Error(), filepath.Join(empty.KeyDir, "audit.key")) || !strings.Contains(err.Error(), "restore") {
				t.Errorf("%s without the key: %v", doing, err)
			}
		}
		if made, err := os.ReadDir(empty.KeyDir); err != nil || len(made) > 0 {
			t.Errorf("made %v, %v", made, err)
		}
		mustVerify(t, s)
	})
}
