package slackbot_test

import (
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

func TestEmulatorTakesACommandToAWrite(t *testing.T) {
	inSequence(t, func(t *testing.T, p options) {
		s, e := emulate(t, p)
		e.command(bob, "/add_scan", s.newScan("Core switches"))
		q := e.waitConfirmation()
		if got := actionButtons(q); got != "approve_change deny_change" || !containsAll(q.All(), "Core switches", "10.20.30.1,10.20.30.2", bob) {
			t.Fatalf("the confirmation message has the buttons %q:\n%s", got, q.All())
		}
		e.waitMessage("a reply to bob", func(m slacktest.Message) bool { return m.To == bob && containsAll(m.All(), "Asked: ") })
		s.wantWrites(t, 0)
		e.click(bob, q, "approve_change")
		e.waitMessage("a refusal", func(m slacktest.Message) bool { return m.To == bob && containsAll(m.All(), "not among the approvers") })
		s.wantWrites(t, 0)
		e.click(ada, q, "approve_change")
		done := e.waitUpdate(q, "applied", "Approved by "+ada)
		if got := actionButtons(done); got != "" {
			t.Errorf("buttons are left: %q", got)
		}
		e.waitMessage("a word in the thread", func(m slacktest.Message) bool { return m.ThreadTS == q.TS && containsAll(m.All(), bob, "applied") })
		// The emulator delivers every request on both sockets.
		if n := e.countConfirmations(); n != 1 {
			t.Errorf("%d confirmation messages were posted, want 1", n)
		}
		s.wantOpen(t, bob, 0)
		s.wantWrites(t, 1)
	})
}

func TestEmulatorTakesAModalToADenial(t *testing.T) {
	inSequence(t, func(t *testing.T, p options) {
		s, e := emulate(t, p)
		e.command(bob, "/add-scan", "")
		e.waitModal("add_scan")
		e.submit(bob, s.formValues("10.0.0.0/33"))
		e.wait("an error at the target", func() bool { return e.fieldErrors["target"] != "" })
		e.submit(bob, s.formValues("10.0.0.0/30"))
		// The emulator has one modal for all users, and the confirmation message may come before the answer in it.
		e.wait("an answer in the modal", func() bool { return containsAll(string(e.modal), "Asked: ") })
		q := e.waitConfirmation()
		if !containsAll(q.All(), "Printers", "10.0.0.0/30") {
			t.Fatalf("the confirmation message does not show what was filled in:\n%s", q.All())
		}
		c := s.change(t, q)
		e.click(ada, q, "deny_change")
		e.waitModal("deny_change")
		e.submit(ada, map[string]any{"reason": map[string]any{"value": textValue("not this week")}})
		if done := e.waitUpdate(q, "denied", "not this week", ada); actionButtons(done) != "" {
			t.Errorf("buttons are left: %q", actionButtons(done))
		}
		after, err := s.Gate.Change(t.Context(), c.ID)
		if err != nil || after.State != confirm.Denied {
			t.Errorf("the change is %s, %v", after.State, err)
		}
		s.wantWrites(t, 0)
	})
}

// formValues returns the state of the /add_scan form as Slack's page sends it.
func (s *stack) formValues(target string) map[string]any {
	values := map[string]any{
		"scanName": textValue("Printers"), "target": textValue(target), "scanAuthenticationParams.username": textValue("scanner"),
		"scanType": menuValue("Network"), "scanAuthenticationParams.type": menuValue("NoAuthNoPriv"), "scannerAgent.machineId": menuValue(s.Scanner),
		"intervalInHours": menuValue("4"),
	}
	for name, value := range values {
		values[name] = map[string]any{"value": value}
	}
	return values
}

func textValue(text string) map[string]any {
	return map[string]any{"type": "plain_text_input", "value": text}
}

func menuValue(value string) map[string]any {
	option := map[string]any{"value": value, "text": map[string]any{"type": "plain_text", "text": value}}
	return map[string]any{"type": "static_select", "selected_option": option}
}
