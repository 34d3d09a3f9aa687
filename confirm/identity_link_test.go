package confirm_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
)

const (
	slackBob = confirm.Principal("slack:T1/UBOB")
	entraBob = confirm.Principal("entra:TENANT/BOB")
)

func linkBob() confirm.Link {
	return confirm.Link{From: slackBob, To: entraBob, Name: "Bob", How: "sign-in"}
}

func (s *stack) link(t testing.TB, l confirm.Link) {
	t.Helper()
	if err := s.Link(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) links(t testing.TB) []confirm.Link {
	t.Helper()
	links, err := s.store.Links(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return links
}

func TestALinkGivesTheRightsOfTheOtherAccount(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(entraBob)}})
	c := s.propose(t, onSlack(ada))
	_, err := s.Decide(t.Context(), c.ID, approval(slackBob))
	wantRefusal(t, err, "not among the approvers")
	s.link(t, linkBob())
	if _, err := s.Decide(t.Context(), c.ID, approval(slackBob)); err != nil {
		t.Fatal(err)
	}
	got := s.waitFor(t, c.ID, confirm.Applied, 1)
	if d := got.Decisions[0]; d.Name != "Bob" || d.Principal != slackBob || !slices.Equal(d.Also, []confirm.Principal{entraBob}) {
		t.Errorf("the decision is %+v", d)
	}
	person, err := s.Person(t.Context(), slackBob)
	if err != nil || person.Name != "Bob" || !slices.Equal(person.Principals, []confirm.Principal{entraBob, slackBob}) {
		t.Errorf("the person of the Slack account is %+v (%v)", person, err)
	}
}

func TestARemovedLinkGivesNoRights(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(entraBob)}})
	s.link(t, linkBob())
	c := s.propose(t, onSlack(ada))
	if err := s.Unlink(t.Context(), slackBob, "he left"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Decide(t.Context(), c.ID, approval(slackBob))
	wantRefusal(t, err, "not among the approvers")
	if err := s.Unlink(t.Context(), slackBob, "again"); !errors.Is(err, confirm.ErrNotFound) || !strings.Contains(err.Error(), "linked to no other account") {
		t.Errorf("a second time gave %v, want ErrNotFound with its own text", err)
	}
	if person, err := s.Person(t.Context(), slackBob); err != nil || person.Name != "" || len(person.Principals) != 1 {
		t.Errorf("he is still %+v (%v)", person, err)
	}
}

// twoBobs returns a policy that requires two people and lists both of Bob's accounts.
func twoBobs() confirm.Policy {
	return confirm.Policy{
		Approvers: []string{string(slackBob), string(entraBob), string(cleo)}, Required: map[string]int{"delete_scans": 2},
	}
}

// Two accounts of one person have one vote, however late they are linked.
func TestALinkedPersonCountsOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]func(t *testing.T, s *stack, vote func(confirm.Principal) error){
		"linked before": func(t *testing.T, s *stack, vote func(confirm.Principal) error) {
			s.link(t, linkBob())
			_ = vote(slackBob)
			wantRefusal(t, vote(entraBob), "already decided")
		},
		"linked between, the other way round": func(t *testing.T, s *stack, vote func(confirm.Principal) error) {
			_ = vote(entraBob)
			s.link(t, linkBob())
			wantRefusal(t, vote(slackBob), "already decided")
		},
		"linked between": func(t *testing.T, s *stack, vote func(confirm.Principal) error) {
			_ = vote(slackBob)
			s.link(t, linkBob())
			wantRefusal(t, vote(entraBob), "already decided")
		},
		"unlinked between": func(t *testing.T, s *stack, vote func(confirm.Principal) error) {
			s.link(t, linkBob())
			_ = vote(entraBob)
			if err := s.Unlink(t.Context(), slackBob, "a ruse"); err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, vote(slackBob), "already decided")
		},
		"unlinked between, the other way round": func(t *testing.T, s *stack, vote func(confirm.Principal) error) {
			s.link(t, linkBob())
			_ = vote(slackBob)
			if err := s.Unlink(t.Context(), slackBob, "a ruse"); err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, vote(entraBob), "already decided")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, twoBobs())
			c := s.propose(t, onSlack(ada))
			tt(t, s, func(by confirm.Principal) error {
				_, err := s.Decide(t.Context(), c.ID, approval(by))
				return err
			})
			s.wantState(t, c, confirm.Pending)
			if _, err := s.Decide(t.Context(), c.ID, approval(cleo)); err != nil {
				t.Fatal(err)
			}
			s.waitFor(t, c.ID, confirm.Applied, 1)
		})
	}
}

