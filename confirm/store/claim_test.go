package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

func claimKeys(keys ...string) confirm.Move {
	m := claim("me")
	m.Keys = keys
	return m
}

// wantHolder checks that c cannot be claimed because holder has one of the keys.
func wantHolder(t *testing.T, s *store.Store, c confirm.Change, holder string, keys ...string) {
	t.Helper()
	_, err := s.Move(t.Context(), c, claimKeys(keys...))
	var busy *confirm.BusyError
	if !errors.As(err, &busy) || !errors.Is(err, confirm.ErrBusy) || busy.Holder != holder {
		t.Errorf("claiming %v: got %v, want a BusyError with the holder %s", keys, err, holder)
	}
	if got := mustRead(t, s, c.ID); got.State != confirm.Approved || got.Version != c.Version {
		t.Errorf("the change is %s at version %d, want approved at %d", got.State, got.Version, c.Version)
	}
}

func TestAKeyIsHeldUntilTheOutcomeIsKnown(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s, other := l.openStore(t), l.openStore(t) // as two replicas
		for _, end := range []confirm.State{confirm.Applied, confirm.Failed, confirm.Stale} {
			first := mustMove(t, s, insert(t, s), approval("ada"), claimKeys("a", "b"))
			second := mustMove(t, s, insert(t, s), approval("ada"))
			wantHolder(t, other, second, first.ID, "c", "b")
			free := mustMove(t, s, insert(t, s), approval("ada"), claimKeys("c")) // the failed claim took nothing
			wantHolder(t, s, second, free.ID, "c")
			mustMove(t, s, free, finish(confirm.Applied))
			if end != confirm.Stale {
				first = mustMove(t, s, first, finish(confirm.Unknown))
				wantHolder(t, s, second, first.ID, "b")
			}
			mustMove(t, s, first, finish(end))
			mustMove(t, other, second, claimKeys("c", "b"), finish(confirm.Applied))
		}
		var left int
		must(t, l.raw.QueryRow(`SELECT count(*) FROM claim`).Scan(&left))
		if left > 0 {
			t.Errorf("%d claims are left behind", left)
		}
		mustVerify(t, s)
	})
}

func TestKeysOfAnotherTenantAreOthers(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		mustMove(t, s, insert(t, s), approval("ada"), claimKeys("a"))
		c := mustNewChange(t)
		c.Target = "tenant-b"
		var err error
		c.Digest, err = c.Proposal.Digest()
		must(t, err)
		must(t, s.Insert(t.Context(), c))
		mustMove(t, s, c, approval("ada"), claimKeys("a"))
	})
}

// A change whose outcome stays unknown holds its keys until it is settled, however long that takes.
func TestAnUnknownOutcomeKeepsItsKeys(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		first := mustMove(t, s, insert(t, s), approval("ada"), claimKeys("a"), finish(confirm.Unknown))
		second := mustMove(t, s, insert(t, s), approval("ada"))
		late := claimKeys("a")
		late.At = first.Updated.AddDate(1, 0, 0)
		if _, err := s.Move(t.Context(), second, late); !errors.Is(err, confirm.ErrBusy) {
			t.Errorf("a year later: got %v, want ErrBusy", err)
		}
		removed, err := s.RemoveEnded(t.Context(), confirm.Ended{Target: first.Target, Before: late.At, At: late.At, Limit: 10})
		if err != nil || removed.Changes != 0 || len(removed.Altered) > 0 {
			t.Errorf("retention removed %+v (%v)", removed, err)
		}
		wantHolder(t, s, second, first.ID, "a")
		mustMove(t, s, first, finish(confirm.Applied))
		mustMove(t, s, second, claimKeys("a"), finish(confirm.Applied))
		mustVerify(t, s)
	})
}

