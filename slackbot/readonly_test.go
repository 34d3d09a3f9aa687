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

// withoutWrites takes from a bot all that proposes, as SCANWARDEN_READ_ONLY does.
func withoutWrites(c *slackbot.Config) {
	c.Operations = slices.DeleteFunc(slices.Clone(c.Operations), func(op tools.Operation) bool { return op.Effect == tools.Proposes })
}

func TestAReadOnlyBotListsScans(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		p.bot = func(c *slackbot.Config) {
			withoutWrites(c)
			c.Commands = map[string]string{"add_scan": "/new_scan"} // configured for when it writes again
		}
		h := newStack(t, p)
		h.addScan("Core switches")
		if answer := h.replyTo(t, bob, "/scans", ""); !containsAll(answer, "Core switches") {
			t.Error(answer)
		}
		if help := h.replyTo(t, bob, "/scans", "help"); !containsAll(help, "read-only") || containsAll(help, "/add_scan") {
			t.Error(help)
		}
		for _, command := range []string{"/add_scan", "/new_scan", "/delete_scans"} {
			if answer := h.replyTo(t, bob, command, ""); !containsAll(answer, "read-only", "/scans") {
				t.Errorf("%s: %s", command, answer)
			}
		}
		mustAck(t, h.slack.OpenHome(bob))
		h.slack.WaitHome(bob, func(v slacktest.View) bool { return containsAll(v.All(), "read-only", "Decided lately") })
	})
}

func TestAReadOnlyBotAnswersNoOldQuestion(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		h := newStack(t, p)
		q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
		mustAck(t, h.slack.Click(ada, q, "deny_change"))
		denial := h.slack.WaitView(ada, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
		mustAck(t, h.slack.Command(bob, channel, "/add_scan", ""))
		form := h.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
		h.stopBot(t)
		withoutWrites(&h.cfg)
		h.startBot(t, p)
		mustAck(t, h.slack.Click(eve, q, "approve_change"))
		h.waitReply(t, eve, "read-only", "nothing was done")
		filled := map[string]any{
			"scanType": "Network", "scanName": "Printers", "target": "10.0.0.1", "intervalInHours": "4", "scannerAgent.machineId": h.scanner,
		}
		for user, view := range map[string]slacktest.View{ada: denial, bob: form} {
			values := filled
			if user == ada {
				values = map[string]any{"reason": "no"}
			}
			a := mustAck(t, h.slack.Submit(user, view, values))
			if !strings.Contains(string(a.Body), "read-only") {
				t.Errorf("%s submitted, and was told %s", user, a.Body)
			}
		}
		if changes := h.replyTo(t, bob, "/scans", "changes"); !containsAll(changes, "Core switches") {
			t.Error(changes)
		}
		for _, m := range h.slack.Messages(channel) {
			for _, b := range m.Buttons() {
				if b.ActionID == "withdraw_change" {
					t.Error("a read-only bot offers to withdraw")
				}
			}
		}
		if c := h.change(t, q); !c.State.Open() || len(c.Decisions) != 0 {
			t.Errorf("the change is %s with %v", c.State, c.Decisions)
		}
		h.wantWrites(t, 0)
	})
}

func TestAReadOnlyBotPutsNothingToPeople(t *testing.T) {
	p := options{noRun: true}
	h := newStack(t, p)
	mustAck(t, h.slack.Command(bob, channel, "/add_scan", h.newScan("Core switches")))
	h.slack.Wait("the change to be kept", func() bool {
		open, err := h.gate.OpenChanges(t.Context(), slackOf(bob))
		return err == nil && len(open) == 1
	})
	withoutWrites(&h.cfg)
	h.startBot(t, p)
	h.advance(time.Minute) // no other process is going to ask any more
	if err := h.bot.NotifyOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if q := h.requests(); len(q) != 0 {
		t.Errorf("a read-only bot asked %s", q[0].All())
	}
}

func TestTheManifestOfAReadOnlyServerHasNoWrites(t *testing.T) {
	h := newStack(t, options{bot: withoutWrites})
	m := manifestOf(t, h.cfg)
	if !containsAll(m, "/scans", "changes nothing") || containsAll(m, "add_scan") || containsAll(m, "Adds, updates") {
		t.Error(m)
	}
}
