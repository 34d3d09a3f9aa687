package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// newScan is what the tests ask for, as text behind /add_scan.
func (h *house) newScan(name string) string {
	return `scanType=Network scanName="` + name + `" target=10.20.30.1,10.20.30.2 intervalInHours=4 ` +
		`scannerAgent.machineId=` + h.scanner + ` scanAuthenticationParams.type=NoAuthNoPriv scanAuthenticationParams.username=scanner`
}

// live puts a scan into the tenant.
func (h *house) live(name string) (id string) {
	return h.tenant.AddScan(map[string]any{
		"scanType": "Network", "scanName": name, "isActive": true, "target": "10.1.2.3", "intervalInHours": 4,
		"targetType": "Ip", "scannerAgent": map[string]any{"machineId": h.scanner},
	})
}

// acked fails unless Slack got its answer.
func acked(t testing.TB, a *slacktest.Ack) *slacktest.Ack {
	t.Helper()
	if a.Err != nil || a.Status != 200 {
		t.Fatalf("Slack was answered %d %s: %v", a.Status, a.Body, a.Err)
	}
	keepAnswer(t, a.Body)
	return a
}

// ask gives a command and returns the question that it leads to.
func (h *house) ask(t testing.TB, user, command, text string) slacktest.Message {
	t.Helper()
	before := len(h.questions())
	acked(t, h.slack.Command(user, channel, command, text))
	h.slack.Wait("a question in the channel", func() bool { return len(h.questions()) > before })
	all := h.questions()
	return all[len(all)-1]
}

// questions are the messages about changes in the channel, in the order in which they were posted.
func (h *house) questions() (out []slacktest.Message) {
	for _, m := range h.slack.Messages(channel) {
		if !m.Ephemeral && m.ThreadTS == "" && strings.Contains(m.All(), "Code: ") {
			out = append(out, m)
		}
	}
	return out
}

// becomes waits until a message says all of the words.
func (h *house) becomes(t testing.TB, m slacktest.Message, words ...string) slacktest.Message {
	t.Helper()
	return h.slack.WaitMessage(m.Channel, func(now slacktest.Message) bool {
		return now.TS == m.TS && says(now.All(), words...)
	})
}

func says(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// told waits until a person alone was told all of the words.
func (h *house) told(t testing.TB, user string, words ...string) slacktest.Message {
	t.Helper()
	return h.slack.WaitEphemeral(user, func(m slacktest.Message) bool { return says(m.All(), words...) })
}

// change is the one that a message's buttons are about.
func (h *house) change(t testing.TB, m slacktest.Message) confirm.Change {
	t.Helper()
	buttons := m.Buttons()
	if len(buttons) == 0 {
		t.Fatalf("no buttons in %s", m.All())
	}
	c, err := h.ledger.Change(t.Context(), buttons[0].Value)
	if err != nil {
		t.Fatalf("button %s has the value %q: %v", buttons[0].ActionID, buttons[0].Value, err)
	}
	return c
}

// open fails unless a person has exactly n open changes.
func (h *house) open(t testing.TB, user string, n int) {
	t.Helper()
	got, err := h.gate.OpenChanges(t.Context(), confirm.Principal("slack:"+team+"/"+user))
	if err != nil || len(got) != n {
		t.Fatalf("%s has %d open changes, want %d: %v", user, len(got), n, err)
	}
}

// writes fails unless the tenant took exactly n writes.
func (h *house) writes(t testing.TB, n int) {
	t.Helper()
	if got := h.tenant.Writes(); len(got) != n {
		t.Fatalf("Defender took %d writes, want %d: %+v", len(got), n, got)
	}
}

// buttons are the action ids of a message's buttons.
func buttons(m slacktest.Message) (ids string) {
	for _, b := range m.Buttons() {
		ids += b.ActionID + " "
	}
	return strings.TrimSpace(ids)
}

// pass moves all clocks on.
func (h *house) pass(d time.Duration) { h.ahead.Add(int64(d.Seconds())) }
