package slackbot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
	"scanwarden/tools"
)

// manifestScopes are the scopes of an app that was made before a user group was listed.
var manifestScopes = []string{"commands", "chat:write", "im:write", "users:read"}

// A missing scope concerns what needs it: here the members of one group. The other approvers decide.
func TestAMissingScopeEndsOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{
		noChannel: true,
		policy: func(p *confirm.Policy) {
			p.Approvers = []string{string(slackOf(ada)), "slack-group:S0SCANS"}
		},
		slack: func(o *slacktest.Options) { o.Scopes = manifestScopes },
	})
	s.slack.AddGroup("S0SCANS", eve)
	s.waitLog(t, "the app lacks a scope", "usergroups:read", "members of the user groups")
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	if reply := s.waitReply(t, bob, "Asked: "); containsAll(reply.All(), "The change is recorded, but") {
		t.Errorf("the requester reads of a problem although an approver was asked: %s", reply.All())
	}
	q := s.slack.WaitMessage(s.slack.DM(ada), func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ") })
	s.waitLog(t, "usergroups.users.list", "missing_scope", "usergroups:read", "S0SCANS")
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "pplied")
	mustAck(t, s.slack.Command(mallory, channel, "/scans", "")) // the bot still answers
	s.waitReply(t, mallory, "Core switches", "last run")
}

// waitLog waits for one line of the bot's log with all words.
func (s *stack) waitLog(t testing.TB, words ...string) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		grown := s.log.next()
		for line := range strings.Lines(s.log.String()) {
			if containsAll(line, words...) {
				return
			}
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("no line of the log has %q", words)
		}
	}
}

func TestAnArchivedChannelIsNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.slack.SetArchived(channel, true)
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.waitReply(t, bob, "Asked: ", channel+" is archived", "operator has to", "SCANWARDEN_SLACK_CHANNEL", "posting is retried until it expires")
	s.waitLog(t, "level=WARN", "chat.postMessage", "is_archived", channel)
	open, err := s.Gate.OpenChanges(t.Context(), slackOf(bob))
	if err != nil || len(open) != 1 {
		t.Fatalf("the change is not recorded: %v %v", open, err)
	}
	if r := tools.ResultOf(open[0]); !containsAll(r.Reason, "is archived", "operator has to") {
		t.Errorf("the result for an assistant is %q", r.Reason)
	}
	s.slack.SetArchived(channel, false)
	s.Advance(2 * time.Second)
	s.slack.Wait("the confirmation message", func() bool { return len(s.confirmations()) == 1 })
}

// One approver of three was deactivated. The other two are asked, and the log names the third once.
func TestAnApproverWhoLeftDoesNotKeepTheOthersWaiting(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noChannel: true, policy: func(p *confirm.Policy) {
		p.Approvers = append(p.Approvers, string(slackOf(ghost)))
	}})
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	reply := s.waitReply(t, bob, "Asked: ", "2 of 3 approvers")
	if containsAll(reply.All(), "The change is recorded, but") {
		t.Errorf("the requester reads of a problem although two approvers were asked: %s", reply.All())
	}
	open, err := s.Gate.OpenChanges(t.Context(), slackOf(bob))
	if err != nil || len(open) != 1 || open[0].Outcome.Reason != "" {
		t.Errorf("the change has a problem: %+v %v", open, err)
	}
	s.waitLog(t, "conversations.open", "user_disabled", ghost)
	s.stopBot(t)
	for range 3 { // Slack is asked again about the approver
		before := s.calls("conversations.open")
		s.Advance(61 * time.Second)
		if err := s.bot.NotifyOnce(t.Context()); err == nil || s.calls("conversations.open") == before {
			t.Fatalf("Slack was not asked about the approver again: %v", err)
		}
	}
	if n := strings.Count(s.log.String(), ghost); n != 1 {
		t.Errorf("the log names the approver %d times, want once:\n%s", n, s.log)
	}
	s.startBot(t, options{})
	q := s.slack.WaitMessage(s.slack.DM(eve), func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ") })
	mustAck(t, s.slack.Click(eve, q, "approve_change"))
	s.waitUpdate(t, q, "pplied")
}

func TestTheRequesterReadsThatNoApproverCanBeReached(t *testing.T) {
	t.Parallel()
	for name, approvers := range map[string][]string{
		"deactivated":              {ghost},
		"only the requester":       {ghost, bob},
		"fewer than have to agree": {ghost, ada},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, options{noChannel: true, policy: func(p *confirm.Policy) {
				p.Approvers = nil
				for _, user := range approvers {
					p.Approvers = append(p.Approvers, string(slackOf(user)))
				}
				if name == "fewer than have to agree" {
					p.Required = map[string]int{"add_scan": 2}
				}
			}})
			mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
			s.waitReply(t, bob, "Asked: ", "The change is recorded, but", ghost+" is deactivated", "operator has to")
		})
	}
}

// runEnds runs the bot of a stack and returns what Run returns. The stack must not run it.
func (s *stack) runEnds(t *testing.T) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended, done := make(chan error, 1), make(chan struct{})
	go func() { defer close(done); ended <- s.bot.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return ended
}

// tokenErrors are the errors that no retry resolves.
var tokenErrors = []string{
	"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "missing_scope",
	"no_permission", "team_access_not_granted",
}