// Tries each order of votes by Bob's two accounts and of linking and unlinking them. If they were linked at either vote,
// the two votes do not count as two people.
func TestNoOrderOfLinksMakesOnePersonTwo(t *testing.T) {
	t.Parallel()
	s := newStack(t, twoBobs())
	for order := range 4 * 4 * 4 * 4 {
		c := s.proposePlan(t, deleteTwo(), onSlack(ada))
		alone, linked, runs := map[confirm.Principal]bool{}, false, s.runs.Load()
		for step := order; step > 0; step /= 4 {
			switch step % 4 {
			case 0:
				linked = true
				s.link(t, linkBob())
			case 1:
				linked = false
				_ = s.Unlink(t.Context(), slackBob, "")
			default:
				voter := []confirm.Principal{slackBob, entraBob}[step%4-2]
				if _, err := s.Decide(t.Context(), c.ID, approval(voter)); err == nil {
					alone[voter] = !linked
				}
				if _, err := s.waitSettled(t, c.ID); err != nil { // a link made before the claim would count too
					t.Fatal(err)
				}
			}
		}
		got, err := s.waitSettled(t, c.ID)
		two := alone[slackBob] && alone[entraBob]
		if err != nil || (got.State == confirm.Applied) != two || (s.runs.Load() > runs) != two {
			t.Fatalf("order %d leaves it %s (%v) with %+v", order, got.State, err, got.Decisions)
		}
		_, _ = s.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada})
		_ = s.Unlink(t.Context(), slackBob, "")
	}
}

// Identities are checked again at the claim: the votes of two people may turn out to be one person's.
func TestALinkBeforeTheClaimCounts(t *testing.T) {
	t.Parallel()
	s := newStack(t, twoBobs())
	first := approvedMove(slackBob)
	first.To = confirm.Pending
	c := s.insertAfter(t, first, approvedMove(entraBob))
	s.link(t, linkBob())
	s.advance(10 * time.Second)
	s.startRecovery(t)
	if got := s.waitFor(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, "too few people") {
		t.Errorf("the reason is %q", got.Outcome.Reason)
	}
}

func TestALinkedAccountIsTheRequesterToo(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(slackBob), string(cleo)}})
	c := s.propose(t, onSlack(entraBobAsks(s, t)))
	_, err := s.Decide(t.Context(), c.ID, approval(slackBob))
	wantRefusal(t, err, "their own changes")
	if !s.isRequester(t, c, slackBob) || s.isRequester(t, c, cleo) {
		t.Error("it is not his own, or another person's")
	}
	if open, err := s.OpenChanges(t.Context(), slackBob); err != nil || len(open) != 1 {
		t.Errorf("he has open: %v %v", open, err)
	}
	if got, err := s.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: slackBob}); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("withdrawing gave %s, %v", got.State, err)
	}
}

// entraBobAsks links Bob's accounts and returns the one that proposes.
func entraBobAsks(s *stack, t *testing.T) confirm.Principal {
	t.Helper()
	s.link(t, confirm.Link{From: slackBob, To: entraBob, How: "e-mail"})
	s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Requesters = []string{string(slackBob)} }) // a link gives this right too
	return entraBob
}

