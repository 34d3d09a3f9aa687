package confirm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"scanwarden/confirm"
)

const agentApp = confirm.Principal("entra:TENANT/ROBOT")

func agentRequester(channels ...confirm.Channel) confirm.Requester {
	return confirm.Requester{Principal: agentApp, Source: "test", Agent: true, Groups: []string{"entra-role:Scans.Requester"}, Channels: channels}
}

// An agent's approval never counts: not if it is listed or in a listed group, nor with self-approval or on its own
// server.
func TestAnAgentNeverConfirms(t *testing.T) {
	t.Parallel()
	all := confirm.Policy{Approvers: []string{string(agentApp), string(local), string(bob), "entra-role:Scans.Approver"}, SelfApproval: true}
	for name, tt := range map[string]struct {
		policy confirm.Policy
		by     confirm.Requester
		vote   confirm.Vote
	}{
		"its own":             {all, agentRequester(confirm.Slack), approval(agentApp)},
		"another's change":    {all, onSlack(ada), approval(agentApp)},
		"by its role":         {all, onSlack(ada), confirm.Vote{Principal: "entra:TENANT/OTHER", Groups: []string{"entra-role:Scans.Approver"}, Approve: true, Channel: confirm.Slack}},
		"on its own server":   {confirm.Policy{}, onOwnStdio(local), confirm.Vote{Principal: local, Approve: true, Channel: confirm.Client}},
		"in a person's name":  {all, onSlack(ada), approval(bob)},
		"on another channel":  {all, confirm.Requester{Principal: ada, Channels: []confirm.Channel{"other"}}, confirm.Vote{Principal: bob, Approve: true, Channel: "other"}},
		"where it asked, too": {all, confirm.Requester{Principal: bob, Agent: true, Channels: []confirm.Channel{confirm.Slack}}, approval(bob)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, tt.policy)
			c := s.propose(t, tt.by)
			v := tt.vote
			v.Agent = true
			_, err := s.Decide(t.Context(), c.ID, v)
			wantRefusal(t, err, "a person has to confirm it")
			wantRefusal(t, s.CanDecide(t.Context(), c, v), "a person has to confirm it")
			s.wantState(t, c, confirm.Pending)
		})
	}
}

// The right code proves nothing when an agent sends it.
func TestAnAgentsAnswerNeverConfirms(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	a := acceptWith(c, c.Code)
	a.Agent = true
	_, err := s.Answer(t.Context(), c.ID, a)
	wantRefusal(t, err, "a person has to confirm it")
	s.wantState(t, c, confirm.Pending)
}

// An agent's wrong codes and closed prompts use up none of the person's rounds.
func TestAnAgentsAnswerUsesUpNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, SelfApproval: true})
	by := onSlack(ada)
	by.Channels = append(by.Channels, confirm.Client)
	c := s.propose(t, by)
	for _, action := range []confirm.Action{confirm.Accept, confirm.Cancel, confirm.Decline} {
		a := acceptWith(c, "WRONG")
		a.Agent, a.Action = true, action
		_, err := s.Answer(t.Context(), c.ID, a)
		wantRefusal(t, err, "changes of others")
		s.wantState(t, c, confirm.Pending)
	}
	if _, err := s.Answer(t.Context(), c.ID, acceptWith(c, c.Code)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

// An agent's own client is never asked, so that its answer does not count even without the agent mark.
func TestAnAgentsOwnClientIsNotAsked(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(agentApp), string(bob)}, SelfApproval: true})
	_, err := s.Propose(t.Context(), deleteTwo(), agentRequester(confirm.Client))
	wantRefusal(t, err, "a person has to be asked on another channel")
	wantRefusal(t, s.CanPropose(t.Context(), "delete_scans", agentRequester(confirm.Client)), "a person has to be asked on another channel")

	c := s.propose(t, agentRequester(confirm.Client, confirm.Slack))
	if !slices.Equal(c.Channels, []confirm.Channel{confirm.Slack}) || !c.Agent {
		t.Errorf("its channels are %v, and the agent mark is %v", c.Channels, c.Agent)
	}
	_, err = s.Answer(t.Context(), c.ID, acceptWith(c, c.Code))
	wantRefusal(t, err)
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

