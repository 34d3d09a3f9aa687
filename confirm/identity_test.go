package confirm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"scanwarden/confirm"
)

// A link that the configuration contradicts later makes no approver, and leaves two persons one vote together.
func TestAnAmbiguousPersonApprovesNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	s.link(t, linkBob())
	s.Gate = s.withPolicy(func(p *confirm.Policy) {
		p.Approvers = []string{string(entraBob), "slack:T1/UMAL2", string(cleo)}
		p.Requesters = []string{string(entraBob), string(ada)}
		p.People = []confirm.Person{
			{Name: "Mallory", Principals: []confirm.Principal{slackBob, "slack:T1/UMAL2"}},
			{Name: "Bob", Principals: []confirm.Principal{entraBob, "token:bob"}},
		}
	})
	c := s.propose(t, onSlack(ada))
	for _, voter := range []confirm.Principal{slackBob, entraBob, "slack:T1/UMAL2", "token:bob"} {
		_, err := s.Decide(t.Context(), c.ID, approval(voter))
		wantRefusal(t, err, "it cannot be told who", "have an operator")
	}
	_, err := s.Propose(t.Context(), deleteTwo(), onSlack(slackBob))
	wantRefusal(t, err, "may not ask")
	s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Approvers = []string{string(entraBob)} })
	if _, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada)); err != nil {
		t.Errorf("where nothing contradicts the link: %v", err)
	}
}

func TestAnAmbiguousApproverIsNotCounted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(entraBob)}})
	s.link(t, linkBob())
	s.Gate = s.withPolicy(func(p *confirm.Policy) {
		p.People = []confirm.Person{{Name: "Mallory", Principals: []confirm.Principal{slackBob}}, {Name: "Bob", Principals: []confirm.Principal{entraBob}}}
	})
	_, err := s.Propose(t.Context(), deleteTwo(), onSlack(ada))
	wantRefusal(t, err, "only 0 of the listed approvers")
}

// A link adds an account to a configured person without altering the configuration.
func TestALinkAddsToAConfiguredPerson(t *testing.T) {
	t.Parallel()
	principals := make([]confirm.Principal, 1, 4)
	principals[0] = entraBob
	s := newStack(t, confirm.Policy{
		Approvers: []string{string(entraBob)},
		People:    []confirm.Person{{Name: "Robert", Email: "bob@example.com", Principals: principals}},
	})
	s.link(t, linkBob())
	person, err := s.Person(t.Context(), slackBob)
	if err != nil || person.Name != "Robert" || person.Email != "bob@example.com" || len(person.Principals) != 2 {
		t.Errorf("he is %+v (%v)", person, err)
	}
	if spare := principals[:2][1]; spare != "" || len(s.cfg.Policy.People[0].Principals) != 1 {
		t.Errorf("the configuration was altered: %v", principals[:2])
	}
}

// brokenLinks is the real ledger over a broken connection: identity links cannot be read.
type brokenLinks struct {
	confirm.Store
	reads chan struct{} // holds one token for each read
}

var errBrokenLinks = errors.New("the connection has broken")

func (b brokenLinks) LinkSet(context.Context) ([]confirm.Link, string, error) {
	b.reads <- struct{}{}
	return nil, "", errBrokenLinks
}

func TestWithoutIdentityLinksNothingMoves(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	approved := s.insertAfter(t, approvedMove(bob))
	cfg := s.cfg
	asked := make(chan struct{}, 100)
	cfg.Store = brokenLinks{s.store, asked}
	gate := confirm.New(cfg)
	for name, err := range map[string]error{
		"decide":      errorOf(gate.Decide(t.Context(), c.ID, approval(bob))),
		"propose":     errorOf(gate.Propose(t.Context(), deleteTwo(), onSlack(ada))),
		"may propose": gate.CanPropose(t.Context(), "delete_scans", onSlack(ada)),
		"may decide":  gate.CanDecide(t.Context(), c, approval(bob)),
		"withdraw":    errorOf(gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada})),
		"link":        gate.Link(t.Context(), linkBob()),
		"open":        errorOf(gate.OpenChanges(t.Context(), ada)),
		"person":      errorOf(gate.Person(t.Context(), ada)),
		"asked":       errorOf(gate.IsRequester(t.Context(), c, ada)),
	} {
		if !errors.Is(err, errBrokenLinks) || errors.Is(err, confirm.ErrRefused) {
			t.Errorf("%s: got %v, want the ledger's error", name, err)
		}
	}
	for len(asked) > 0 {
		<-asked
	}
	s.advance(10 * time.Second)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- gate.Run(ctx) }()
	<-asked // by the claim of the approved change
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantState(t, c, confirm.Pending)
	s.wantState(t, approved, confirm.Approved)
}

func errorOf[T any](_ T, err error) error { return err }
