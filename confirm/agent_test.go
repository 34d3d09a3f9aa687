package confirm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"scanwarden/confirm"
)

const robot = confirm.Principal("entra:TENANT/ROBOT")

func agent(channels ...confirm.Channel) confirm.Requester {
	return confirm.Requester{Principal: robot, Source: "test", Agent: true, Groups: []string{"entra-role:Scans.Requester"}, Channels: channels}
}

// Listed, in a listed group, allowed to approve their own, on their own server: an agent's yes never counts.
func TestAnAgentNeverConfirms(t *testing.T) {
	all := confirm.Policy{Approvers: []string{string(robot), string(local), string(bob), "entra-role:Scans.Approver"}, SelfApproval: true}
	for name, tt := range map[string]struct {
		policy confirm.Policy
		by     confirm.Requester
		vote   confirm.Vote
	}{
		"its own":             {all, agent(confirm.Slack), yes(robot)},
		"somebody else's":     {all, elsewhere(ada), yes(robot)},
		"by its role":         {all, elsewhere(ada), confirm.Vote{Principal: "entra:TENANT/OTHER", Groups: []string{"entra-role:Scans.Approver"}, Approve: true, Channel: confirm.Slack}},
		"on its own server":   {confirm.Policy{}, ownClient(local), confirm.Vote{Principal: local, Approve: true, Channel: confirm.Client}},
		"in a person's name":  {all, elsewhere(ada), yes(bob)},
		"on the page":         {all, confirm.Requester{Principal: ada, Channels: []confirm.Channel{confirm.Page}}, confirm.Vote{Principal: bob, Approve: true, Channel: confirm.Page}},
		"where it asked, too": {all, confirm.Requester{Principal: bob, Agent: true, Channels: []confirm.Channel{confirm.Slack}}, yes(bob)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, tt.policy)
			c := h.propose(t, tt.by)
			v := tt.vote
			v.Agent = true
			_, err := h.Decide(t.Context(), c.ID, v)
			refusal(t, err, "a person has to confirm it")
			refusal(t, h.CanDecide(t.Context(), c, v), "a person has to confirm it")
			h.stands(t, c, confirm.Pending)
		})
	}
}

func (h *house) stands(t *testing.T, c confirm.Change, want confirm.State) {
	t.Helper()
	if got, err := h.Change(t.Context(), c.ID); err != nil || got.State != want || h.runs.Load() != 0 {
		t.Errorf("it is %s after %d executions (%v), want %s after none", got.State, h.runs.Load(), err, want)
	}
}

// The right code proves nothing when it is an agent that types it.
func TestAnAgentsAnswerNeverConfirms(t *testing.T) {
	h := newHouse(t, confirm.Policy{})
	c := h.propose(t, ownClient(local))
	a := accept(c, c.Code)
	a.Agent = true
	_, err := h.Answer(t.Context(), c.ID, a)
	refusal(t, err, "a person has to confirm it")
	h.stands(t, c, confirm.Pending)
}

// Neither do its wrong ones, nor a prompt that it closes, leave the person fewer tries.
func TestAnAgentsAnswerUsesUpNothing(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, SelfApproval: true})
	by := elsewhere(ada)
	by.Channels = append(by.Channels, confirm.Client)
	c := h.propose(t, by)
	for _, action := range []confirm.Action{confirm.Accept, confirm.Cancel, confirm.Decline} {
		a := accept(c, "WRONG")
		a.Agent, a.Action = true, action
		_, err := h.Answer(t.Context(), c.ID, a)
		refusal(t, err, "changes of others")
		h.stands(t, c, confirm.Pending)
	}
	if _, err := h.Answer(t.Context(), c.ID, accept(c, c.Code)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}

// Even where the answer does not say that it is an agent's, its client was never asked.
func TestAnAgentsOwnClientIsNotAsked(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(robot), string(bob)}, SelfApproval: true})
	_, err := h.Propose(t.Context(), deleteTwo(), agent(confirm.Client))
	refusal(t, err, "a person has to be asked on another channel")
	refusal(t, h.CanPropose(t.Context(), "delete_scans", agent(confirm.Client)), "a person has to be asked on another channel")

	c := h.propose(t, agent(confirm.Client, confirm.Slack))
	if !slices.Equal(c.Channels, []confirm.Channel{confirm.Slack}) || !c.Agent {
		t.Errorf("it is put to people on %v, and marked as an agent's: %v", c.Channels, c.Agent)
	}
	_, err = h.Answer(t.Context(), c.ID, accept(c, c.Code))
	refusal(t, err)
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}

