package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
	"scanwarden/tools"
)

func TestAQuestionThatSlackDidNotTakeIsPostedLater(t *testing.T) {
	h := newStack(t, options{})
	h.slack.Fail("chat.postMessage", slacktest.Fault{Times: 2, Status: 503})
	mustAck(t, h.slack.Command(bob, channel, "/add_scan", h.newScan("Core switches")))
	h.waitReply(t, bob, "Asked: ", "posting is retried until it expires")
	open, err := h.gate.OpenChanges(t.Context(), confirm.Principal("slack:"+team+"/"+bob))
	if err != nil || len(open) != 1 {
		t.Fatalf("the change is not kept: %v %v", open, err)
	}
	if r := tools.ResultOf(open[0]); !strings.Contains(r.Reason, "posting is retried") {
		t.Errorf("an assistant that asks is told %q", r.Reason)
	}
	h.slack.Wait("the question", func() bool { return len(h.requests()) == 1 })
	mustAck(t, h.slack.Click(ada, h.requests()[0], "approve_change"))
	h.waitUpdate(t, h.requests()[0], "applied")
}

func TestSlackIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	h := newStack(t, options{})
	h.slack.Fail("chat.postMessage", slacktest.Fault{Status: 429, RetryAfter: 3})
	began := time.Now()
	h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
	if took := time.Since(began); took < 3*time.Second {
		t.Errorf("posted again after %s, and Slack asked for 3 s", took)
	}
}

func TestButtonsWorkAfterARestart(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		h := newStack(t, p)
		q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
		h.stopBot(t)
		h.startBot(t, p)
		mustAck(t, h.slack.Click(ada, q, "approve_change"))
		h.waitUpdate(t, q, "applied")
		if n := len(h.requests()); n != 1 {
			t.Errorf("there are %d questions after the restart, want 1", n)
		}
	})
}

func TestWhatHappenedWhileTheBotWasDownIsShownAfter(t *testing.T) {
	h := newStack(t, options{})
	q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
	c := h.change(t, q)
	h.stopBot(t)
	h.notified.Store(nil)
	if _, err := h.gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: c.Requester}); err != nil {
		t.Fatal(err)
	}
	h.advance(10 * time.Second) // by then the process that moved it would have told
	h.startBot(t, options{})
	if done := h.waitUpdate(t, q, "withdrawn"); actionButtons(done) != "" {
		t.Errorf("buttons are left: %s", actionButtons(done))
	}
}

func TestAChangeFromElsewhereIsPutToPeopleInSlack(t *testing.T) {
	h := newStack(t, options{})
	p, err := h.service.Plan(t.Context(), "add_scan", []byte(`{"scanType":"Network","scanName":"From MCP","target":"10.0.0.1","intervalInHours":4,`+
		`"scannerAgent.machineId":"`+h.scanner+`","scanAuthenticationParams.type":"NoAuthNoPriv","scanAuthenticationParams.username":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	asker := confirm.Requester{Principal: "token:claude", Source: "MCP HTTP", Channels: []confirm.Channel{confirm.Slack}}
	if _, err := h.gate.Propose(t.Context(), p, asker); err != nil {
		t.Fatal(err)
	}
	q := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "From MCP", "token:claude", "MCP HTTP") })
	mustAck(t, h.slack.Click(ada, q, "approve_change"))
	h.waitUpdate(t, q, "applied")
}

func TestExpiryAndWithdrawalTakeTheButtonsAway(t *testing.T) {
	h := newStack(t, options{})
	q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
	mustAck(t, h.slack.Command(bob, channel, "/scans", "changes"))
	mine := h.waitReply(t, bob, "waiting for confirmation")
	mustAck(t, h.slack.Click(bob, mine, "withdraw_change"))
	h.waitUpdate(t, q, "withdrawn, nothing was sent")
	q = h.propose(t, bob, "/add_scan", h.newScan("Printers"))
	c := h.change(t, q)
	h.advance(16 * time.Minute)
	if _, err := h.gate.Change(t.Context(), c.ID); err != nil { // which finds that it is overdue
		t.Fatal(err)
	}
	if done := h.waitUpdate(t, q, "expired, nothing was sent"); actionButtons(done) != "" {
		t.Errorf("buttons are left: %s", actionButtons(done))
	}
	mustAck(t, h.slack.Click(ada, q, "approve_change"))
	h.waitReply(t, ada, "Already decided", "expired")
	h.wantWrites(t, 0)
}

func TestApproversAreRemindedOnceAtHalfOfTheTime(t *testing.T) {
	h := newStack(t, options{})
	q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
	reminders := func() (n int) {
		for _, m := range h.slack.Messages(channel) {
			if m.ThreadTS == q.TS && containsAll(m.All(), "still waits") {
				n++
			}
		}
		return n
	}
	h.advance(7 * time.Minute)
	h.propose(t, bob, "/add_scan", h.newScan("Printers"))
	if n := reminders(); n != 0 {
		t.Fatalf("%d reminders before half of the time", n)
	}
	h.advance(time.Minute)
	h.slack.Wait("a reminder", func() bool { return reminders() == 1 })
	h.propose(t, bob, "/add_scan", h.newScan("Routers")) // after which a second one would be there
	h.propose(t, bob, "/add_scan", h.newScan("Cameras"))
	if n := reminders(); n != 1 {
		t.Errorf("%d reminders, want 1", n)
	}
}

func TestWithoutAChannelApproversAreAskedDirectly(t *testing.T) {
	h := newStack(t, options{noChannel: true})
	mustAck(t, h.slack.Command(bob, channel, "/add_scan", h.newScan("Core switches")))
	asked := func(user string) slacktest.Message {
		return h.slack.WaitMessage(h.slack.DM(user), func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ", "Core switches") })
	}
	one, two := asked(ada), asked(eve)
	mustAck(t, h.slack.Click(ada, one, "approve_change"))
	for _, q := range []slacktest.Message{one, two} {
		if done := h.waitUpdate(t, q, "applied"); actionButtons(done) != "" {
			t.Errorf("buttons are left in %s", q.Channel)
		}
	}
	h.slack.WaitMessage(h.slack.DM(bob), func(m slacktest.Message) bool { return containsAll(m.All(), "applied") })
	h.wantWrites(t, 1)
}

func TestTheHomeShowsWhatWaitsAndWhatWasDecided(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		h := newStack(t, p)
		q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
		h.propose(t, bob, "/add_scan", h.newScan("Printers"))
		mustAck(t, h.slack.Click(ada, q, "approve_change"))
		h.waitUpdate(t, q, "applied")
		mustAck(t, h.slack.OpenHome(eve))
		home := h.slack.WaitHome(eve, func(v slacktest.View) bool { return containsAll(v.All(), "Core switches", "Printers") })
		if n := len(home.Buttons()); n != 1 {
			t.Fatalf("%d changes can be reviewed, want 1", n)
		}
		mustAck(t, h.slack.ClickView(eve, home, "review_change"))
		review := h.slack.WaitView(eve, func(v slacktest.View) bool { return containsAll(v.All(), "Printers", "Code: ") })
		mustAck(t, h.slack.ClickView(eve, review, "approve_change"))
		h.slack.WaitView(eve, func(v slacktest.View) bool { return strings.Contains(v.All(), "confirmed") })
		mustAck(t, h.slack.OpenHome(guest))
		h.slack.WaitHome(guest, func(v slacktest.View) bool { return containsAll(v.All(), "guests cannot") })
	})
}
