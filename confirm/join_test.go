package confirm_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
)

// Twelve equal proposals at once, at two gates on one ledger, are one change with one code. They do not count against
// the limit, and the change ends like any other.
func TestEqualProposalsAreOneChange(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 2})
	other := confirm.New(s.cfg)
	found := make([]confirm.Change, 12)
	var all sync.WaitGroup
	for i := range found {
		gate := s.Gate
		if i%2 == 1 {
			gate = other
		}
		all.Go(func() {
			var err error
			if found[i], err = gate.Propose(t.Context(), deleteTwo(), onSlack(ada)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, c := range found {
		if c.ID != found[0].ID || c.Code != found[0].Code || c.State != confirm.Pending {
			t.Errorf("one proposal is %s with the code %s, another %s with %s", found[0].ID, found[0].Code, c.ID, c.Code)
		}
	}
	s.propose(t, onSlack(ada)) // a second one, at the limit of which the first can still be joined
	if c, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada)); err != nil || c.ID != found[0].ID {
		t.Errorf("at the limit it is %s (%v), want %s", c.ID, err, found[0].ID)
	}
	if _, err := s.Decide(t.Context(), found[0].ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, found[0].ID, confirm.Applied, 1)
	if c, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada)); err != nil || c.ID == found[0].ID {
		t.Errorf("after its end it is %s (%v), want a new change", c.ID, err)
	}
}

// Only what an approver could not tell apart is joined, and only while it is open.
func TestWhatIsNotJoined(t *testing.T) {
	t.Parallel()
	alter := func(f func(*confirm.Proposal)) confirm.Proposal {
		p := deleteTwo()
		f(&p)
		return p
	}
	withAgent := onSlack(ada)
	withAgent.Agent = true
	elsewhere := onSlack(ada)
	elsewhere.Source = "another"
	both := onSlack(ada)
	both.Channels = []confirm.Channel{confirm.Slack, "page"}
	for name, c := range map[string]struct {
		plan confirm.Proposal
		by   confirm.Requester
	}{
		"another requester": {deleteTwo(), onSlack(cleo)},
		"an agent":          {deleteTwo(), withAgent},
		"another source":    {deleteTwo(), elsewhere},
		"other channels":    {deleteTwo(), both},
		"another body":      {alter(func(p *confirm.Proposal) { p.Request.Body = json.RawMessage(`{"ScanDefinitionIds":["a"]}`) }), onSlack(ada)},
		"another snapshot":  {alter(func(p *confirm.Proposal) { p.Snapshot = json.RawMessage(`{"a":{"x":1}}`) }), onSlack(ada)},
		"another operation": {alter(func(p *confirm.Proposal) { p.Operation = "update_scan" }), onSlack(ada)},
	} {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		first := s.proposePlan(t, deleteTwo(), onSlack(ada))
		if second := s.proposePlan(t, c.plan, c.by); second.ID == first.ID {
			t.Errorf("%s: it was joined", name)
		}
	}
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	first := s.proposePlan(t, deleteTwo(), onSlack(ada))
	s.advance(time.Hour)
	if second := s.proposePlan(t, deleteTwo(), onSlack(ada)); second.ID == first.ID || !slices.Contains(second.Channels, confirm.Slack) {
		t.Error("an expired change was joined")
	}
}
