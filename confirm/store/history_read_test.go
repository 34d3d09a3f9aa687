package store_test

import (
	"slices"
	"testing"
	"time"

	"scanwarden/confirm"
)

// TestHistoryIsReadNewestFirst: ids and changes are listed newest first, and pages continue where the last one ended.
func TestHistoryIsReadNewestFirst(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		var want []string
		for i := range 5 {
			c := mustNewChange(t)
			c.Created = c.Created.Add(time.Duration(i/2) * time.Second) // some have the same time
			must(t, s.Insert(t.Context(), c))
			want = append(want, c.ID)
		}
		ids, err := s.ChangeIDs(t.Context())
		must(t, err)
		if len(ids) != len(want) || !slices.Contains(want[4:], ids[0]) {
			t.Errorf("ids %v, want those of %v, newest first", ids, want)
		}
		var paged []string
		for before := (confirm.Cursor{}); ; {
			page, err := s.ChangesBefore(t.Context(), confirm.Filter{Limit: 2}, before)
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				paged = append(paged, c.ID)
			}
			before = confirm.Cursor{Created: page[len(page)-1].Created, ID: page[len(page)-1].ID}
		}
		if !slices.Equal(paged, ids) {
			t.Errorf("pages have %v, want %v", paged, ids)
		}
	})
}

// TestChangeLogIsOfOneChange: the log of a change has its own entries in order, and none of another change.
func TestChangeLogIsOfOneChange(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c, other := mustNewChange(t), mustNewChange(t)
		must(t, s.Insert(t.Context(), other))
		must(t, s.Insert(t.Context(), c))
		mustMove(t, s, c, approval("ada"))
		log, err := s.ChangeLog(t.Context(), c.ID)
		must(t, err)
		if len(log) != 2 || log[0].Event != "proposed" || log[1].Event != "approved" || log[1].Decision == nil || log[0].N != 1 || log[1].N != 2 {
			t.Errorf("%+v", log)
		}
		if log, err := s.ChangeLog(t.Context(), "01NONE"); err != nil || len(log) != 0 {
			t.Errorf("of no change: %+v, %v", log, err)
		}
	})
}
