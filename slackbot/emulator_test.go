package slackbot_test

import (
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

func TestEmulatorTakesACommandToAWrite(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h, e := emulate(t, p)
		e.command(bob, "/add_scan", h.newScan("Core switches"))
		q := e.question()
		if got := buttons(q); got != "approve_change deny_change" || !says(q.All(), "Core switches", "10.20.30.1,10.20.30.2", bob) {
			t.Fatalf("the question has the buttons %q:\n%s", got, q.All())
		}
		e.shows("what bob alone is told", func(m slacktest.Message) bool { return m.To == bob && says(m.All(), "Asked: ") })
		h.writes(t, 0)
		e.click(bob, q, "approve_change")
		e.shows("a refusal", func(m slacktest.Message) bool { return m.To == bob && says(m.All(), "not among the approvers") })
		h.writes(t, 0)
		e.click(ada, q, "approve_change")
		done := e.becomes(q, "applied", "Approved by", ada, "Defender returned:")
		if got := buttons(done); got != "" {
			t.Errorf("buttons are left: %q", got)
		}
		e.shows("a word in the thread", func(m slacktest.Message) bool { return m.ThreadTS == q.TS && says(m.All(), bob, "applied") })
		// The emulator delivers everything on both sockets: what is not told apart is done twice.
		if n := e.questions(); n != 1 {
			t.Errorf("%d questions were posted, want 1", n)
		}
		h.open(t, bob, 0)
		h.writes(t, 1)
	})
}

func TestEmulatorTakesAModalToADenial(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h, e := emulate(t, p)
		e.command(bob, "/add-scan", "")
		e.opens("add_scan")
		e.submit(bob, h.filledIn("10.0.0.0/33"))
		e.wait("an error at the target", func() bool { return e.wrong["target"] != "" })
		e.submit(bob, h.filledIn("10.0.0.0/30"))
		// Only then: the emulator has one modal for everybody, and the question may come before the answer in it.
		e.wait("an answer in the modal", func() bool { return says(string(e.modal), "Asked: ") })
		q := e.question()
		if !says(q.All(), "Printers", "10.0.0.0/30") {
			t.Fatalf("the question does not show what was filled in:\n%s", q.All())
		}
		c := h.change(t, q)
		e.click(ada, q, "deny_change")
		e.opens("deny_change")
		e.submit(ada, map[string]any{"reason": map[string]any{"value": line("not this week")}})
		if done := e.becomes(q, "denied", "not this week", ada); buttons(done) != "" {
			t.Errorf("buttons are left: %q", buttons(done))
		}
		after, err := h.gate.Change(t.Context(), c.ID)
		if err != nil || after.State != confirm.Denied {
			t.Errorf("the change is %s, %v", after.State, err)
		}
		h.writes(t, 0)
	})
}

// filledIn is the state of the form of /add_scan as Slack's page sends it.
func (h *house) filledIn(target string) map[string]any {
	values := map[string]any{
		"scanName": line("Printers"), "target": line(target), "scanAuthenticationParams.username": line("scanner"),
		"scanType": choice("Network"), "scanAuthenticationParams.type": choice("NoAuthNoPriv"), "scannerAgent.machineId": choice(h.scanner),
		"intervalInHours": choice("4"),
	}
	for name, value := range values {
		values[name] = map[string]any{"value": value}
	}
	return values
}

func line(text string) map[string]any {
	return map[string]any{"type": "plain_text_input", "value": text}
}

func choice(value string) map[string]any {
	option := map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": value}}
	return map[string]any{"type": "static_select", "selected_option": option}
}
