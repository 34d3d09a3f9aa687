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

// reading takes from a bot all that proposes, as SCANWARDEN_READ_ONLY does.
func reading(c *slackbot.Config) {
	c.Operations = slices.DeleteFunc(slices.Clone(c.Operations), func(op tools.Operation) bool { return op.Effect == tools.Proposes })
}

func TestAReadOnlyBotListsScans(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		p.bot = func(c *slackbot.Config) {
			reading(c)
			c.Commands = map[string]string{"add_scan": "/new_scan"} // configured for when it writes again
		}
		h := newHouse(t, p)
		h.live("Core switches")
		if answer := h.answer(t, bob, "/scans", ""); !says(answer, "Core switches") {
			t.Error(answer)
		}
		if help := h.answer(t, bob, "/scans", "help"); !says(help, "read-only") || says(help, "/add_scan") {
			t.Error(help)
		}
		for _, command := range []string{"/add_scan", "/new_scan", "/delete_scans"} {
			if answer := h.answer(t, bob, command, ""); !says(answer, "read-only", "/scans") {
				t.Errorf("%s: %s", command, answer)
			}
		}
		acked(t, h.slack.OpenHome(bob))
		h.slack.WaitHome(bob, func(v slacktest.View) bool { return says(v.All(), "read-only", "Decided lately") })
	})
}

func TestAReadOnlyBotAnswersNoOldQuestion(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h := newHouse(t, p)
		q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
		acked(t, h.slack.Click(ada, q, "deny_change"))
		denial := h.slack.WaitView(ada, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
		acked(t, h.slack.Command(bob, channel, "/add_scan", ""))
		form := h.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
		h.leave(t)
		reading(&h.cfg)
		h.start(t, p)
		acked(t, h.slack.Click(eve, q, "approve_change"))
		h.told(t, eve, "read-only", "nothing was done")
		filled := map[string]any{
			"scanType": "Network", "scanName": "Printers", "target": "10.0.0.1", "intervalInHours": "4", "scannerAgent.machineId": h.scanner,
		}
		for user, view := range map[string]slacktest.View{ada: denial, bob: form} {
			values := filled
			if user == ada {
				values = map[string]any{"reason": "no"}
			}
			a := acked(t, h.slack.Submit(user, view, values))
			if !strings.Contains(string(a.Body), "read-only") {
				t.Errorf("%s submitted, and was told %s", user, a.Body)
			}
		}
		if changes := h.answer(t, bob, "/scans", "changes"); !says(changes, "Core switches") {
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
		h.writes(t, 0)
	})
}

func TestAReadOnlyBotPutsNothingToPeople(t *testing.T) {
	p := plan{asleep: true}
	h := newHouse(t, p)
	acked(t, h.slack.Command(bob, channel, "/add_scan", h.newScan("Core switches")))
	h.slack.Wait("the change to be kept", func() bool {
		open, err := h.gate.OpenChanges(t.Context(), slackOf(bob))
		return err == nil && len(open) == 1
	})
	reading(&h.cfg)
	h.start(t, p)
	h.pass(time.Minute) // no other process is going to ask any more
	if err := h.bot.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if q := h.questions(); len(q) != 0 {
		t.Errorf("a read-only bot asked %s", q[0].All())
	}
}

func TestTheManifestOfAReadOnlyServerHasNoWrites(t *testing.T) {
	h := newHouse(t, plan{bot: reading})
	m := manifestOf(t, h.cfg)
	if !says(m, "/scans", "changes nothing") || says(m, "add_scan") || says(m, "Adds, updates") {
		t.Error(m)
	}
}
