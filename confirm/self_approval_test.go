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
	by := elsewhere(entraBob)
	by.Groups = []string{"entra-role:Scans.Requester"}
	return by
}

func (h *house) unlink(t *testing.T) {
	t.Helper()
	if err := h.Unlink(t.Context(), slackBob, "the e-mail address in Slack does not match any more"); err != nil {
		t.Fatal(err)
	}
}

// Who shed an account after asking is still who asked, whatever that account is called by now.
func TestNobodyShedsThatTheyAsked(t *testing.T) {
	for name, after := range map[string]func(*testing.T, *house) confirm.Principal{
		"while linked": func(*testing.T, *house) confirm.Principal { return slackBob },
		"taken apart":  func(t *testing.T, h *house) confirm.Principal { h.unlink(t); return slackBob },
		"linked to another since": func(t *testing.T, h *house) confirm.Principal {
			h.unlink(t)
			h.link(t, confirm.Link{From: slackBob, To: "entra:TENANT/BOB2", How: "sign-in"})
			return "entra:TENANT/BOB2"
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, confirm.Policy{Approvers: []string{string(slackBob), "entra:TENANT/BOB2", string(cleo)}})
			h.link(t, linkBob())
			c := h.propose(t, entraBobAsking())
			if !slices.Equal(c.RequesterAlso, []confirm.Principal{slackBob}) {
				t.Errorf("besides the one he asked by, his names are %v", c.RequesterAlso)
			}
			who := after(t, h)
			_, err := h.Decide(t.Context(), c.ID, yes(who))
			refusal(t, err, "their own changes")
			h.stands(t, c, confirm.Pending)
			if v := h.cfg.Policy.Explain(c, h.links(t)...); slices.Contains(v.Approvers, string(who)) || !slices.Contains(v.Approvers, string(cleo)) {
				t.Errorf("it is said that %v could confirm it", v.Approvers)
			}
			if _, err := h.Decide(t.Context(), c.ID, yes(cleo)); err != nil {
				t.Fatal(err)
			}
			h.ends(t, c.ID, confirm.Applied, 1)
		})
	}
}

// What somebody was known by when they asked lends no rights later on: a link that was a mistake is taken back.
func TestAShedNameMayNotWithdraw(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(cleo)}})
	h.link(t, linkBob())
	c := h.propose(t, entraBobAsking())
	h.unlink(t)
	_, err := h.Decide(t.Context(), c.ID, no(slackBob, ""))
	refusal(t, err, "neither an approver nor the requester")
	if h.own(t, c, slackBob) || !h.own(t, c, entraBob) {
		t.Error("it is still his by the name that was taken from him, or not by the one he asked by")
	}
}

// A yes from before it was known whose it is counts no more once it is known to be the requester's own.
func TestTheRequestersEarlierYesCountsNoMore(t *testing.T) {
	two := confirm.Policy{Approvers: []string{string(slackBob), string(entraBob), string(cleo), string(ada)}, Required: map[string]int{"delete_scans": 2}}
	allowed := two
	allowed.SelfApproval = true
	for name, tt := range map[string]struct {
		policy confirm.Policy
		before func(*testing.T, *house) // between his own yes and the next one
		want   confirm.State
	}{
		"two strangers":          {two, func(*testing.T, *house) {}, confirm.Applied},
		"linked since":           {two, func(t *testing.T, h *house) { h.link(t, linkBob()) }, confirm.Pending},
		"linked since, allowed":  {allowed, func(t *testing.T, h *house) { h.link(t, linkBob()) }, confirm.Applied},
		"linked and taken apart": {two, func(t *testing.T, h *house) { h.link(t, linkBob()); h.unlink(t) }, confirm.Applied},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, tt.policy)
			c := h.propose(t, entraBobAsking())
			if _, err := h.Decide(t.Context(), c.ID, yes(slackBob)); err != nil {
				t.Fatal(err)
			}
			tt.before(t, h)
			got, err := h.Decide(t.Context(), c.ID, yes(cleo))
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == confirm.Pending && got.State == confirm.Pending {
				if got, err = h.Decide(t.Context(), c.ID, yes(ada)); err != nil || got.State != confirm.Approved {
					t.Errorf("a third yes leaves it %s (%v)", got.State, err)
				}
			} else if got.State == confirm.Pending || tt.want == confirm.Pending {
				t.Errorf("it is %s, want %s", got.State, tt.want)
			}
			h.ends(t, c.ID, confirm.Applied, 1)
		})
	}
}

// The claim has the last word, by what is known then, and by what was known when either asked or said yes.
func TestTheRequestersOwnYesIsNotClaimed(t *testing.T) {
	decided := func(who confirm.Principal, also ...confirm.Principal) confirm.Move {
		m := approvedBy(who)
		m.Decision.Also = also
		return m
	}
	for name, tt := range map[string]struct {
		linked bool // when he asks
		yes    confirm.Move
		after  func(*testing.T, *house)
	}{
		"linked since":             {false, decided(slackBob), func(t *testing.T, h *house) { h.link(t, linkBob()) }},
		"known when he asked":      {true, decided(slackBob), func(t *testing.T, h *house) { h.unlink(t) }},
		"known when he said yes":   {false, decided(slackBob, entraBob), func(*testing.T, *house) {}},
		"known by a third account": {true, decided("token:bob", slackBob), func(t *testing.T, h *house) { h.unlink(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, confirm.Policy{Approvers: []string{string(slackBob), string(entraBob), "token:bob", string(cleo)}})
			if tt.linked {
				h.link(t, linkBob())
			}
			c := h.propose(t, entraBobAsking())
			tt.yes.At = h.clock()
			if _, err := h.ledger.Move(t.Context(), c, tt.yes); err != nil {
				t.Fatal(err)
			}
			tt.after(t, h)
			h.advance(10 * time.Second)
			h.recovers(t)
			if got := h.ends(t, c.ID, confirm.Failed, 0); !strings.Contains(got.Outcome.Reason, "too few people") {
				t.Errorf("the reason is %q", got.Outcome.Reason)
			}
		})
	}
}

// Who runs the server alone confirms their own, still when it comes to the claim.
func TestTheOwnServersYesIsClaimed(t *testing.T) {
	h := newHouse(t, confirm.Policy{})
	c := h.propose(t, ownClient(local))
	if _, err := h.Answer(t.Context(), c.ID, accept(c, c.Code)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}