func TestOnlyTheTwoCallsAboutTheAppEndTheBot(t *testing.T) {
	t.Parallel()
	for _, code := range tokenErrors {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, options{noRun: true})
			for _, method := range []string{"chat.postMessage", "chat.update", "views.open", "conversations.open"} {
				s.slack.Fail(method, slacktest.Fault{Times: 3, Error: code})
			}
			ended := s.runEnds(t)
			mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
			s.waitReply(t, bob, "Asked: ", code, "operator has to")
			s.waitLog(t, "chat.postMessage", code)
			mustAck(t, s.slack.Command(bob, channel, "/scans", "")) // by a response URL
			s.waitReply(t, bob, "No scan matches")
			select {
			case err := <-ended:
				t.Fatalf("the bot ended: %v", err)
			default:
			}
			s.slack.Fail("auth.test", slacktest.Fault{Times: -1, Error: code})
			s.stopRun = func() error { return nil }
			s.startBot(t, options{noRun: true})
			if err := <-s.runEnds(t); err == nil || !containsAll(err.Error(), code, "auth.test") {
				t.Errorf("after auth.test has failed, Run returns %v", err)
			}
		})
	}
}

// A token that is revoked while the bot runs is found when a call fails with it.
func TestATokenThatIsRevokedLaterEndsTheBot(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	ended := s.runEnds(t)
	s.slack.Wait("the workspace to be read", func() bool { return s.calls("auth.test") > 0 })
	s.slack.Fail("", slacktest.Fault{Times: -1, Error: "token_revoked"})
	s.proposeDirectly(t, confirm.Proposal{Summary: "Delete one"})
	if err := <-ended; err == nil || !containsAll(err.Error(), "token_revoked", "auth.test", "install") {
		t.Errorf("Run returns %v", err)
	}
	if why := s.bot.Problem(); !containsAll(why, "token_revoked") {
		t.Errorf("the problem is %q", why)
	}
	open, err := s.Gate.OpenChanges(t.Context(), "token:claude")
	if err != nil || len(open) != 1 || !containsAll(tools.ResultOf(open[0]).Reason, "token_revoked") {
		t.Errorf("the open changes do not say what is wrong with Slack: %+v %v", open, err)
	}
	s.slack.ClearFaults()
}

// What is mended at Slack, such as socket mode that was off, needs no restart: the bot goes on, posts what waited, and the change no
// longer says that Slack cannot be used.
func TestARefusalThatIsMendedNeedsNoRestart(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"auth.test", "apps.connections.open"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, options{sockets: true, noRun: true})
			s.bot.SetRefusedPause(20 * time.Millisecond)
			s.slack.Fail(method, slacktest.Fault{Times: -1, Error: "team_access_not_granted"})
			c := s.proposeDirectly(t, confirm.Proposal{Summary: "Delete one"})
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() { defer close(ended); s.bot.Serve(ctx) }()
			t.Cleanup(func() { stop(); <-ended })
			s.waitLog(t, "level=ERROR", "Slack is no longer served", method, "administrator")
			asked := s.calls(method)
			s.slack.Wait("two more questions", func() bool { return s.calls(method) >= asked+2 })
			if why := s.bot.Problem(); !containsAll(why, "team_access_not_granted", "only new tokens need a restart") {
				t.Errorf("the problem is %q", why)
			}
			s.slack.ClearFaults()
			s.waitLog(t, "Slack accepts the app again")
			if why := s.bot.Problem(); why != "" {
				t.Errorf("a problem is left: %q", why)
			}
			s.slack.WaitSockets(1) // the other one may be paced: it was opened a moment ago
			q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: "+c.Code) })
			mustAck(t, s.slack.Click(ada, q, "approve_change"))
			s.slack.Wait("the approval", func() bool {
				now, err := s.Gate.Change(t.Context(), c.ID)
				return err == nil && now.Approvals() == 1 && !strings.Contains(now.Outcome.Reason, "Slack cannot be used")
			})
		})
	}
}

func TestScopesAreComparedAtTheStart(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true, slack: func(o *slacktest.Options) { o.Scopes = []string{"commands", "chat:write", "users:read"} }})
	s.runEnds(t)
	s.waitLog(t, "level=WARN", "im:write", "direct messages")
	for _, present := range manifestScopes[:2] {
		if strings.Contains(s.log.String(), "scope="+present) {
			t.Errorf("the log warns of %s, which the app has", present)
		}
	}
}

func TestTooManySocketsAreOpenedMoreAndMoreSlowly(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{sockets: true, noRun: true})
	s.slack.RejectSockets(true)
	const pause = 20 * time.Millisecond
	s.bot.SetSocketPauses(pause, time.Hour)
	s.runEnds(t)
	start := time.Now()
	s.waitLog(t, "level=WARN", "a connection to Slack ended directly after it was opened", "times=6")
	// Each pause is at least half of 1, 2, 4, 8, 16 times the first one.
	if took := time.Since(start); took < 15*pause {
		t.Errorf("the sixth connection ended after %v", took)
	}
	s.waitLog(t, "the second connection to Slack is given up")
	if n := s.calls("apps.connections.open"); n > 12 {
		t.Errorf("%d calls of apps.connections.open", n)
	}
	s.slack.RejectSockets(false)
	s.slack.WaitSockets(1)
	mustAck(t, s.slack.Command(bob, channel, "/scans", ""))
	s.waitReply(t, bob, "No scan matches")
}
