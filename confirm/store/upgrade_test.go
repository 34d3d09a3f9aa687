package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// writeOldDatabase fills l with a database of the version before links and facts, with its signing key.
func (l testDatabase) writeOldDatabase(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile("testdata/ledger-1.sql")
	must(t, err)
	for _, statement := range strings.SplitAfter(string(text), ";\n") {
		_, err := l.raw.Exec(statement)
		must(t, err)
	}
	key, err := os.ReadFile("testdata/ledger-1.key")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(l.KeyDir, "audit.key"), key, 0o600))
}

func (l testDatabase) schemaVersion(t testing.TB) (v int) {
	t.Helper()
	must(t, l.raw.QueryRow(`SELECT version FROM schema_version`).Scan(&v))
	return v
}

// Changes of an older version keep their digests, verify, and can be moved.
func TestAnOldLedgerIsMigrated(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		l.writeOldDatabase(t)
		s := l.openStore(t)
		if v := l.schemaVersion(t); v != 5 {
			t.Fatalf("its version is %d", v)
		}
		if n := mustVerify(t, s).Entries; n != 6 {
			t.Errorf("it has %d entries, want 6", n)
		}
		kept, err := s.Changes(t.Context(), confirm.Filter{})
		must(t, err)
		if len(kept) != 2 {
			t.Fatalf("there are %d changes", len(kept))
		}
		for _, c := range kept {
			if digest, err := c.Proposal.Digest(); err != nil || digest != c.Digest || !c.Facts.Empty() || c.Agent || c.RequesterAlso != nil {
				t.Errorf("%s is %+v with the digest %s (%v)", c.ID, c, digest, err)
			}
		}
		waiting, err := s.Changes(t.Context(), confirm.Filter{States: []confirm.State{confirm.Pending}})
		must(t, err)
		mustMove(t, s, waiting[0], approval("ada"), claim("me"), finish(confirm.Applied))
		must(t, s.Link(t.Context(), bobLink()))
		insert(t, s)
		if n := mustVerify(t, s).Entries; n != 11 {
			t.Errorf("it has %d entries afterwards, want 11", n)
		}
		mustVerify(t, l.openStore(t)) // it was migrated once
	})
}

func TestAnOldLedgerIsMigratedOnce(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		l.writeOldDatabase(t)
		inParallel(8, func(i int) {
			s, err := store.Open(t.Context(), l.Config)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Insert(t.Context(), mustNewChange(t)); err != nil {
				t.Error(err)
			}
		})
		if n := mustVerify(t, l.openStore(t)).Entries; n != 14 {
			t.Errorf("it has %d entries, want 14", n)
		}
	})
}

// A migration runs completely or not at all.
func TestAFailedMigrationChangesNothing(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		l.writeOldDatabase(t)
		_, err := l.raw.Exec(`CREATE TABLE link (mine BIGINT)`)
		must(t, err)
		if s, err := store.Open(t.Context(), l.Config); err == nil {
			s.Close()
			t.Error("it was opened all the same")
		}
		if v := l.schemaVersion(t); v != 1 {
			t.Errorf("its version is %d, want 1", v)
		}
		_, err = l.raw.Exec(`DROP TABLE link`)
		must(t, err)
		mustVerify(t, l.openStore(t))
	})
}
