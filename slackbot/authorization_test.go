package slackbot_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

func TestOnlyApproversCanApprove(t *testing.T) {
	t.Parallel()
	for _, who := range []struct{ user, why string }{
		{bob, "not among the approvers"},
		{mallory, "not among the approvers"},
		{guest, "guests cannot"},
		{robot, "bots and apps cannot"},
		{ghost, "deactivated"},
		{other, "another workspace"},
	} {
		t.Run(who.user, func(t *testing.T) {
			s := newStack(t, options{})
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			for _, button := range []string{"approve_change", "deny_change"} {
				if button == "deny_change" && (who.user == bob || who.user == mallory) {
					continue // members: the requester may deny, and others are refused when they send the reason
				}
				before := len(s.slack.Messages(channel))
				mustAck(t, s.slack.Click(who.user, q, button))
				s.slack.Wait("an answer to "+who.user, func() bool { return len(s.slack.Messages(channel)) > before })
				s.waitReply(t, who.user, who.why)
			}
			if c := s.change(t, q); c.State != confirm.Pending || len(c.Decisions) != 0 {
				t.Errorf("the click of %s counted: %+v", who.user, c)
			}
			s.wantWrites(t, 0)
		})
	}
}

func TestARequesterCannotApproveTheirOwnChange(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, ada, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitReply(t, ada, "may not confirm their own changes")
	s.wantWrites(t, 0)
}

// A member without a role is refused before they have written a reason.
func TestAMemberWithoutARoleCannotDeny(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(mallory, q, "deny_change"))
	s.waitReply(t, mallory, "Not counted: ", "neither an approver nor the requester")
	if n := s.calls("views.open"); n != 0 {
		t.Errorf("%d modals were opened", n)
	}
	if c := s.change(t, q); c.State != confirm.Pending {
		t.Errorf("the change is %s", c.State)
	}
}

// The right to deny is checked again when the reason arrives.
func TestAnApproverWhoseRightEndedCannotDeny(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{string(slackOf(ada)), "slack-group:S0SCANS"} }})
	s.slack.AddGroup("S0SCANS", mallory)
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(mallory, q, "deny_change"))
	modal := s.slack.WaitView(mallory, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
	s.slack.AddGroup("S0SCANS")
	s.Advance(2 * time.Minute) // after what is known of the group has expired
	refused := mustAck(t, s.slack.Submit(mallory, modal, map[string]any{"reason": "no"}))
	if !strings.Contains(refused.Errors()["reason"], "neither an approver nor the requester") {
		t.Errorf("the refusal is %s", refused.Body)
	}
	if c := s.change(t, q); c.State != confirm.Pending {
		t.Errorf("the change is %s", c.State)
	}
}

func TestGuestsBotsAndOutsidersCannotPropose(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for user, why := range map[string]string{guest: "guests cannot", robot: "bots and apps cannot", ghost: "deactivated", other: "another workspace"} {
		mustAck(t, s.slack.Command(user, channel, "/add_scan", s.newScan("Core switches")))
		s.waitReply(t, user, why)
		mustAck(t, s.slack.Command(user, channel, "/scans", ""))
	}
	if n := len(s.Tenant.Calls()); n != 0 {
		t.Errorf("Defender was called %d times for people who may not ask", n)
	}
}

