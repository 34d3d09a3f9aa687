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
	h := newHouse(t, plan{})
	h.slack.Fail("chat.postMessage", slacktest.Fault{Times: 2, Status: 503})
	acked(t, h.slack.Command(bob, channel, "/add_scan", h.newScan("Core switches")))
	h.told(t, bob, "Asked: ", "posting is retried until it expires")
	open, err := h.gate.OpenChanges(t.Context(), confirm.Principal("slack:"+team+"/"+bob))
	if err != nil || len(open) != 1 {
		t.Fatalf("the change is not kept: %v %v", open, err)
	}
	if r := tools.ResultOf(open[0]); !strings.Contains(r.Reason, "posting is retried") {
		t.Errorf("an assistant that asks is told %q", r.Reason)
	}
	h.slack.Wait("the question", func() bool { return len(h.questions()) == 1 })
	acked(t, h.slack.Click(ada, h.questions()[0], "approve_change"))
	h.becomes(t, h.questions()[0], "applied")
}

func TestSlackIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	h := newHouse(t, plan{})
	h.slack.Fail("chat.postMessage", slacktest.Fault{Status: 429, RetryAfter: 3})
	began := time.Now()
	h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
	if took := time.Since(began); took < 3*time.Second {
		t.Errorf("posted again after %s, and Slack asked for 3 s", took)
	}
}

func TestButtonsWorkAfterARestart(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h := newHouse(t, p)
		q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
		h.leave(t)
		h.start(t, p)
		acked(t, h.slack.Click(ada, q, "approve_change"))
		h.becomes(t, q, "applied")
		if n := len(h.questions()); n != 1 {
			t.Errorf("there are %d questions after the restart, want 1", n)
		}
	})
}

func TestWhatHappenedWhileTheBotWasDownIsShownAfter(t *testing.T) {
	h := newHouse(t, plan{})
	q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
	c := h.change(t, q)
	h.leave(t)
	h.moved.Store(nil)
	if _, err := h.gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: c.Requester}); err != nil {
		t.Fatal(err)
	}
	h.pass(10 * time.Second) // by then the process that moved it would have told
	h.start(t, plan{})
	if done := h.becomes(t, q, "withdrawn"); buttons(done) != "" {
		t.Errorf("buttons are left: %s", buttons(done))
	}
}

func TestAChangeFromElsewhereIsPutToPeopleInSlack(t *testing.T) {
	h := newHouse(t, plan{})
	p, err := h.desk.Plan(t.Context(), tools.Caller{}, "add_scan", []byte(`{"scanType":"Network","scanName":"From MCP","target":"10.0.0.1","intervalInHours":4,`+
		`"scannerAgent.machineId":"`+h.scanner+`","scanAuthenticationParams.type":"NoAuthNoPriv","scanAuthenticationParams.username":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	asker := confirm.Requester{Principal: "token:claude", Source: "MCP HTTP", Channels: []confirm.Channel{confirm.Slack}}
	if _, err := h.gate.Propose(t.Context(), p, asker); err != nil {
		t.Fatal(err)
	}
	q := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return says(m.All(), "From MCP", "token:claude", "MCP HTTP") })
	acked(t, h.slack.Click(ada, q, "approve_change"))
	h.becomes(t, q, "applied")
}

func TestExpiryAndWithdrawalTakeTheButtonsAway(t *testing.T) {
	h := newHouse(t, plan{})
	q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
	acked(t, h.slack.Command(bob, channel, "/scans", "changes"))
	mine := h.told(t, bob, "waiting for confirmation")
	acked(t, h.slack.Click(bob, mine, "withdraw_change"))
	h.becomes(t, q, "withdrawn, nothing was sent")
	q = h.ask(t, bob, "/add_scan", h.newScan("Printers"))
	c := h.change(t, q)
	h.pass(16 * time.Minute)
	if _, err := h.gate.Change(t.Context(), c.ID); err != nil { // which finds that it is overdue
		t.Fatal(err)
	}
	if done := h.becomes(t, q, "expired, nothing was sent"); buttons(done) != "" {
		t.Errorf("buttons are left: %s", buttons(done))
	}
	acked(t, h.slack.Click(ada, q, "approve_change"))
	h.told(t, ada, "Already decided", "expired")
	h.writes(t, 0)
}

func TestApproversAreRemindedOnceAtHalfOfTheTime(t *testing.T) {
	h := newHouse(t, plan{})
	q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
	reminders := func() (n int) {
		for _, m := range h.slack.Messages(channel) {
			if m.ThreadTS == q.TS && says(m.All(), "still waits") {
				n++
			}
		}
		return n
	}
	h.pass(7 * time.Minute)
	h.ask(t, bob, "/add_scan", h.newScan("Printers"))
	if n := reminders(); n != 0 {
		t.Fatalf("%d reminders before half of the time", n)
	}
	h.pass(time.Minute)
	h.slack.Wait("a reminder", func() bool { return reminders() == 1 })
	h.ask(t, bob, "/add_scan", h.newScan("Routers")) // after which a second one would be there
	h.ask(t, bob, "/add_scan", h.newScan("Cameras"))
	if n := reminders(); n != 1 {
		t.Errorf("%d reminders, want 1", n)
	}
}

func TestWithoutAChannelApproversAreAskedDirectly(t *testing.T) {
	h := newHouse(t, plan{direct: true})
	acked(t, h.slack.Command(bob, channel, "/add_scan", h.newScan("Core switches")))
	asked := func(user string) slacktest.Message {
		return h.slack.WaitMessage(h.slack.DM(user), func(m slacktest.Message) bool { return says(m.All(), "Code: ", "Core switches") })
	}
	one, two := asked(ada), asked(eve)
	acked(t, h.slack.Click(ada, one, "approve_change"))
	for _, q := range []slacktest.Message{one, two} {
		if done := h.becomes(t, q, "applied"); buttons(done) != "" {
			t.Errorf("buttons are left in %s", q.Channel)
		}
	}
	h.slack.WaitMessage(h.slack.DM(bob), func(m slacktest.Message) bool { return says(m.All(), "applied") })
	h.writes(t, 1)
}

func TestTheHomeShowsWhatWaitsAndWhatWasDecided(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h := newHouse(t, p)
		q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
		h.ask(t, bob, "/add_scan", h.newScan("Printers"))
		acked(t, h.slack.Click(ada, q, "approve_change"))
		h.becomes(t, q, "applied")
		acked(t, h.slack.OpenHome(eve))
		home := h.slack.WaitHome(eve, func(v slacktest.View) bool { return says(v.All(), "Core switches", "Printers") })
		if n := len(home.Buttons()); n != 1 {
			t.Fatalf("%d changes can be reviewed, want 1", n)
		}
		acked(t, h.slack.ClickView(eve, home, "review_change"))
		review := h.slack.WaitView(eve, func(v slacktest.View) bool { return says(v.All(), "Printers", "Code: ") })
		acked(t, h.slack.ClickView(eve, review, "approve_change"))
		h.slack.WaitView(eve, func(v slacktest.View) bool { return strings.Contains(v.All(), "confirmed") })
		acked(t, h.slack.OpenHome(guest))
		h.slack.WaitHome(guest, func(v slacktest.View) bool { return says(v.All(), "guests cannot") })
	})
}