// Changes that claim overlapping keys at once, in every order, never hold a key together, and all of them end.
func TestOverlappingClaims(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		stores := []*store.Store{l.openStore(t), l.openStore(t)}
		var mu sync.Mutex
		held := map[string]string{}
		note := func(c confirm.Change, keys []string, take bool) {
			mu.Lock()
			defer mu.Unlock()
			for _, key := range keys {
				if other := held[key]; take && other != "" {
					t.Errorf("%s and %s hold %s", c.ID, other, key)
				}
				held[key] = map[bool]string{true: c.ID}[take]
			}
		}
		inParallel(16, func(i int) {
			s := stores[i%2]
			keys := []string{fmt.Sprint(i % 4), fmt.Sprint((i + 1) % 4), fmt.Sprint((i + 2 + i%2) % 4)}
			c := mustMove(t, s, insert(t, s), approval("ada"))
			for {
				claimed, err := s.Move(t.Context(), c, claimKeys(keys...))
				if errors.Is(err, confirm.ErrBusy) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				note(c, keys, true)
				note(c, keys, false)
				mustMove(t, s, claimed, finish(confirm.Applied))
				return
			}
		})
		mustVerify(t, stores[0])
	})
}

func TestClaimsInOneTransaction(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		approved := make([]confirm.Change, 12)
		for i := range approved {
			approved[i] = mustMove(t, s, insert(t, s), approval("ada"))
		}
		var won sync.Map
		l.inOneTransaction(t, s, len(approved), func(i int, _ confirm.Change) {
			c, err := s.Move(t.Context(), approved[i], claimKeys("a", "b"))
			if err == nil {
				won.Store(c.ID, true)
			} else if !errors.Is(err, confirm.ErrBusy) {
				t.Error(err)
			}
		})
		n := 0
		won.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d changes hold the same keys", n)
		}
	})
}

func TestAnEqualProposalIsNotInsertedTwice(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		stores := []*store.Store{l.openStore(t), l.openStore(t), l.openStore(t)}
		var ids sync.Map
		inParallel(12, func(i int) {
			c := mustNewChange(t)
			c.Fingerprint = "f"
			var open *confirm.OpenError
			switch err := stores[i%3].Insert(t.Context(), c); {
			case err == nil:
				ids.Store(c.ID, true)
			case errors.As(err, &open):
				ids.Store(open.Change, true)
			default:
				t.Error(err)
			}
		})
		s := stores[0]
		all, err := s.Changes(t.Context(), confirm.Filter{})
		must(t, err)
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if len(all) != 1 || n != 1 {
			t.Fatalf("there are %d changes and %d were named, want 1", len(all), n)
		}
		again := mustNewChange(t)
		again.Fingerprint = "f"
		c := mustMove(t, s, all[0], approval("ada"), claim("me"))
		if err := s.Insert(t.Context(), again); err == nil {
			t.Error("inserted beside one that is executing")
		}
		mustMove(t, s, c, finish(confirm.Applied))
		must(t, s.Insert(t.Context(), again))
		late := mustNewChange(t)
		late.Fingerprint, late.Created = "f", again.Expires // the other one has expired by then
		must(t, s.Insert(t.Context(), late))
		other := mustNewChange(t)
		other.Fingerprint, other.Requester = "f", "slack:T1/U2"
		must(t, s.Insert(t.Context(), other))
		mustVerify(t, s)
	})
}

func TestABaselineIsRecordedAndVerified(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := mustMove(t, s, insert(t, s), approval("ada"), claim("me"))
		c = mustMove(t, s, c, confirm.Move{To: confirm.Executing, At: noon.Add(3 * time.Minute), Baseline: []byte(`["1"]`)})
		c = mustMove(t, s, c, confirm.Move{To: confirm.Executing, At: noon.Add(time.Hour), Baseline: []byte(`["1","2"]`)})
		mustMove(t, s, c, finish(confirm.Unknown))
		if got := mustRead(t, s, c.ID); string(got.Baseline) != `["1","2"]` || got.Owner != "me" {
			t.Errorf("the baseline is %s of owner %q", got.Baseline, got.Owner)
		}
		mustVerify(t, s)
		l.alter(t, `UPDATE baseline SET live = '[]'`)
		var bad *store.BadEntryError
		if _, err := s.Verify(t.Context()); !errors.As(err, &bad) {
			t.Errorf("an altered baseline verifies: %v", err)
		}
	})
}