// A change that an agent asked for is never put to its own client, and neither does a yes count that comes from there
// all the same: the ledger may hold a change that was made by another version. Elsewhere that person's yes counts.
func TestAYesFromAnAgentsOwnClientNeverCounts(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, agent(confirm.Slack))
	c.ID, c.Code = strings.Repeat("0", len(c.ID)), "XXXXX"
	c.Channels = []confirm.Channel{confirm.Client, confirm.Slack}
	if err := h.ledger.Insert(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	fromThere := confirm.Vote{Principal: bob, Approve: true, Channel: confirm.Client}
	_, err := h.Decide(t.Context(), c.ID, fromThere)
	refusal(t, err, "a person has to confirm it")
	refusal(t, h.CanDecide(t.Context(), c, fromThere), "a person has to confirm it")
	h.stands(t, c, confirm.Pending)
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}

func TestAnAgentOnAStdioServerIsNobodysPerson(t *testing.T) {
	h := newHouse(t, confirm.Policy{})
	by := ownClient(local)
	by.Agent = true
	_, err := h.Propose(t.Context(), deleteTwo(), by)
	refusal(t, err, "a person has to be asked on another channel")
}

func TestAnAgentMayStopItsOwnChangeAlone(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(robot), string(bob)}})
	stop := no(robot, "never mind")
	stop.Agent = true
	others := h.propose(t, elsewhere(ada))
	_, err := h.Decide(t.Context(), others.ID, stop)
	refusal(t, err, "changes of others")
	h.stands(t, others, confirm.Pending)

	own := h.propose(t, agent(confirm.Slack))
	if _, err := h.Decide(t.Context(), own.ID, stop); err != nil {
		t.Fatal(err)
	}
	h.stands(t, own, confirm.Denied)
}

// An agent that acts for a person has the person's principal, and neither takes back nor denies what they asked for.
func TestAnAgentDoesNotTakeBackThePersonsChange(t *testing.T) {
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{ada, "slack:T1/UA"}}}
	h := newHouse(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, People: people})
	asAgent := func(who confirm.Principal) confirm.Requester {
		by := elsewhere(who)
		by.Agent = true
		return by
	}
	own, agents := h.propose(t, elsewhere(ada)), h.propose(t, asAgent(ada))
	for _, tt := range []struct {
		c   confirm.Change
		who confirm.Principal
	}{{own, ada}, {own, "slack:T1/UA"}, {agents, "slack:T1/UA"}} {
		_, err := h.Withdraw(t.Context(), tt.c.ID, asAgent(tt.who))
		refusal(t, err, "ask the person to withdraw")
		stop := no(tt.who, "never mind")
		stop.Agent = true
		_, err = h.Decide(t.Context(), tt.c.ID, stop)
		refusal(t, err, "changes of others")
		h.stands(t, tt.c, confirm.Pending)
	}
	if _, err := h.Withdraw(t.Context(), own.ID, asAgent(bob)); !errors.Is(err, confirm.ErrNotFound) {
		t.Errorf("another person's agent got %v, want ErrNotFound", err)
	}
	if got, err := h.Withdraw(t.Context(), agents.ID, asAgent(ada)); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("its own is %s, %v", got.State, err)
	}
	if got, err := h.Withdraw(t.Context(), own.ID, elsewhere("slack:T1/UA")); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("by the person it is %s, %v", got.State, err)
	}
	byPerson := h.propose(t, asAgent(ada))
	if got, err := h.Withdraw(t.Context(), byPerson.ID, confirm.Requester{Principal: "slack:T1/UA"}); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("the agent's, by the person, is %s, %v", got.State, err)
	}
}

// A group that the client's person is in counts for their answer, as it does for a click.
func TestGroupsCountForAnAnswer(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{"entra-role:Scans.Approver"}, SelfApproval: true})
	groups := []string{"entra-role:Scans.Approver"}
	c := h.propose(t, confirm.Requester{Principal: ada, Groups: groups, Channels: []confirm.Channel{confirm.Client}})
	a := accept(c, c.Code)
	_, err := h.Answer(t.Context(), c.ID, a)
	refusal(t, err, "not among the approvers")
	a.Groups = groups
	if _, err := h.Answer(t.Context(), c.ID, a); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Applied, 1)
}
