package confirm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"scanwarden/confirm"
)

// A link that the configuration contradicts later makes nobody an approver, and two voices one.
func TestAContradictedLinkConfirmsNothing(t *testing.T) {
	h := newHouse(t, confirm.Policy{})
	h.link(t, linkBob())
	h.Gate = h.under(func(p *confirm.Policy) {
		p.Approvers = []string{string(entraBob), "slack:T1/UMAL2", string(cleo)}
		p.Requesters = []string{string(entraBob), string(ada)}
		p.People = []confirm.Person{
			{Name: "Mallory", Principals: []confirm.Principal{slackBob, "slack:T1/UMAL2"}},
			{Name: "Bob", Principals: []confirm.Principal{entraBob, "token:bob"}},
		}
	})
	c := h.propose(t, elsewhere(ada))
	for _, who := range []confirm.Principal{slackBob, entraBob, "slack:T1/UMAL2", "token:bob"} {
		_, err := h.Decide(t.Context(), c.ID, yes(who))
		refusal(t, err, "it cannot be told who", "have an operator")
	}
	_, err := h.Propose(t.Context(), deleteTwo(), elsewhere(slackBob))
	refusal(t, err, "may not ask")
	h.Gate = h.under(func(p *confirm.Policy) { p.Approvers = []string{string(entraBob)} })
	if _, err := h.Propose(t.Context(), deleteTwo(), elsewhere(ada)); err != nil {
		t.Errorf("where nothing contradicts the link: %v", err)
	}
}

func TestWhoIsContestedIsNotCountedOn(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(entraBob)}})
	h.link(t, linkBob())
	h.Gate = h.under(func(p *confirm.Policy) {
		p.People = []confirm.Person{{Name: "Mallory", Principals: []confirm.Principal{slackBob}}, {Name: "Bob", Principals: []confirm.Principal{entraBob}}}
	})
	_, err := h.Propose(t.Context(), deleteTwo(), elsewhere(ada))
	refusal(t, err, "only 0 listed")
}

// A link adds to what is configured, and leaves the configuration itself as it is.
func TestALinkAddsToAConfiguredPerson(t *testing.T) {
	principals := make([]confirm.Principal, 1, 4)
	principals[0] = entraBob
	h := newHouse(t, confirm.Policy{
		Approvers: []string{string(entraBob)},
		People:    []confirm.Person{{Name: "Robert", Email: "bob@example.com", Principals: principals}},
	})
	h.link(t, linkBob())
	person, err := h.Person(t.Context(), slackBob)
	if err != nil || person.Name != "Robert" || person.Email != "bob@example.com" || len(person.Principals) != 2 {
		t.Errorf("he is %+v (%v)", person, err)
	}
	if spare := principals[:2][1]; spare != "" || len(h.cfg.Policy.People[0].Principals) != 1 {
		t.Errorf("the configuration was altered: %v", principals[:2])
	}
}

// blind is the real ledger behind a connection that has broken: nobody knows who is who.
type blind struct {
	confirm.Store
	asked chan struct{} // holds one token for each time it was asked
}

var errBlind = errors.New("the connection has broken")

func (b blind) Links(context.Context) ([]confirm.Link, error) {
	b.asked <- struct{}{}
	return nil, errBlind
}

func TestWithoutKnowingWhoIsWhoNothingMoves(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	approved := h.left(t, approvedBy(bob))
	cfg := h.cfg
	asked := make(chan struct{}, 100)
	cfg.Store = blind{h.ledger, asked}
	gate := confirm.New(cfg)
	for name, err := range map[string]error{
		"decide":      second(gate.Decide(t.Context(), c.ID, yes(bob))),
		"propose":     second(gate.Propose(t.Context(), deleteTwo(), elsewhere(ada))),
		"may propose": gate.CanPropose(t.Context(), "delete_scans", elsewhere(ada)),
		"may decide":  gate.CanDecide(t.Context(), c, yes(bob)),
		"each":        second(gate.CanDecideEach(t.Context(), []confirm.Change{c}, yes(bob))),
		"withdraw":    second(gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada})),
		"link":        gate.Link(t.Context(), linkBob()),
		"open":        second(gate.OpenChanges(t.Context(), ada)),
		"person":      second(gate.Person(t.Context(), ada)),
		"asked":       second(gate.IsRequester(t.Context(), c, ada)),
	} {
		if !errors.Is(err, errBlind) || errors.Is(err, confirm.ErrRefused) {
			t.Errorf("%s: got %v, want the ledger's error", name, err)
		}
	}
	for len(asked) > 0 {
		<-asked
	}
	h.advance(10 * time.Second)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- gate.Run(ctx) }()
	<-asked // by the claim of the approved one
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.stands(t, c, confirm.Pending)
	h.stands(t, approved, confirm.Approved)
}

func second[T any](_ T, err error) error { return err }
