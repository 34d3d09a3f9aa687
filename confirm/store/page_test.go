package store_test

import (
	"slices"
	"testing"
	"time"

	"scanwarden/confirm"
)

// pageThrough returns the IDs of all changes that match f, as read in pages.
func pageThrough(t *testing.T, s confirm.Store, f confirm.Filter) (ids []string, failed error) {
	t.Helper()
	for next := (confirm.Cursor{}); ; {
		page, last, err := s.ChangePage(t.Context(), f, next)
		if err != nil {
			failed = err
		}
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		if next = last; next == (confirm.Cursor{}) {
			return ids, failed
		}
	}
}

func TestChangesAreReadInPagesOldestFirst(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		var want []string
		for i := range 7 {
			c := mustNewChange(t)
			c.Created = c.Created.Add(time.Duration(i/2) * time.Second) // some have the same time
			must(t, s.Insert(t.Context(), c))
			want = append(want, c.ID)
			if i == 3 {
				mustMove(t, s, c, approval("ada"))
				want = want[:3]
			}
		}
		sorted := slices.Clone(want)
		slices.Sort(sorted)
		for limit := 1; limit <= 8; limit++ {
			got, err := pageThrough(t, s, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: limit})
			must(t, err)
			if slices.Sort(got); !slices.Equal(got, sorted) {
				t.Errorf("pages of %d have %v, want %v", limit, got, sorted)
			}
		}
		page, _, err := s.ChangePage(t.Context(), confirm.Filter{Limit: 8}, confirm.Cursor{})
		must(t, err)
		if !slices.IsSortedFunc(page, func(a, b confirm.Change) int { return a.Created.Compare(b.Created) }) {
			t.Error("the page is not oldest first")
		}
		for _, id := range want[:3] { // a page of changes that cannot be read must not end the reading
			l.alter(t, `UPDATE proposal SET proposed = 'x' WHERE change_id = $1`, id)
		}
		got, err := pageThrough(t, s, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: 1})
		if slices.Sort(got); err == nil || len(got) != len(want)-3 {
			t.Errorf("with 3 of %d changes unreadable, the pages have %v, %v", len(want), got, err)
		}
	})
}
