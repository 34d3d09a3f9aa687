package slackbot_test

import (
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// groupPolicy makes a user group the only approver.
func groupPolicy(p options) options {
	p.policy = func(p *confirm.Policy) { p.Approvers = []string{"slack-group:S0SCANS"} }
	return p
}

// wantUndecided fails if a vote was counted.
func (s *stack) wantUndecided(t *testing.T, q slacktest.Message) {
	t.Helper()
	if c := s.change(t, q); c.State != confirm.Pending || len(c.Decisions) != 0 {
		t.Errorf("the click counted: %s %+v", c.State, c.Decisions)
	}
	s.wantWrites(t, 0)
}

// calls returns how often the bot has called a method of Slack.
func (s *stack) calls(method string) (n int) {
	for _, c := range s.slack.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

// What Slack answered a moment ago is in the cache. An approving click must not depend on it.
func TestAnApprovalNeedsTheRightsThatTheUserHasNow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose func(*stack)
		why  string
	}{
		"deactivated":      {func(s *stack) { s.slack.AddUser(slacktest.User{ID: eve, Name: "eve", Deleted: true}) }, "deactivated"},
		"made a guest":     {func(s *stack) { s.slack.AddUser(slacktest.User{ID: eve, Name: "eve", Guest: true}) }, "guests cannot"},
		"out of the team":  {func(s *stack) { s.slack.AddUser(slacktest.User{ID: eve, Name: "eve", Stranger: true}) }, "another workspace"},
		"out of the group": {func(s *stack) { s.slack.AddGroup("S0SCANS", bob) }, "not among the approvers"},
	} {
		t.Run(name, func(t *testing.T) {
			bothTransports(t, func(t *testing.T, p options) {
				s := newStack(t, groupPolicy(p))
				s.slack.AddGroup("S0SCANS", eve, bob)
				q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
				mustAck(t, s.slack.Command(eve, channel, "/scans", "changes"))
				s.waitReply(t, eve, "no open changes") // the user and the group are cached now
				c.lose(s)
				mustAck(t, s.slack.Click(eve, q, "approve_change"))
				s.waitReply(t, eve, c.why)
				s.wantUndecided(t, q)
			})
		})
	}
}

func TestAnApprovalIsRefusedWhenSlackCannotBeAsked(t *testing.T) {
	t.Parallel()
	for method, why := range map[string][]string{
		"users.info":            {"did not say who you are", "try again in a moment"},
		"usergroups.users.list": {"did not say who is in the user group S0SCANS", "try again in a moment"},
	} {
		t.Run(method, func(t *testing.T) {
			bothTransports(t, func(t *testing.T, p options) {
				s := newStack(t, groupPolicy(p))
				s.slack.AddGroup("S0SCANS", eve)
				q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
				mustAck(t, s.slack.Command(eve, channel, "/scans", "changes"))
				s.waitReply(t, eve, "no open changes")
				s.slack.Fail(method, slacktest.Fault{Times: -1, Status: 503})
				mustAck(t, s.slack.Click(eve, q, "approve_change"))
				s.waitReply(t, eve, why...)
				s.wantUndecided(t, q)
				s.slack.ClearFaults()
				mustAck(t, s.slack.Click(eve, q, "approve_change"))
				s.waitUpdate(t, q, "applied")
			})
		})
	}
}

// Slack waits three seconds for an acknowledgement, and its own API may hang for longer.
func TestAnApprovalIsAcknowledgedBeforeSlackIsAsked(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		s.slack.Fail("users.info", slacktest.Fault{Times: -1, Hang: true})
		if a := mustAck(t, s.slack.Click(ada, q, "approve_change")); a.Elapsed > time.Second {
			t.Errorf("acknowledged after %v", a.Elapsed)
		}
		s.slack.Wait("Slack to be asked", func() bool { return s.calls("users.info") >= 2 })
		s.wantUndecided(t, q)
		s.slack.ClearFaults() // which breaks the hanging call off
		s.waitReply(t, ada, "did not say who you are")
		s.wantUndecided(t, q)
	})
}

// A question that was asked before the click may be answered with the rights of that time.
func TestAnAnswerToAnEarlierQuestionIsNotUsed(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	s.slack.Fail("users.info", slacktest.Fault{Delay: 500 * time.Millisecond, AfterApply: true})
	before := s.calls("users.info")
	mustAck(t, s.slack.Command(ada, channel, "/scans", "changes"))
	s.slack.Wait("the earlier question", func() bool { return s.calls("users.info") > before })
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Deleted: true})
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitReply(t, ada, "deactivated")
	s.wantUndecided(t, q)
}

// Concurrent clicks share one question, so that they do not use up Slack's rate limit.
func TestConcurrentApprovalsAskSlackTogether(t *testing.T) {
	t.Parallel()
	s := newStack(t, groupPolicy(options{}))
	s.slack.AddGroup("S0SCANS", ada, eve)
	var all []slacktest.Message
	for _, name := range []string{"One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"} {
		all = append(all, s.propose(t, bob, "/add_scan", s.newScan(name)))
	}
	s.slack.Fail("users.info", slacktest.Fault{Delay: 200 * time.Millisecond})
	before := s.calls("users.info")
	for _, q := range all {
		mustAck(t, s.slack.Click(eve, q, "approve_change"))
	}
	for _, q := range all {
		s.waitUpdate(t, q, "applied")
	}
	if n := s.calls("users.info") - before; n >= len(all) {
		t.Errorf("%d clicks made %d questions", len(all), n)
	}
}
