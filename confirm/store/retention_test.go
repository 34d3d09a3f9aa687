package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// insertFor adds a change of a tenant.
func insertFor(t testing.TB, s *store.Store, target string) confirm.Change {
	t.Helper()
	c := mustNewChange(t)
	c.Proposal.Target = target
	var err error
	c.Digest, err = c.Proposal.Digest()
	must(t, err)
	must(t, s.Insert(t.Context(), c))
	return c
}

// later is long after the changes of these tests have ended.
var later = noon.AddDate(0, 4, 0)

func endedBefore(before time.Time) confirm.Ended {
	return confirm.Ended{Target: "tenant-a", Before: before, At: later, Limit: 100}
}

// rowsAbout returns the tables that have rows about a change.
func (l testDatabase) rowsAbout(t testing.TB, id string) (tables []string) {
	t.Helper()
	for _, column := range append([]string{"change.id"}, l.detailColumns(t)...) {
		table, name, _ := strings.Cut(column, ".")
		var n int
		must(t, l.raw.QueryRow(fmt.Sprintf(`SELECT count(*) FROM %s WHERE %s = $1`, table, name), id).Scan(&n))
		if n > 0 {
			tables = append(tables, table)
		}
	}
	return tables
}

// detailColumns returns TABLE.change_id for each table that has this column.
func (l testDatabase) detailColumns(t testing.TB) (columns []string) {
	t.Helper()
	query := `SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'change_id'`
	if strings.HasPrefix(l.URL, "postgres") {
		query = `SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'change_id'`
	}
	rows, err := l.raw.Query(query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var table string
		must(t, rows.Scan(&table))
		columns = append(columns, table+".change_id")
	}
	must(t, rows.Err())
	return columns
}

// Changes that ended long ago are reduced to their audit entries. All others stay, and the log stays valid.
func TestEndedChangesAreRemoved(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		old := mustMove(t, s, insert(t, s), approval("ada"), claim("me"), finish(confirm.Applied))
		must(t, s.SaveMessage(t.Context(), confirm.Message{Change: old.ID, Channel: "slack", Kind: "question", Message: "1"}))
		recent := finish(confirm.Denied)
		recent.At, recent.Decision = later.Add(-time.Hour), &confirm.Decision{Person: "bob", At: noon}
		kept := []confirm.Change{
			insert(t, s), // open
			mustMove(t, s, insert(t, s), approval("ada"), claim("me"), finish(confirm.Unknown)),
			mustMove(t, s, insert(t, s), recent),
			mustMove(t, s, insertFor(t, s, "tenant-b"), finish(confirm.Withdrawn)),
		}
		entries := mustVerify(t, s).Entries
		if n, err := s.RemoveEnded(t.Context(), endedBefore(later.AddDate(0, -3, 0))); err != nil || n != 1 {
			t.Errorf("removed %d changes, %v, want 1", n, err)
		}
		if left := l.rowsAbout(t, old.ID); len(left) > 0 {
			t.Errorf("rows about the removed change are left in %v", left)
		}
		if _, err := s.Change(t.Context(), old.ID); !errors.Is(err, confirm.ErrNotFound) {
			t.Errorf("the removed change: %v", err)
		}
		for _, c := range kept {
			if got := mustRead(t, s, c.ID); got.Version != c.Version {
				t.Errorf("the change that is %s went from version %d to %d", c.State, c.Version, got.Version)
			}
		}
		if n := mustVerify(t, s).Entries; n != entries+1 {
			t.Errorf("the log went from %d entries to %d, want one more", entries, n)
		}
		if n, err := s.RemoveEnded(t.Context(), endedBefore(later.AddDate(0, -3, 0))); err != nil || n != 0 {
			t.Errorf("again: removed %d changes, %v", n, err)
		}
	})
}

// Every table with rows about a change takes part in the removal.
func TestRemovalKnowsEveryTable(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		l.openStore(t)
		for _, column := range l.detailColumns(t) {
			table, _, _ := strings.Cut(column, ".")
			if !slices.ContainsFunc(store.DeleteDetails(), func(query string) bool { return strings.Contains(query, "FROM "+table+" ") }) {
				t.Errorf("rows of table %s stay when a change is removed", table)
			}
		}
	})
}