// Each flag that Slack sets on an account is enough by itself, whatever team the payload contains and whatever the policy lists.
func TestEachFlagOnAnAccountRefusesItByItself(t *testing.T) {
	t.Parallel()
	const bots, away = "bots and apps cannot", "another workspace"
	odd := map[string]slacktest.User{
		bots + " (is_bot)": {ID: "U0BOT", Bot: true}, bots + " (is_app_user)": {ID: "U0APP", App: true},
		bots + " (is_workflow_bot)": {ID: "U0WORKFLOW", Workflow: true}, bots + " (is_connector_bot)": {ID: "U0CONNECTOR", Connector: true},
		"guests cannot (is_restricted)": {ID: "U0RESTRICTED", Guest: true}, "guests cannot (is_ultra_restricted)": {ID: "U0ULTRA", UltraGuest: true},
		away + " (is_stranger)": {ID: "U0STRANGER", Stranger: true}, away + " (team_id)": {ID: "U0TEAM", Team: "T0OTHER", Named: team},
		away + " (the payload's team)": {ID: "U0PAYLOAD", Named: "T0OTHER"}, "deactivated (deleted)": {ID: "U0DELETED", Deleted: true},
	}
	s := newStack(t, options{policy: func(p *confirm.Policy) {
		for _, u := range odd {
			p.Approvers = append(p.Approvers, "slack:"+team+"/"+u.ID, "slack:T0OTHER/"+u.ID)
		}
	}})
	in := []string{ada, eve, bob, s.slack.BotUser()}
	for _, u := range odd {
		s.slack.AddUser(u)
		in = append(in, u.ID)
	}
	s.slack.AddChannel(channel, in...)
	to := func(user string) (answers []string) {
		for _, m := range s.slack.Messages(channel) {
			if m.Ephemeral && m.To == user {
				answers = append(answers, m.All())
			}
		}
		return answers
	}
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	for what, u := range odd {
		why, _, _ := strings.Cut(what, " (")
		for _, act := range []func() *slacktest.Ack{
			func() *slacktest.Ack { return s.slack.Command(u.ID, channel, "/add_scan", s.newScan("Printers")) },
			func() *slacktest.Ack { return s.slack.Click(u.ID, q, "approve_change") },
		} {
			before := len(to(u.ID))
			mustAck(t, act())
			s.slack.Wait("an answer to "+what, func() bool { return len(to(u.ID)) > before })
			if last := to(u.ID)[before]; !containsAll(last, why) {
				t.Errorf("%s: answered %q", what, last)
			}
		}
	}
	if c := s.change(t, q); c.State != confirm.Pending || len(c.Decisions) != 0 {
		t.Errorf("a click counted: %+v", c)
	}
	s.wantWrites(t, 0)
}

func TestOnlyMembersOfAnApproverGroupCanApprove(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{"slack-group:S0SCANS"} }})
	s.slack.AddGroup("S0SCANS", eve)
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitReply(t, ada, "not among the approvers")
	mustAck(t, s.slack.Click(eve, q, "approve_change"))
	s.waitUpdate(t, q, "applied")
}

func TestAGroupThatCannotBeReadHasNoMembers(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{"slack-group:S0SCANS"} }})
	s.slack.AddGroup("S0SCANS", eve)
	s.slack.Fail("usergroups.users.list", slacktest.Fault{Times: -1, Status: 500})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(eve, q, "approve_change"))
	s.waitReply(t, eve, "did not say who is in the user group S0SCANS")
	s.wantWrites(t, 0)
}

func TestAUserWhoCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	s.slack.Fail("users.info", slacktest.Fault{Times: -1, Status: 500})
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitReply(t, ada, "did not say who you are")
	s.wantWrites(t, 0)
}

func TestTwoApprovalsAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	var both sync.WaitGroup
	for _, user := range []string{ada, eve} {
		both.Go(func() { mustAck(t, s.slack.Click(user, q, "approve_change")) })
	}
	both.Wait()
	s.waitUpdate(t, q, "applied")
	s.slack.Wait("a word to the slower one", func() bool {
		for _, m := range s.slack.Messages(channel) {
			if m.Ephemeral && containsAll(m.All(), "Already decided: ") {
				return true
			}
		}
		return false
	})
	s.wantWrites(t, 1)
}

func TestTwoApprovalsAreNeededWhereTwoAreRequired(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Required = map[string]int{"add_scan": 2} }})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	half := s.waitUpdate(t, q, "1 of 2 approvals: "+ada, "One more, by somebody else")
	if actionButtons(half) != "approve_change deny_change" {
		t.Fatalf("buttons are %q", actionButtons(half))
	}
	mustAck(t, s.slack.Click(ada, half, "approve_change"))
	s.waitReply(t, ada, "a decision counts once")
	s.wantWrites(t, 0)
	mustAck(t, s.slack.Click(eve, half, "approve_change"))
	s.waitUpdate(t, q, "applied")
	s.wantWrites(t, 1)
}
