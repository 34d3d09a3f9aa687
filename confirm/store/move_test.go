package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

func TestMoveReturnsTheChangeAsItIsThen(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		for i, m := range []confirm.Move{
			{To: confirm.Pending, At: noon, Unexpired: true, NextRound: true, Note: "a wrong code"},
			{To: confirm.Pending, At: noon, Unexpired: true, Decision: approveAs("ada")},
			approval("bob"),
			claim("me"),
			finish(confirm.Unknown),
			{To: confirm.Unknown, At: noon.Add(4 * time.Minute), Note: "looked again"},
			{To: confirm.Applied, At: noon.Add(time.Hour), Outcome: outcomeOf(confirm.Applied), Note: "settled"},
		} {
			after := mustMove(t, s, c, m)
			if diff := cmp.Diff(mustRead(t, l.openStore(t), c.ID), after); diff != "" {
				t.Fatalf("move %d returned another change (-read +returned):\n%s", i, diff)
			}
			if after.State != m.To || after.Version != c.Version+1 || !after.Updated.Equal(m.At) {
				t.Errorf("move %d: got state %s, version %d, updated %v", i, after.State, after.Version, after.Updated)
			}
			if diff := cmp.Diff(c.Outcome, after.Outcome); m.Outcome == nil && diff != "" {
				t.Errorf("move %d brought no outcome, and left another:\n%s", i, diff)
			}
			c = after
		}
		if c.Round != 1 || c.Approvals() != 2 || c.Owner != "me" || c.Lease.IsZero() || c.Outcome.State != confirm.Applied {
			t.Errorf("in the end it is %+v", c)
		}
		mustVerify(t, s)
	})
}

// Each clause of the guard refuses a move by itself, with ErrMoved and nothing altered.
func TestMoveGuards(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		for name, try := range map[string]func(*confirm.Change, *confirm.Move){
			"another id":      func(c *confirm.Change, _ *confirm.Move) { c.ID = "nobody" },
			"another digest":  func(c *confirm.Change, _ *confirm.Move) { c.Digest = "sha256:00" },
			"another state":   func(c *confirm.Change, _ *confirm.Move) { c.State = confirm.Approved },
			"a version less":  func(c *confirm.Change, _ *confirm.Move) { c.Version-- },
			"a version more":  func(c *confirm.Change, _ *confirm.Move) { c.Version++ },
			"at its expiry":   func(c *confirm.Change, m *confirm.Move) { m.At = c.Expires },
			"after it":        func(c *confirm.Change, m *confirm.Move) { m.At = c.Expires.Add(time.Hour) },
			"same person":     func(_ *confirm.Change, m *confirm.Move) { m.Decision.Person = "ada" },
			"same person, no": func(_ *confirm.Change, m *confirm.Move) { m.Decision.Person, m.Decision.Approve = "ada", false },
		} {
			c := mustMove(t, s, insert(t, s), confirm.Move{To: confirm.Pending, At: noon, Decision: approveAs("ada")})
			kept, m, entries := c, approval("bob"), mustVerify(t, s).Entries
			try(&c, &m)
			if _, err := s.Move(t.Context(), c, m); !errors.Is(err, confirm.ErrMoved) {
				t.Errorf("%s: got %v, want ErrMoved", name, err)
			}
			if diff := cmp.Diff(kept, mustRead(t, s, kept.ID)); diff != "" {
				t.Errorf("%s: the change was altered:\n%s", name, diff)
			}
			if now := mustVerify(t, s).Entries; now != entries {
				t.Errorf("%s: the log grew from %d to %d entries", name, entries, now)
			}
			mustMove(t, s, kept, approval("bob")) // it was this clause alone
		}
	})
}

func TestExpiryEdge(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		m := approval("ada")
		c := insert(t, s)
		m.At = c.Expires.Add(-time.Microsecond)
		mustMove(t, s, c, m) // the last moment

		c = insert(t, s)
		m.At, m.Unexpired = c.Expires.Add(time.Hour), false
		mustMove(t, s, c, m) // not asked for
	})
}

func TestMoveRefusesWhatCannotBeStored(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		long := approval("ada")
		long.Decision.Reason = strings.Repeat("x", 1<<20)
		damaged := finish(confirm.Failed)
		damaged.Outcome.Scans = []byte("{")
		for name, m := range map[string]confirm.Move{
			"no state": {At: noon}, "no person": approval(""), "too long": long, "damaged": damaged,
		} {
			if _, err := s.Move(t.Context(), c, m); err == nil || errors.Is(err, confirm.ErrMoved) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

// No move leaves a settled state.
func TestEndedChangeKeepsItsOutcome(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		for _, state := range []confirm.State{
			confirm.Applied, confirm.Failed, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale,
		} {
			c := mustMove(t, s, insert(t, s), approval("ada"), claim("me"), finish(state))
			for _, to := range []confirm.State{confirm.Pending, confirm.Executing, confirm.Applied, confirm.Failed, state} {
				if _, err := s.Move(t.Context(), c, confirm.Move{To: to, At: noon, Outcome: outcomeOf(to)}); !errors.Is(err, confirm.ErrMoved) {
					t.Errorf("from %s to %s: got %v, want ErrMoved", state, to, err)
				}
			}
			if diff := cmp.Diff(*outcomeOf(state), mustRead(t, s, c.ID).Outcome); diff != "" {
				t.Errorf("%s: the outcome is another:\n%s", state, diff)
			}
		}
	})
}

