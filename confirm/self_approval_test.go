package confirm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// entraBobAsking returns Bob as a requester with the account that a link joins to his Slack account.
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

// A requester whose accounts are unlinked after the proposal still must not confirm their own change.
func TestUnlinkingDoesNotAllowSelfApproval(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(*testing.T, *stack) confirm.Principal{
		"while linked": func(*testing.T, *stack) confirm.Principal { return slackBob },
		"unlinked":     func(t *testing.T, s *stack) confirm.Principal { s.unlink(t); return slackBob },
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
				t.Errorf("his other accounts are %v", c.RequesterAlso)
			}
			who := after(t, s)
			_, err := s.Decide(t.Context(), c.ID, approval(who))
			wantRefusal(t, err, "their own changes")
			s.wantState(t, c, confirm.Pending)
			if v := s.cfg.Policy.Explain(c, s.links(t)...); slices.Contains(v.Approvers, string(who)) || !slices.Contains(v.Approvers, string(cleo)) {
				t.Errorf("the explanation lists %v as approvers", v.Approvers)
			}
			if _, err := s.Decide(t.Context(), c.ID, approval(cleo)); err != nil {
				t.Fatal(err)
			}
			s.waitFor(t, c.ID, confirm.Applied, 1)
		})
	}
}

// An account that was unlinked after the proposal gives no right to deny: the link may have been removed for being wrong.
func TestAnUnlinkedAccountMayNotDeny(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(cleo)}})
	s.link(t, linkBob())
	c := s.propose(t, entraBobAsking())
	s.unlink(t)
	_, err := s.Decide(t.Context(), c.ID, denial(slackBob, ""))
	wantRefusal(t, err, "neither an approver nor the requester")
	if s.isRequester(t, c, slackBob) || !s.isRequester(t, c, entraBob) {
		t.Error("it is still his by the unlinked account, or not by the one that proposed")
	}
}

// An approval by an unlinked account no longer counts once that account is known to be the requester's own.
func TestTheRequestersEarlierApprovalNoLongerCounts(t *testing.T) {
	t.Parallel()
	two := confirm.Policy{Approvers: []string{string(slackBob), string(entraBob), string(cleo), string(ada)}, Required: map[string]int{"delete_scans": 2}}
	allowed := two
	allowed.SelfApproval = true
	for name, tt := range map[string]struct {
		policy confirm.Policy
		before func(*testing.T, *stack) // between his own approval and the next one
		want   confirm.State
	}{
		"two strangers":         {two, func(*testing.T, *stack) {}, confirm.Applied},
		"linked since":          {two, func(t *testing.T, s *stack) { s.link(t, linkBob()) }, confirm.Pending},
		"linked since, allowed": {allowed, func(t *testing.T, s *stack) { s.link(t, linkBob()) }, confirm.Applied},
		"linked and unlinked":   {two, func(t *testing.T, s *stack) { s.link(t, linkBob()); s.unlink(t) }, confirm.Applied},
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
					t.Errorf("a third approval leaves it %s (%v)", got.State, err)
				}
			} else if got.State == confirm.Pending || tt.want == confirm.Pending {
				t.Errorf("it is %s, want %s", got.State, tt.want)
			}
			s.waitFor(t, c.ID, confirm.Applied, 1)
		})
	}
}

// The claim checks the approvals again, by the links at that time, at the proposal and at the vote.
func TestTheRequestersOwnApprovalIsNotClaimed(t *testing.T) {
	t.Parallel()
	decided := func(who confirm.Principal, also ...confirm.Principal) confirm.Move {
		m := approvedMove(who)
		m.Decision.Also = also
		return m
	}
	for name, tt := range map[string]struct {
		linked bool // at the time of the proposal
		vote   confirm.Move
		after  func(*testing.T, *stack)
	}{
		"linked since":             {false, decided(slackBob), func(t *testing.T, s *stack) { s.link(t, linkBob()) }},
		"known when he proposed":   {true, decided(slackBob), func(t *testing.T, s *stack) { s.unlink(t) }},
		"known when he approved":   {false, decided(slackBob, entraBob), func(*testing.T, *stack) {}},
		"known by a third account": {true, decided("token:bob", slackBob), func(t *testing.T, s *stack) { s.unlink(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(slackBob), string(entraBob), "token:bob", string(cleo)}})
			if tt.linked {
				s.link(t, linkBob())
			}
			c := s.propose(t, entraBobAsking())
			s.moveSealed(t, c, tt.vote)
			tt.after(t, s)
			s.advance(10 * time.Second)
			s.startRecovery(t)
			if got := s.waitFor(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, "too few people") {
				t.Errorf("the reason is %q", got.Outcome.Reason)
			}
		})
	}
}

// The approval of the local user on their own stdio server still counts at the claim.
func TestTheLocalUsersOwnApprovalIsClaimed(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	if _, err := s.Answer(t.Context(), c.ID, acceptWith(c, c.Code)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}
