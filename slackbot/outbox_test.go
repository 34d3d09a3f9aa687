package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
	"scanwarden/tools"
)

func TestAFailedPostIsRetried(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.slack.Fail("chat.postMessage", slacktest.Fault{Times: 2, Status: 503})
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.waitReply(t, bob, "Asked: ", "posting is retried until it expires")
	open, err := s.Gate.OpenChanges(t.Context(), confirm.Principal("slack:"+team+"/"+bob))
	if err != nil || len(open) != 1 {
		t.Fatalf("the change is not recorded: %v %v", open, err)
	}
	if r := tools.ResultOf(open[0]); !strings.Contains(r.Reason, "posting is retried") {
		t.Errorf("the result for an assistant is %q", r.Reason)
	}
	s.Advance(2 * time.Second) // the first wait is 1 s, the second one 2 s
	s.slack.Wait("the second attempt", func() bool { return s.posts() == 2 })
	s.Advance(3 * time.Second)
	s.slack.Wait("the confirmation message", func() bool { return len(s.confirmations()) == 1 })
	mustAck(t, s.slack.Click(ada, s.confirmations()[0], "approve_change"))
	s.waitUpdate(t, s.confirmations()[0], "applied")
}

// posts returns how often the bot has called chat.postMessage.
func (s *stack) posts() (n int) {
	for _, c := range s.slack.Calls() {
		if c.Method == "chat.postMessage" {
			n++
		}
	}
	return n
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	s.bot.SetPostedWait(time.Millisecond)
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.waitReply(t, bob, "posting is retried until it expires")
	s.slack.Fail("chat.postMessage", slacktest.Fault{Status: 429, RetryAfter: 3})
	if err := s.bot.NotifyOnce(t.Context()); err == nil || s.posts() != 1 {
		t.Fatalf("the first of %d posts succeeds: %v", s.posts(), err)
	}
	for _, after := range []struct {
		wait  time.Duration
		posts int
	}{{2 * time.Second, 1}, {2 * time.Second, 2}} {
		s.Advance(after.wait)
		if err := s.bot.NotifyOnce(t.Context()); err != nil || s.posts() != after.posts {
			t.Fatalf("%d posts after %v, want %d: %v", s.posts(), after.wait, after.posts, err)
		}
	}
	if n := len(s.confirmations()); n != 1 {
		t.Errorf("there are %d confirmation messages, want 1", n)
	}
}

func TestButtonsWorkAfterARestart(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		s.stopBot(t)
		s.startBot(t, p)
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "applied")
		if n := len(s.confirmations()); n != 1 {
			t.Errorf("there are %d confirmation messages after the restart, want 1", n)
		}
	})
}

func TestChangesMadeWhileTheBotWasDownAreShownAfterwards(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	c := s.change(t, q)
	s.stopBot(t)
	s.notified.Store(nil)
	if _, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: c.Requester}); err != nil {
		t.Fatal(err)
	}
	s.Advance(10 * time.Second) // after ownerHeadStart
	s.startBot(t, options{})
	if done := s.waitUpdate(t, q, "withdrawn"); actionButtons(done) != "" {
		t.Errorf("buttons are left: %s", actionButtons(done))
	}
}

func TestAChangeFromAnotherInterfaceIsPostedInSlack(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	p, err := s.Service.Plan(t.Context(), tools.Caller{}, "add_scan", []byte(`{"scanType":"Network","scanName":"From MCP","target":"10.0.0.1","intervalInHours":4,`+
		`"scannerAgent.machineId":"`+s.Scanner+`","scanAuthenticationParams.type":"NoAuthNoPriv","scanAuthenticationParams.username":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	asker := confirm.Requester{Principal: "token:claude", Source: "MCP HTTP", Channels: []confirm.Channel{confirm.Slack}}
	if _, err := s.Gate.Propose(t.Context(), p, asker); err != nil {
		t.Fatal(err)
	}
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "From MCP", "token:claude", "MCP HTTP") })
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "applied")
}

func TestExpiryAndWithdrawalRemoveTheButtons(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Command(bob, channel, "/scans", "changes"))
	mine := s.waitReply(t, bob, "waiting for confirmation")
	mustAck(t, s.slack.Click(bob, mine, "withdraw_change"))
	s.waitUpdate(t, q, "withdrawn, nothing was sent")
	q = s.propose(t, bob, "/add_scan", s.newScan("Printers"))
	c := s.change(t, q)
	s.Advance(16 * time.Minute)
	if _, err := s.Gate.Change(t.Context(), c.ID); err != nil { // which finds that it is overdue
		t.Fatal(err)
	}
	if done := s.waitUpdate(t, q, "expired, nothing was sent"); actionButtons(done) != "" {
		t.Errorf("buttons are left: %s", actionButtons(done))
	}
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitReply(t, ada, "Already decided", "expired")
	s.wantWrites(t, 0)
}

func TestApproversAreRemindedOnceAtHalfOfTheTime(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	reminders := func() (n int) {
		for _, m := range s.slack.Messages(channel) {
			if m.ThreadTS == q.TS && containsAll(m.All(), "still waits") {
				n++
			}
		}
		return n
	}
	s.Advance(7 * time.Minute)
	s.propose(t, bob, "/add_scan", s.newScan("Printers"))
	if n := reminders(); n != 0 {
		t.Fatalf("%d reminders before half of the time", n)
	}
	s.Advance(time.Minute)
	s.slack.Wait("a reminder", func() bool { return reminders() == 1 })
	s.propose(t, bob, "/add_scan", s.newScan("Routers")) // after which a second one would be there
	s.propose(t, bob, "/add_scan", s.newScan("Cameras"))
	if n := reminders(); n != 1 {
		t.Errorf("%d reminders, want 1", n)
	}
}

func TestWithoutAChannelApproversGetDirectMessages(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noChannel: true})
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	posted := func(user string) slacktest.Message {
		return s.slack.WaitMessage(s.slack.DM(user), func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ", "Core switches") })
	}
	one, two := posted(ada), posted(eve)
	mustAck(t, s.slack.Click(ada, one, "approve_change"))
	for _, q := range []slacktest.Message{one, two} {
		if done := s.waitUpdate(t, q, "applied"); actionButtons(done) != "" {
			t.Errorf("buttons are left in %s", q.Channel)
		}
	}
	s.slack.WaitMessage(s.slack.DM(bob), func(m slacktest.Message) bool { return containsAll(m.All(), "applied") })
	s.wantWrites(t, 1)
}

func TestTheHomeShowsPendingAndDecidedChanges(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		s.propose(t, bob, "/add_scan", s.newScan("Printers"))
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "applied")
		mustAck(t, s.slack.OpenHome(eve))
		home := s.slack.WaitHome(eve, func(v slacktest.View) bool { return containsAll(v.All(), "Core switches", "Printers") })
		if n := len(home.Buttons()); n != 1 {
			t.Fatalf("%d changes can be reviewed, want 1", n)
		}
		mustAck(t, s.slack.ClickView(eve, home, "review_change"))
		review := s.slack.WaitView(eve, func(v slacktest.View) bool { return containsAll(v.All(), "Printers", "Code: ") })
		mustAck(t, s.slack.ClickView(eve, review, "approve_change"))
		s.slack.WaitView(eve, func(v slacktest.View) bool { return strings.Contains(v.All(), "confirmed") })
		mustAck(t, s.slack.OpenHome(guest))
		s.slack.WaitHome(guest, func(v slacktest.View) bool { return containsAll(v.All(), "guests cannot") })
	})
}
