package store_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
)

func TestLeases(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s, other := l.openStore(t), l.openStore(t)
		later := noon.Add(time.Minute)
		for i, step := range []struct {
			owner string
			now   time.Time
			want  bool
		}{
			{"me", noon, true},
			{"you", noon, false},
			{"me", noon.Add(30 * time.Second), true}, // prolonged to 12:01:30
			{"you", later, false},
			{"you", later.Add(30*time.Second - time.Microsecond), false},
			{"you", later.Add(30 * time.Second), true}, // ended
			{"me", later.Add(40 * time.Second), false},
		} {
			s, other = other, s
			if got, err := s.AcquireLease(t.Context(), "recovery", step.owner, step.now, step.now.Add(time.Minute)); err != nil || got != step.want {
				t.Errorf("step %d: %s got %v, %v", i, step.owner, got, err)
			}
		}
		if got, err := s.AcquireLease(t.Context(), "another", "me", noon, later); err != nil || !got {
			t.Errorf("another lease: %v, %v", got, err)
		}
	})
}

func TestRenewLease(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := mustMove(t, s, insert(t, s), approval("ada"), claim("me"))
		until := noon.Add(time.Hour)
		must(t, s.RenewLease(t.Context(), c.ID, "me", until))
		if got := mustRead(t, s, c.ID); !got.Lease.Equal(until) || got.Version != c.Version {
			t.Errorf("renewed: lease %v, version %d", got.Lease, got.Version)
		}
		for name, err := range map[string]error{
			"another owner": s.RenewLease(t.Context(), c.ID, "you", until),
			"no such id":    s.RenewLease(t.Context(), "nobody", "me", until),
		} {
			if !errors.Is(err, confirm.ErrMoved) {
				t.Errorf("%s: got %v, want ErrMoved", name, err)
			}
		}
		mustMove(t, s, c, finish(confirm.Unknown)) // the renewal was not a move
		if err := s.RenewLease(t.Context(), c.ID, "me", until); !errors.Is(err, confirm.ErrMoved) {
			t.Errorf("ended: got %v, want ErrMoved", err)
		}
		mustVerify(t, s)
	})
}

func TestLeaseIsExclusive(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		var held atomic.Int64
		inParallel(16, func(i int) {
			ok, err := s.AcquireLease(t.Context(), "recovery", fmt.Sprint(i), noon, noon.Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			if ok {
				held.Add(1)
			}
		})
		if held.Load() != 1 {
			t.Errorf("%d hold the lease", held.Load())
		}
	})
}
