package confirm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"scanwarden/confirm"
)

// EachChange yields every change once, oldest first, also where yield moves them, and names those that cannot be read
// after it has yielded all others.
func TestEachChangeYieldsWhatCanBeRead(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		var want []string
		for i := range 9 {
			if i%4 == 0 {
				h.advance(time.Second)
			}
			want = append(want, h.proposePlan(t, deleteMany(i+1), onSlack(confirm.Principal(fmt.Sprint("token:", i)))).ID)
		}
		h.insertAfter(t, approvedMove(bob))
		for _, id := range []string{want[0], want[4], want[8]} {
			h.write(t, `UPDATE proposal SET proposed = 'x' WHERE change_id = $1`, id)
			want = slices.DeleteFunc(slices.Clone(want), func(w string) bool { return w == id })
		}
		var got []string
		pending := confirm.Filter{States: []confirm.State{confirm.Pending}}
		err := h.EachChange(t.Context(), pending, func(c confirm.Change) error {
			got = append(got, c.ID)
			_, err := h.Decide(t.Context(), c.ID, denial(bob, "no"))
			return err
		})
		if err == nil {
			t.Error("the changes that cannot be read are not named")
		}
		slices.Sort(want) // those of one moment are in the order of their ids
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if err := h.EachChange(t.Context(), pending, func(c confirm.Change) error { return fmt.Errorf("yielded %s", c.ID) }); err == nil {
			t.Error("got no error")
		}
	})
}
