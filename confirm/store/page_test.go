package store_test

import (
	"slices"
	"testing"
	"time"

	"scanwarden/confirm"
)

// pageThrough returns the IDs of all changes that match f, as read in pages.
func pageThrough(t *testing.T, s confirm.Store, f confirm.Filter) (ids []string) {
	t.Helper()
	for next := (confirm.Cursor{}); ; {
		page, last, err := s.Heads(t.Context(), f, next)
		must(t, err)
		for _, h := range page {
			ids = append(ids, h.ID)
		}
		if next = last; next == (confirm.Cursor{}) {
			return ids
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
			c.Expires = c.Created.Add(15 * time.Minute)
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
			got := pageThrough(t, s, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: limit})
			if slices.Sort(got); !slices.Equal(got, sorted) {
				t.Errorf("pages of %d have %v, want %v", limit, got, sorted)
			}
		}
		page, _, err := s.Heads(t.Context(), confirm.Filter{Limit: 8}, confirm.Cursor{})
		must(t, err)
		if !slices.IsSortedFunc(page, func(a, b confirm.Head) int { return a.Created.Compare(b.Created) }) {
			t.Error("the page is not oldest first")
		}
		expired := confirm.Filter{ExpiredAt: page[0].Expires, Limit: 2} // two were proposed at once
		if got := pageThrough(t, s, expired); len(got) != 2 {
			t.Errorf("%v have expired with the first, want two", got)
		}
	})
}