// An approval from the client of the agent that proposed the change does not count, even where the change names that
// channel: another version may have written it to the ledger. On other channels that person's approval counts.
func TestAnApprovalFromAnAgentsOwnClientNeverCounts(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, agentRequester(confirm.Slack))
	c.ID, c.Code = strings.Repeat("0", len(c.ID)), "XXXXX"
	c.Channels = []confirm.Channel{confirm.Client, confirm.Slack}
	confirm.SealProposal(s.cfg.Key, &c)
	if err := s.store.Insert(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	fromThere := confirm.Vote{Principal: bob, Approve: true, Channel: confirm.Client}
	_, err := s.Decide(t.Context(), c.ID, fromThere)
	wantRefusal(t, err, "a person has to confirm it")
	wantRefusal(t, s.CanDecide(t.Context(), c, fromThere), "a person has to confirm it")
	s.wantState(t, c, confirm.Pending)
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestAnAgentOnAStdioServerIsNotTheLocalUser(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	by := onOwnStdio(local)
	by.Agent = true
	_, err := s.Propose(t.Context(), deleteTwo(), by)
	wantRefusal(t, err, "a person has to be asked on another channel")
}

func TestAnAgentMayDenyOnlyItsOwnChange(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(agentApp), string(bob)}})
	stop := denial(agentApp, "never mind")
	stop.Agent = true
	others := s.propose(t, onSlack(ada))
	_, err := s.Decide(t.Context(), others.ID, stop)
	wantRefusal(t, err, "changes of others")
	s.wantState(t, others, confirm.Pending)

	own := s.propose(t, agentRequester(confirm.Slack))
	if _, err := s.Decide(t.Context(), own.ID, stop); err != nil {
		t.Fatal(err)
	}
	s.wantState(t, own, confirm.Denied)
}

// An agent that acts for a person has the person's principal. It must neither withdraw nor deny the person's changes.
func TestAnAgentDoesNotWithdrawThePersonsChange(t *testing.T) {
	t.Parallel()
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{ada, "slack:T1/UA"}}}
	s := newStack(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, People: people})
	asAgent := func(voter confirm.Principal) confirm.Requester {
		by := onSlack(voter)
		by.Agent = true
		return by
	}
	own, agents := s.propose(t, onSlack(ada)), s.propose(t, asAgent(ada))
	for _, tt := range []struct {
		c     confirm.Change
		voter confirm.Principal
	}{{own, ada}, {own, "slack:T1/UA"}, {agents, "slack:T1/UA"}} {
		_, err := s.Withdraw(t.Context(), tt.c.ID, asAgent(tt.voter))
		wantRefusal(t, err, "ask the person to withdraw")
		stop := denial(tt.voter, "never mind")
		stop.Agent = true
		_, err = s.Decide(t.Context(), tt.c.ID, stop)
		wantRefusal(t, err, "changes of others")
		s.wantState(t, tt.c, confirm.Pending)
	}
	if _, err := s.Withdraw(t.Context(), own.ID, asAgent(bob)); !errors.Is(err, confirm.ErrNotFound) {
		t.Errorf("another person's agent got %v, want ErrNotFound", err)
	}
	if got, err := s.Withdraw(t.Context(), agents.ID, asAgent(ada)); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("its own is %s, %v", got.State, err)
	}
	if got, err := s.Withdraw(t.Context(), own.ID, onSlack("slack:T1/UA")); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("by the person it is %s, %v", got.State, err)
	}
	byPerson := s.propose(t, asAgent(ada))
	if got, err := s.Withdraw(t.Context(), byPerson.ID, confirm.Requester{Principal: "slack:T1/UA"}); err != nil || got.State != confirm.Withdrawn {
		t.Errorf("the agent's, by the person, is %s, %v", got.State, err)
	}
}

// The verified groups of the user count for an answer of their client, as they do for a click.
func TestGroupsCountForAnAnswer(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{"entra-role:Scans.Approver"}, SelfApproval: true})
	groups := []string{"entra-role:Scans.Approver"}
	c := s.propose(t, confirm.Requester{Principal: ada, Groups: groups, Channels: []confirm.Channel{confirm.Client}})
	a := acceptWith(c, c.Code)
	_, err := s.Answer(t.Context(), c.ID, a)
	wantRefusal(t, err, "not among the approvers")
	a.Groups = groups
	if _, err := s.Answer(t.Context(), c.ID, a); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

// A principal that the configuration marks as an agent never decides, though the interface takes it for a person.
func TestAMarkedAgentNeverDecides(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, SelfApproval: true, Agents: []confirm.Principal{bob}})
	c := s.propose(t, onSlack(ada))
	_, err := s.Decide(t.Context(), c.ID, approval(bob))
	wantRefusal(t, err, "a person has to confirm it")
	no := approval(bob)
	no.Approve = false
	_, err = s.Decide(t.Context(), c.ID, no)
	wantRefusal(t, err, "may not decide about the changes of others")
	s.wantState(t, c, confirm.Pending)
}
