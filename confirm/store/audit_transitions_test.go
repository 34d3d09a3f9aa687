package store_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// A row that was altered without an audit entry, and then moved by a Gate that trusted it, leaves a log with valid
// hashes. Verify finds the transition that is impossible. Where the Store compares the row with the log first, it
// refuses the move, and Verify finds the row.
func TestVerifyChecksTransitions(t *testing.T) {
	for name, tt := range map[string]struct {
		before []confirm.Move // legal
		alter  string         // tampering with the row
		after  []confirm.Move // moves by a Gate that trusts the row
		why    string
	}{
		"approved by hand":        {nil, `state = 'approved'`, []confirm.Move{claim("me"), finish(confirm.Applied)}, "its state is"},
		"version set back":        {[]confirm.Move{noteMove}, `version = version - 1`, []confirm.Move{approval("ada")}, "its version"},
		"another requester":       {nil, `requester = 'token:eve'`, []confirm.Move{approval("ada")}, "from a state it was not in"},
		"approved without a vote": {nil, ``, []confirm.Move{{To: confirm.Approved, At: noon}}, "approved by 0 people"},
		"executed without a yes":  {nil, ``, []confirm.Move{claim("me")}, "cannot go from pending to executing"},
		"denied by nobody":        {nil, ``, []confirm.Move{finish(confirm.Denied)}, "without a decision against it"},
		"approved when overdue":   {nil, ``, []confirm.Move{{To: confirm.Approved, At: noon.AddDate(1, 0, 0), Decision: approveAs("ada")}}, "after it had expired"},
		"applied without a claim": {[]confirm.Move{approval("ada")}, ``, []confirm.Move{finish(confirm.Applied)}, "cannot go from approved to applied"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				c := mustMove(t, s, insert(t, s), tt.before...)
				mustVerify(t, s)
				if tt.alter != "" {
					l.alter(t, `UPDATE change SET `+tt.alter+` WHERE id = $1`, c.ID)
					c = mustRead(t, s, c.ID)
				}
				if _, err := moveAll(t.Context(), s, c, tt.after...); err != nil && !errors.Is(err, confirm.ErrTampered) {
					t.Fatal(err)
				}
				var bad *store.BadEntryError
				if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || !strings.Contains(bad.Why, tt.why) {
					t.Errorf("got %v, want an entry that %q", err, tt.why)
				}
			})
		})
	}
}

// A change that needs two approvals is lowered to one in its row while it runs, and restored afterwards.
func TestVerifyCountsApprovals(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := mustNewChange(t)
		c.Needed = 2
		must(t, s.Insert(t.Context(), c))
		mustMove(t, s, c, approval("ada"), claim("me"), finish(confirm.Applied))
		var bad *store.BadEntryError
		if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || bad.Entry != 1 || !strings.Contains(bad.Why, "approved by 1 person, and needs 2") {
			t.Errorf("got %v, want entry 1 to be bad", err)
		}
	})
}

var noteMove = confirm.Move{To: confirm.Pending, At: noon, NextRound: true, Note: "a wrong code"}