// Replicas remove in bounded batches, and no change is removed twice.
func TestReplicasRemoveTogether(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		stores := []*store.Store{l.openStore(t), l.openStore(t)}
		const changes = 40
		inParallel(changes, func(i int) {
			c := mustNewChange(t)
			if err := stores[i%2].Insert(t.Context(), c); err != nil {
				t.Error(err)
			} else if _, err := stores[i%2].Move(t.Context(), c, finish(confirm.Withdrawn)); err != nil {
				t.Error(err)
			}
		})
		batch := endedBefore(later)
		batch.Limit = 25
		var removed [2]int
		inParallel(2, func(i int) {
			for range 3 {
				n, err := stores[i].RemoveEnded(t.Context(), batch)
				if err != nil || n > batch.Limit {
					t.Errorf("removed %d, %v", n, err)
				}
				removed[i] += n
			}
		})
		if n := mustVerify(t, stores[0]).Entries; removed[0]+removed[1] != changes || n != 3*changes {
			t.Errorf("removed %v of %d changes, and the log has %d entries", removed, changes, n)
		}
	})
}

// What retention did is told apart from what somebody else deletes, returns, or hastens.
func TestVerifyTellsRemovalsApart(t *testing.T) {
	for name, tt := range map[string]struct {
		tamper func(t *testing.T, l testDatabase, s *store.Store, c confirm.Change)
		why    string
	}{
		"deleted by hand": {func(t *testing.T, l testDatabase, _ *store.Store, c confirm.Change) {
			for _, query := range append([]string{`DELETE FROM change WHERE id = $1`}, store.DeleteDetails()...) {
				_, err := l.raw.Exec(query, c.ID)
				must(t, err)
			}
		}, "no longer in the ledger"},
		"back again": {func(t *testing.T, l testDatabase, s *store.Store, c confirm.Change) {
			l.backUp(t)
			if n, err := s.RemoveEnded(t.Context(), endedBefore(later)); err != nil || n != 1 {
				t.Errorf("removed %d, %v", n, err)
			}
			for _, table := range []string{"change", "proposal", "decision"} {
				_, err := l.raw.Exec(`INSERT INTO ` + table + ` SELECT * FROM copy_` + table)
				must(t, err)
			}
		}, "in the ledger again"},
		"removed twice": {func(t *testing.T, l testDatabase, s *store.Store, c confirm.Change) {
			l.backUp(t)
			for i := range 2 {
				if i == 1 {
					l.alter(t, `INSERT INTO change SELECT * FROM copy_change`)
					l.alter(t, `UPDATE change SET version = version + 1`)
				}
				if n, err := s.RemoveEnded(t.Context(), endedBefore(later)); err != nil || n != 1 {
					t.Errorf("removed %d, %v", n, err)
				}
			}
		}, "after it was removed"},
		"ended by hand": {func(t *testing.T, l testDatabase, s *store.Store, _ confirm.Change) {
			open := insert(t, s)
			l.alter(t, `UPDATE change SET state = 'denied', settled = 1 WHERE id = $1`, open.ID)
			if n, err := s.RemoveEnded(t.Context(), endedBefore(later)); err != nil || n != 2 {
				t.Errorf("removed %d, %v", n, err)
			}
		}, "from a state it was not in"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				c := mustMove(t, s, insert(t, s), approval("ada"), claim("me"), finish(confirm.Applied))
				mustVerify(t, s)
				tt.tamper(t, l, s, c)
				var bad *store.BadEntryError
				if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || !strings.Contains(bad.Why, tt.why) {
					t.Errorf("got %v, want an entry that is %q", err, tt.why)
				}
			})
		})
	}
}

// A change that was removed does not move again, even if its row is put back.
func TestARemovedChangeStaysEnded(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := mustMove(t, s, insert(t, s), finish(confirm.Withdrawn))
		l.backUp(t)
		_, err := s.RemoveEnded(t.Context(), endedBefore(later))
		must(t, err)
		for _, table := range []string{"change", "proposal"} {
			l.alter(t, `INSERT INTO `+table+` SELECT * FROM copy_`+table)
		}
		l.alter(t, `UPDATE change SET state = 'approved', settled = 0, version = version + 1`)
		c = mustRead(t, s, c.ID)
		if c, err = s.Move(t.Context(), c, claim("me")); err == nil {
			mustMove(t, s, c, finish(confirm.Failed))
		}
		var bad *store.BadEntryError
		if _, err := s.Verify(t.Context()); !errors.As(err, &bad) {
			t.Errorf("verify: %v", err)
		}
	})
}

func TestSizeGrowsWithTheLedger(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		before, err := s.Size(t.Context())
		must(t, err)
		for range 20 {
			c := mustNewChange(t)
			c.Proposal.Warnings = []string{strings.Repeat("w", 20_000)}
			c.Digest, err = c.Proposal.Digest()
			must(t, err)
			must(t, s.Insert(t.Context(), c))
		}
		if after, err := s.Size(t.Context()); err != nil || before <= 0 || after <= before {
			t.Errorf("the ledger went from %d to %d bytes, %v", before, after, err)
		}
	})
}
