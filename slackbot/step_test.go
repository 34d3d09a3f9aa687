package slackbot_test

import (
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// newScan returns the text of a valid /add_scan command.
func (s *stack) newScan(name string) string {
	return `scanType=Network scanName="` + name + `" target=10.20.30.1,10.20.30.2 intervalInHours=4 ` +
		`scannerAgent.machineId=` + s.Scanner + ` scanAuthenticationParams.type=NoAuthNoPriv scanAuthenticationParams.username=scanner`
}

// addScan adds a scan to the simulated tenant and returns its ID.
func (s *stack) addScan(name string) (id string) {
	return s.Tenant.AddScan(map[string]any{
		"scanType": "Network", "scanName": name, "isActive": true, "target": "10.1.2.3", "intervalInHours": 4,
		"targetType": "Ip", "scannerAgent": map[string]any{"machineId": s.Scanner},
	})
}

// mustAck fails unless Slack got a positive answer in time.
func mustAck(t testing.TB, a *slacktest.Ack) *slacktest.Ack {
	t.Helper()
	if a.Err != nil || a.Status != 200 {
		t.Fatalf("Slack was answered %d %s: %v", a.Status, a.Body, a.Err)
	}
	saveAnswer(t, a.Body)
	return a
}

// propose sends a command and returns the confirmation message that follows.
func (s *stack) propose(t testing.TB, user, command, text string) slacktest.Message {
	t.Helper()
	before := len(s.confirmations())
	mustAck(t, s.slack.Command(user, channel, command, text))
	s.slack.Wait("a confirmation message in the channel", func() bool { return len(s.confirmations()) > before })
	all := s.confirmations()
	return all[len(all)-1]
}

// confirmations returns the confirmation messages in the channel, oldest first.
func (s *stack) confirmations() (out []slacktest.Message) {
	for _, m := range s.slack.Messages(channel) {
		if !m.Ephemeral && m.ThreadTS == "" && strings.Contains(m.All(), "Code: ") {
			out = append(out, m)
		}
	}
	return out
}

// waitUpdate waits until a message contains all words.
func (s *stack) waitUpdate(t testing.TB, m slacktest.Message, words ...string) slacktest.Message {
	t.Helper()
	return s.slack.WaitMessage(m.Channel, func(now slacktest.Message) bool {
		return now.TS == m.TS && containsAll(now.All(), words...)
	})
}

func containsAll(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// waitReply waits for a message that only user sees and that contains all words.
func (s *stack) waitReply(t testing.TB, user string, words ...string) slacktest.Message {
	t.Helper()
	return s.slack.WaitEphemeral(user, func(m slacktest.Message) bool { return containsAll(m.All(), words...) })
}

// change returns the change that a message's buttons are for.
func (s *stack) change(t testing.TB, m slacktest.Message) confirm.Change {
	t.Helper()
	buttons := m.Buttons()
	if len(buttons) == 0 {
		t.Fatalf("no buttons in %s", m.All())
	}
	c, err := s.Store.Change(t.Context(), buttons[0].Value)
	if err != nil {
		t.Fatalf("button %s has the value %q: %v", buttons[0].ActionID, buttons[0].Value, err)
	}
	return c
}

// wantOpen fails unless a user has exactly n open changes.
func (s *stack) wantOpen(t testing.TB, user string, n int) {
	t.Helper()
	got, err := s.Gate.OpenChanges(t.Context(), confirm.Principal("slack:"+team+"/"+user))
	if err != nil || len(got) != n {
		t.Fatalf("%s has %d open changes, want %d: %v", user, len(got), n, err)
	}
}

// wantWrites fails unless the tenant received exactly n writes.
func (s *stack) wantWrites(t testing.TB, n int) {
	t.Helper()
	if got := s.Tenant.Writes(); len(got) != n {
		t.Fatalf("Defender took %d writes, want %d: %+v", len(got), n, got)
	}
}

// actionButtons are the action ids of a message's buttons.
func actionButtons(m slacktest.Message) (ids string) {
	for _, b := range m.Buttons() {
		ids += b.ActionID + " "
	}
	return strings.TrimSpace(ids)
}