func TestOneOfManyWins(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		stores := []*store.Store{l.openStore(t), l.openStore(t)}
		for _, m := range []confirm.Move{finish(confirm.Withdrawn), approval("ada"), finish(confirm.Expired)} {
			c := insert(t, stores[0])
			var won, lost atomic.Int64
			inParallel(16, func(i int) {
				m := m
				m.Note = fmt.Sprint(i)
				switch _, err := stores[i%2].Move(t.Context(), c, m); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, confirm.ErrMoved):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
			if won.Load() != 1 || lost.Load() != 15 {
				t.Errorf("to %s: %d won and %d lost", m.To, won.Load(), lost.Load())
			}
		}
		if n := mustVerify(t, stores[0]).Entries; n != 6 {
			t.Errorf("%d entries for 3 changes that moved once", n)
		}
	})
}

// No audit entry, no transition: if the entry cannot be written, the change has not moved.
func TestNoEntryNoTransition(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		l.alter(t, `INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (1, '', '', '')`)
		if _, err := s.Move(t.Context(), c, approval("ada")); err == nil || errors.Is(err, confirm.ErrMoved) {
			t.Errorf("move: got %v, want the error of the log", err)
		}
		if err := s.Insert(t.Context(), mustNewChange(t)); err == nil {
			t.Error("a change was inserted without its entry")
		}
		if diff := cmp.Diff(c, mustRead(t, s, c.ID)); diff != "" {
			t.Errorf("the change moved without its entry:\n%s", diff)
		}
		if all, err := s.Changes(t.Context(), confirm.Filter{}); err != nil || len(all) != 1 {
			t.Errorf("%d changes (%v), want 1", len(all), err)
		}
		l.alter(t, `DELETE FROM audit WHERE n = 1`)
		mustMove(t, s, c, approval("ada"))
		mustVerify(t, s)
	})
}

// PostgreSQL answers COMMIT with ROLLBACK, and no error, after a failed statement.
func TestFailedTransactionIsNotCommitted(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		if strings.HasPrefix(l.URL, "sqlite:") {
			return // SQLite undoes the statement alone
		}
		if err := l.openStore(t).CommitAfterFailure(t.Context()); err == nil || !strings.Contains(err.Error(), "ROLLBACK") {
			t.Errorf("got %v, want an error that says ROLLBACK", err)
		}
	})
}

// An error of one transition does not reach the callers of others in the same batch.
func TestFailureInABatchIsReturnedToItsCallerOnly(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		if strings.HasPrefix(l.URL, "sqlite:") {
			l.alter(t, `CREATE TRIGGER no_mallory BEFORE UPDATE ON change WHEN NEW.owner = 'mallory' BEGIN SELECT RAISE(ABORT, 'no'); END`)
		} else {
			l.alter(t, `ALTER TABLE change ADD CHECK (owner <> 'mallory')`)
		}
		l.inOneTransaction(t, s, 24, func(i int, c confirm.Change) {
			m := approval("ada")
			if i%12 == 5 {
				m.Owner = "mallory"
			}
			after, err := s.Move(t.Context(), c, m)
			if (err != nil) != (m.Owner == "mallory") || err == nil && after.ID != c.ID {
				t.Errorf("%q: got change %q, %v", m.Owner, after.ID, err)
			}
		})
		mustVerify(t, s)
	})
}

// inOneTransaction inserts n changes and calls do concurrently for each, which must make one transition. The first
// is written alone, and all others in one transaction after it.
func (l testDatabase) inOneTransaction(t testing.TB, s *store.Store, n int, do func(i int, c confirm.Change)) {
	t.Helper()
	changes := make([]confirm.Change, n)
	for i := range changes {
		changes[i] = insert(t, s)
	}
	release := l.blockWriters(t)
	var all sync.WaitGroup
	for i, c := range changes {
		all.Go(func() { do(i, c) })
		waitUntil(func() bool { return s.Writing() == 1 && s.Waiting() == i })
	}
	release()
	all.Wait()
}

// waitUntil polls until condition returns true.
func waitUntil(condition func() bool) {
	for !condition() {
		time.Sleep(100 * time.Microsecond)
	}
}

// blockWriters blocks every writer until release is called.
func (l testDatabase) blockWriters(t testing.TB) (release func()) {
	t.Helper()
	tx, err := l.raw.Begin()
	must(t, err)
	_, err = tx.Exec(`UPDATE audit_head SET n = n`)
	must(t, err)
	return func() { must(t, tx.Rollback()) }
}

// A caller that leaves before its transition is written changes nothing. One that leaves later gets the result.
func TestCallerLeaves(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Move(gone, insert(t, s), approval("ada")); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that had left got %v", err)
		}
		first, second := insert(t, s), insert(t, s)
		release := l.blockWriters(t)
		writing, stop := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, err := s.Move(writing, first, approval("ada"))
			result <- err
		}()
		waitUntil(func() bool { return s.Writing() == 1 && s.Waiting() == 0 })
		stop()
		waiting, leave := context.WithCancel(t.Context())
		go func() {
			waitUntil(func() bool { return s.Waiting() == 1 })
			leave()
		}()
		if _, err := s.Move(waiting, second, approval("ada")); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that waited for the write lock got %v", err)
		}
		release()
		if err := <-result; err != nil {
			t.Errorf("a caller that left during the write got %v", err)
		}
		if now := mustRead(t, s, first.ID).State; now != confirm.Approved {
			t.Errorf("the first is %s", now)
		}
		insert(t, s) // the next batch must not include it
		if now := mustRead(t, s, second.ID).State; now != confirm.Pending {
			t.Errorf("the second is %s", now)
		}
	})
}