func TestWhatCannotBeLinked(t *testing.T) {
	t.Parallel()
	people := []confirm.Person{
		{Name: "Ada", Principals: []confirm.Principal{"slack:T1/UADA", "entra:TENANT/ADA"}},
		{Name: "Cleo", Principals: []confirm.Principal{"entra:TENANT/CLEO"}},
		{Name: "Dora", Principals: []confirm.Principal{"slack:T1/UDORA"}},
		{Name: "Eve", Principals: []confirm.Principal{"entra:TENANT/EVE", "local:eve"}},
	}
	long := strings.Repeat("x", 2000)
	for _, tt := range []struct {
		name    string
		link    confirm.Link
		refusal string // "" means that it can
		kept    int    // links after it, besides Bob's
	}{
		{"two strangers", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT/X"}, "", 1},
		{"one with a name", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT/CLEO"}, "", 1},
		{"the other with a name", confirm.Link{From: "slack:T1/UDORA", To: "entra:TENANT/X"}, "", 1},
		{"the very same again", confirm.Link{From: slackBob, To: entraBob}, "", 0},
		{"what is configured", confirm.Link{From: "slack:T1/UADA", To: "entra:TENANT/ADA"}, "", 0},
		{"linked from", confirm.Link{From: slackBob, To: "entra:TENANT/X"}, "joined to another account", 0},
		{"linked to", confirm.Link{From: "slack:T1/UX", To: entraBob}, "joined to another account", 0},
		{"configured from", confirm.Link{From: "slack:T1/UADA", To: "entra:TENANT/X"}, "joined to another account", 0},
		{"configured to", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT/ADA"}, "joined to another account", 0},
		{"one with another name, not Slack's", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT/EVE"}, "", 1},
		{"two people", confirm.Link{From: "slack:T1/UDORA", To: "entra:TENANT/CLEO"}, "two people in the configuration", 0},
		{"the wrong way round", confirm.Link{From: "entra:TENANT/X", To: "slack:T1/UX"}, "only a Slack account", 0},
		{"to a token", confirm.Link{From: "slack:T1/UX", To: "token:x"}, "only to an Entra account", 0},
		{"no user", confirm.Link{From: "slack:T1/", To: "entra:TENANT/X"}, "not slack:TEAM/USER", 0},
		{"no team", confirm.Link{From: "slack:/UX", To: "entra:TENANT/X"}, "not slack:TEAM/USER", 0},
		{"three parts", confirm.Link{From: "slack:T1/UX/Y", To: "entra:TENANT/X"}, "not slack:TEAM/USER", 0},
		{"no object", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT"}, "not entra:TENANT/OBJECT", 0},
		{"no principals", confirm.Link{}, "not slack:TEAM/USER", 0},
		{"a long one", confirm.Link{From: "slack:T1/UX", To: confirm.Principal("entra:TENANT/" + long)}, "not entra:TENANT/OBJECT", 0},
		{"a long name", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT/X", Name: long}, "shorten it", 0},
		{"without a proof", confirm.Link{From: "slack:T1/UX", To: "entra:TENANT/X", How: "a guess"}, "by sign-in or by e-mail", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{People: people})
			s.link(t, linkBob())
			if tt.link.How == "" {
				tt.link.How = "sign-in"
			}
			err := s.Link(t.Context(), tt.link)
			if tt.refusal != "" {
				wantRefusal(t, err, tt.refusal)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
			if links := s.links(t); len(links) != 1+tt.kept {
				t.Errorf("there are %+v, want %d besides Bob's", links, tt.kept)
			}
		})
	}
	s := newStack(t, confirm.Policy{})
	wantRefusal(t, s.Unlink(t.Context(), slackBob, long), "shorten it")
}

func TestALinkIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	gates := []*confirm.Gate{s.Gate, confirm.New(s.cfg)}
	var all sync.WaitGroup
	results := make([]error, 16)
	for i := range results {
		l := linkBob()
		if i%4 >= 2 {
			l.To = "entra:TENANT/MALLORY"
		}
		all.Go(func() { results[i] = gates[i%2].Link(t.Context(), l) })
	}
	all.Wait()
	links := s.links(t)
	if len(links) != 1 {
		t.Fatalf("there are %+v", links)
	}
	for i, err := range results { // linking the same account again succeeds, and another account is refused
		if same := (i%4 < 2) == (links[0].To == entraBob); same && err != nil {
			t.Errorf("the same link gave %v", err)
		} else if !same {
			wantRefusal(t, err, "joined to another account", "have an operator")
		}
	}
	if !links[0].At.Equal(s.clock()) {
		t.Errorf("it was made at %v", links[0].At)
	}
}
