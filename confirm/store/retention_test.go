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
		if n, err := s.RemoveEnded(t.Context(), endedBefore(later.AddDate(0, -3, 0))); err != nil || n.Changes != 1 || len(n.Altered) > 0 {
			t.Errorf("removed %+v, %v, want 1", n, err)
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
		if n, err := s.RemoveEnded(t.Context(), endedBefore(later.AddDate(0, -3, 0))); err != nil || n.Changes != 0 || n.Next != "" {
			t.Errorf("again: removed %+v, %v", n, err)
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
				if err != nil || n.Changes > batch.Limit {
					t.Errorf("removed %+v, %v", n, err)
				}
				removed[i] += n.Changes
			}
		})
		if n := mustVerify(t, stores[0]).Entries; removed[0]+removed[1] != changes || n != 3*changes {
			t.Errorf("removed %v of %d changes, and the log has %d entries", removed, changes, n)
		}
	})
}

// What retention did is told apart from what somebody else deletes or returns.
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
			if n, err := s.RemoveEnded(t.Context(), endedBefore(later)); err != nil || n.Changes != 1 {
				t.Errorf("removed %+v, %v", n, err)
			}
			for _, table := range []string{"change", "proposal", "decision"} {
				_, err := l.raw.Exec(`INSERT INTO ` + table + ` SELECT * FROM copy_` + table)
				must(t, err)
			}
		}, "in the ledger again"},
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

// A row that says falsely that its change has ended is kept and named. The others of its batch are removed, and the log
// stays valid once the row is restored.
func TestAForgedEndIsNotRemoved(t *testing.T) {
	for name, tt := range map[string]struct {
		moves []confirm.Move // of the change, before its row is altered
		alter string
	}{
		"pending":         {nil, `UPDATE change SET state = 'denied', settled = 1 WHERE id = $1`},
		"approved":        {[]confirm.Move{approval("ada")}, `UPDATE change SET state = 'withdrawn', settled = 1 WHERE id = $1`},
		"executing":       {[]confirm.Move{approval("ada"), claim("me")}, `UPDATE change SET state = 'applied', settled = 1, version = version + 1 WHERE id = $1`},
		"unknown":         {[]confirm.Move{approval("ada"), claim("me"), finish(confirm.Unknown)}, `UPDATE change SET state = 'failed', settled = 1 WHERE id = $1`},
		"another end":     {[]confirm.Move{finish(confirm.Withdrawn)}, `UPDATE change SET state = 'expired' WHERE id = $1`},
		"another version": {[]confirm.Move{finish(confirm.Withdrawn)}, `UPDATE change SET version = version + 1 WHERE id = $1`},
		"another digest":  {[]confirm.Move{finish(confirm.Withdrawn)}, `UPDATE change SET digest = 'sha256:00' WHERE id = $1`},
		"another time":    {[]confirm.Move{finish(confirm.Withdrawn)}, `UPDATE change SET updated = updated - 1 WHERE id = $1`},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				c := mustMove(t, s, insert(t, s), tt.moves...)
				honest := mustMove(t, s, insert(t, s), finish(confirm.Withdrawn))
				l.backUp(t)
				_, err := l.raw.Exec(tt.alter, c.ID)
				must(t, err)
				fresh := l.openStore(t) // a process that has not seen the log grow
				n, err := fresh.RemoveEnded(t.Context(), endedBefore(later))
				if err != nil || n.Changes != 1 || len(n.Altered) != 1 {
					t.Fatalf("removed %+v, %v", n, err)
				}
				if err := n.Altered[0]; !errors.Is(err, confirm.ErrTampered) {
					t.Error(err)
				}
				if _, err := s.Change(t.Context(), honest.ID); !errors.Is(err, confirm.ErrNotFound) {
					t.Errorf("the other change: %v", err)
				}
				_, err = l.raw.Exec(`DELETE FROM change WHERE id = $1`, c.ID)
				must(t, err)
				_, err = l.raw.Exec(`INSERT INTO change SELECT * FROM copy_change WHERE id = $1`, c.ID)
				must(t, err)
				mustVerify(t, s)
			})
		})
	}
}

// Where a row says that its log began does not matter: a false place is found, and the whole log is read.
func TestAFalseStartOfTheLogKeepsNothing(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		for range 3 {
			mustMove(t, s, insert(t, s), finish(confirm.Withdrawn))
		}
		first := insert(t, s)
		l.alter(t, `UPDATE proposal SET log_size = 1, log_edge = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' WHERE change_id <> $1`, first.ID)
		if n, err := s.RemoveEnded(t.Context(), endedBefore(later)); err != nil || n.Changes != 3 || len(n.Altered) > 0 {
			t.Errorf("removed %+v, %v", n, err)
		}
		mustVerify(t, s)
	})
}

// However many altered rows there are, the batches go past them.
func TestAlteredRowsDoNotBlockRetention(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		for range 4 {
			insert(t, s)
		}
		l.alter(t, `UPDATE change SET state = 'denied', settled = 1`)
		honest := mustMove(t, s, insert(t, s), finish(confirm.Withdrawn))
		batch, removed, altered := endedBefore(later), 0, 0
		batch.Limit = 2
		for range 4 {
			n, err := s.RemoveEnded(t.Context(), batch)
			must(t, err)
			removed, altered = removed+n.Changes, altered+len(n.Altered)
			if batch.After = n.Next; batch.After == "" {
				break
			}
		}
		if removed != 1 || altered != 4 || len(l.rowsAbout(t, honest.ID)) > 0 {
			t.Errorf("removed %d, kept %d as altered, want 1 and 4", removed, altered)
		}
	})
}

// A row that retention removed and somebody put back is not removed again.
func TestARowThatIsBackIsNotRemovedAgain(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := mustMove(t, s, insert(t, s), finish(confirm.Withdrawn))
		l.backUp(t)
		_, err := s.RemoveEnded(t.Context(), endedBefore(later))
		must(t, err)
		for _, table := range []string{"change", "proposal"} {
			l.alter(t, `INSERT INTO `+table+` SELECT * FROM copy_`+table)
		}
		if n, err := s.RemoveEnded(t.Context(), endedBefore(later)); err != nil || n.Changes != 0 || len(n.Altered) != 1 {
			t.Errorf("removed %+v, %v", n, err)
		}
		if len(l.rowsAbout(t, c.ID)) == 0 {
			t.Error("the row was removed")
		}
	})
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
