package store_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// Each row that was altered behind the log's back, moved on by a gate that believed it, and leaves a log whose
// hashes all hold: what it tells is impossible all the same.
func TestVerifyKnowsTheLaw(t *testing.T) {
	for name, tt := range map[string]struct {
		before []confirm.Move // lawful
		alter  string         // what somebody does to the row
		after  []confirm.Move // what a gate makes of it
		why    string
	}{
		"approved by hand":        {nil, `state = 'approved'`, []confirm.Move{claim("me"), finish(confirm.Applied)}, "from a state it was not in"},
		"version set back":        {[]confirm.Move{noteMove}, `version = version - 1`, []confirm.Move{approval("ada")}, "from a state it was not in"},
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
				mustMove(t, s, c, tt.after...)
				var bad *store.BadEntryError
				if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || !strings.Contains(bad.Why, tt.why) {
					t.Errorf("got %v, want an entry that %q", err, tt.why)
				}
			})
		})
	}
}

// A change that needs two people, lowered to one in its row for as long as it takes, and put back.
func TestVerifyCountsThePeople(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := mustNewChange(t)
		c.Needed = 2
		must(t, s.Insert(t.Context(), c))
		mustMove(t, s, c, approval("ada"), claim("me"), finish(confirm.Applied))
		var bad *store.BadEntryError
		if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || bad.Entry != 1 || !strings.Contains(bad.Why, "needs 2") {
			t.Errorf("got %v, want entry 1 to be bad", err)
		}
	})
}

var noteMove = confirm.Move{To: confirm.Pending, At: noon, NextRound: true, Note: "a wrong code"}
