package confirm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// entraBobAsking is Bob as he asks by the name that a link joins with Slack's.
func entraBobAsking() confirm.Requester {
	by := onSlack(entraBob)
	by.Groups = []string{"entra-role:Scans.Requester"}
	return by
}

func (s *stack) unlink(t *testing.T) {
	t.Helper()
	if err := s.Unlink(t.Context(), slackBob, "the e-mail address in Slack does not match any more"); err != nil {
		t.Fatal(err)
	}
}

// Who shed an account after asking is still who asked, whatever that account is called by now.
func TestUnlinkingDoesNotAllowSelfApproval(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(*testing.T, *stack) confirm.Principal{
		"while linked": func(*testing.T, *stack) confirm.Principal { return slackBob },
		"taken apart":  func(t *testing.T, s *stack) confirm.Principal { s.unlink(t); return slackBob },
		"linked to another since": func(t *testing.T, s *stack) confirm.Principal {
			s.unlink(t)
			s.link(t, confirm.Link{From: slackBob, To: "entra:TENANT/BOB2", How: "sign-in"})
			return "entra:TENANT/BOB2"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(slackBob), "entra:TENANT/BOB2", string(cleo)}})
			s.link(t, linkBob())
			c := s.propose(t, entraBobAsking())
			if !slices.Equal(c.RequesterAlso, []confirm.Principal{slackBob}) {
				t.Errorf("besides the one he asked by, his names are %v", c.RequesterAlso)
			}
			who := after(t, s)
			_, err := s.Decide(t.Context(), c.ID, approval(who))
			wantRefusal(t, err, "their own changes")
			s.wantState(t, c, confirm.Pending)
			if v := s.cfg.Policy.Explain(c, s.links(t)...); slices.Contains(v.Approvers, string(who)) || !slices.Contains(v.Approvers, string(cleo)) {
				t.Errorf("it is said that %v could confirm it", v.Approvers)
			}
			if _, err := s.Decide(t.Context(), c.ID, approval(cleo)); err != nil {
				t.Fatal(err)
			}
			s.waitFor(t, c.ID, confirm.Applied, 1)
		})
	}
}

// What somebody was known by when they asked lends no rights later on: a link that was a mistake is taken back.
func TestAnUnlinkedAccountMayNotDeny(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(cleo)}})
	s.link(t, linkBob())
	c := s.propose(t, entraBobAsking())
	s.unlink(t)
	_, err := s.Decide(t.Context(), c.ID, denial(slackBob, ""))
	wantRefusal(t, err, "neither an approver nor the requester")
	if s.isRequester(t, c, slackBob) || !s.isRequester(t, c, entraBob) {
		t.Error("it is still his by the name that was taken from him, or not by the one he asked by")
	}
}

// A yes from before it was known whose it is counts no more once it is known to be the requester's own.
func TestTheRequestersEarlierApprovalNoLongerCounts(t *testing.T) {
	t.Parallel()
	two := confirm.Policy{Approvers: []string{string(slackBob), string(entraBob), string(cleo), string(ada)}, Required: map[string]int{"delete_scans": 2}}
	allowed := two
	allowed.SelfApproval = true
	for name, tt := range map[string]struct {
		policy confirm.Policy
		before func(*testing.T, *stack) // between his own yes and the next one
		want   confirm.State
	}{
		"two strangers":          {two, func(*testing.T, *stack) {}, confirm.Applied},
		"linked since":           {two, func(t *testing.T, s *stack) { s.link(t, linkBob()) }, confirm.Pending},
		"linked since, allowed":  {allowed, func(t *testing.T, s *stack) { s.link(t, linkBob()) }, confirm.Applied},
		"linked and taken apart": {two, func(t *testing.T, s *stack) { s.link(t, linkBob()); s.unlink(t) }, confirm.Applied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, tt.policy)
			c := s.propose(t, entraBobAsking())
			if _, err := s.Decide(t.Context(), c.ID, approval(slackBob)); err != nil {
				t.Fatal(err)
			}
			tt.before(t, s)
			got, err := s.Decide(t.Context(), c.ID, approval(cleo))
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == confirm.Pending && got.State == confirm.Pending {
				if got, err = s.Decide(t.Context(), c.ID, approval(ada)); err != nil || got.State != confirm.Approved {
					t.Errorf("a third yes leaves it %s (%v)", got.State, err)
				}
			} else if got.State == confirm.Pending || tt.want == confirm.Pending {
				t.Errorf("it is %s, want %s", got.State, tt.want)
			}
			s.waitFor(t, c.ID, confirm.Applied, 1)
		})
	}
}

// The claim has the last word, by what is known then, and by what was known when either asked or said yes.
func TestTheRequestersOwnApprovalIsNotClaimed(t *testing.T) {
	t.Parallel()
	decided := func(who confirm.Principal, also ...confirm.Principal) confirm.Move {
		m := approvedMove(who)
		m.Decision.Also = also
		return m
	}
	for name, tt := range map[string]struct {
		linked bool // when he asks
		yes    confirm.Move
		after  func(*testing.T, *stack)
	}{
		"linked since":             {false, decided(slackBob), func(t *testing.T, s *stack) { s.link(t, linkBob()) }},
		"known when he asked":      {true, decided(slackBob), func(t *testing.T, s *stack) { s.unlink(t) }},
		"known when he said yes":   {false, decided(slackBob, entraBob), func(*testing.T, *stack) {}},
		"known by a third account": {true, decided("token:bob", slackBob), func(t *testing.T, s *stack) { s.unlink(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(slackBob), string(entraBob), "token:bob", string(cleo)}})
			if tt.linked {
				s.link(t, linkBob())
			}
			c := s.propose(t, entraBobAsking())
			tt.yes.At = s.clock()
			if _, err := s.store.Move(t.Context(), c, tt.yes); err != nil {
				t.Fatal(err)
			}
			tt.after(t, s)
			s.advance(10 * time.Second)
			s.startRecovery(t)
			if got := s.waitFor(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, "too few people") {
				t.Errorf("the reason is %q", got.Outcome.Reason)
			}
		})
	}
}

// Who runs the server alone confirms their own, still when it comes to the claim.
func TestTheLocalUsersOwnApprovalIsClaimed(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	if _, err := s.Answer(t.Context(), c.ID, acceptWith(c, c.Code)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}
