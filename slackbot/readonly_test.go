package slackbot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
	"scanwarden/tools"
)

// withoutWrites removes all operations that propose changes, as SCANWARDEN_READ_ONLY does.
func withoutWrites(c *slackbot.Config) {
	c.Operations = slices.DeleteFunc(slices.Clone(c.Operations), func(op tools.Operation) bool { return op.Effect == tools.Proposes })
}

func TestAReadOnlyBotListsScans(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		p.bot = func(c *slackbot.Config) {
			withoutWrites(c)
			c.Commands = map[string]string{"add_scan": "/new_scan"} // configured for a server that writes
		}
		s := newStack(t, p)
		s.addScan("Core switches")
		if answer := s.replyTo(t, bob, "/scans", ""); !containsAll(answer, "Core switches") {
			t.Error(answer)
		}
		if help := s.replyTo(t, bob, "/scans", "help"); !containsAll(help, "read-only") || containsAll(help, "/add_scan") {
			t.Error(help)
		}
		for _, command := range []string{"/add_scan", "/new_scan", "/delete_scans"} {
			if answer := s.replyTo(t, bob, command, ""); !containsAll(answer, "read-only", "/scans") {
				t.Errorf("%s: %s", command, answer)
			}
		}
		mustAck(t, s.slack.OpenHome(bob))
		s.slack.WaitHome(bob, func(v slacktest.View) bool { return containsAll(v.All(), "read-only", "Decided lately") })
	})
}

func TestAReadOnlyBotRefusesOldButtons(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		mustAck(t, s.slack.Click(ada, q, "deny_change"))
		denial := s.slack.WaitView(ada, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
		mustAck(t, s.slack.Command(bob, channel, "/add_scan", ""))
		form := s.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
		s.stopBot(t)
		withoutWrites(&s.cfg)
		s.startBot(t, p)
		mustAck(t, s.slack.Click(eve, q, "approve_change"))
		s.waitReply(t, eve, "read-only", "nothing was done")
		filled := map[string]any{
			"scanType": "Network", "scanName": "Printers", "target": "10.0.0.1", "intervalInHours": "4", "scannerAgent.machineId": s.Scanner,
		}
		for user, view := range map[string]slacktest.View{ada: denial, bob: form} {
			values := filled
			if user == ada {
				values = map[string]any{"reason": "no"}
			}
			a := mustAck(t, s.slack.Submit(user, view, values))
			if !strings.Contains(string(a.Body), "read-only") {
				t.Errorf("%s submitted, and the answer is %s", user, a.Body)
			}
		}
		if changes := s.replyTo(t, bob, "/scans", "changes"); !containsAll(changes, "Core switches") {
			t.Error(changes)
		}
		for _, m := range s.slack.Messages(channel) {
			for _, b := range m.Buttons() {
				if b.ActionID == "withdraw_change" {
					t.Error("a read-only bot offers to withdraw")
				}
			}
		}
		if c := s.change(t, q); !c.State.Open() || len(c.Decisions) != 0 {
			t.Errorf("the change is %s with %v", c.State, c.Decisions)
		}
		s.wantWrites(t, 0)
	})
}

func TestAReadOnlyBotPostsNoConfirmation(t *testing.T) {
	t.Parallel()
	p := options{noRun: true}
	s := newStack(t, p)
	s.bot.SetPostedWait(time.Millisecond)
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.slack.Wait("the change to be recorded", func() bool {
		open, err := s.Gate.OpenChanges(t.Context(), slackOf(bob))
		return err == nil && len(open) == 1
	})
	withoutWrites(&s.cfg)
	s.startBot(t, p)
	s.Advance(time.Minute) // after ownerHeadStart and postLease
	if err := s.bot.NotifyOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if q := s.confirmations(); len(q) != 0 {
		t.Errorf("a read-only bot posted %s", q[0].All())
	}
}

func TestTheManifestOfAReadOnlyServerHasNoWrites(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{bot: withoutWrites})
	m := manifestOf(t, s.cfg)
	if !containsAll(m, "/scans", "changes nothing") || containsAll(m, "add_scan") || containsAll(m, "Adds, updates") {
		t.Error(m)
	}
}
