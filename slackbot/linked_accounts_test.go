package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

func TestJoinedAccountsAreOnePerson(t *testing.T) {
	h := newHouse(t, linking(plan{
		direct: true,
		policy: func(p *confirm.Policy) {
			p.Approvers = []string{string(entraAda), string(entraEve)}
			p.People = []confirm.Person{{Name: "Eve", Principals: []confirm.Principal{slackOf(eve), entraEve}}}
		},
	}))
	acked(t, h.slack.Command(ada, channel, "/scans", "link "+h.proof(t, entraAda, "Ada")))
	h.told(t, ada, "Joined: ")
	acked(t, h.slack.Command(ada, channel, "/add_scan", h.newScan("Core switches")))
	// Both approvers are asked where they are in Slack, by configuration or by a link.
	for _, user := range []string{ada, eve} {
		dm := h.slack.DM(user)
		h.slack.WaitMessage(dm, func(m slacktest.Message) bool { return says(m.All(), "Core switches", "Code: ") })
	}
	q := h.slack.WaitMessage(h.slack.DM(ada), func(m slacktest.Message) bool { return len(m.Buttons()) == 2 })
	acked(t, h.slack.Click(ada, q, "approve_change"))
	h.slack.Wait("a refusal", func() bool {
		for _, m := range h.slack.Messages(h.slack.DM(ada)) {
			if says(m.All(), "may not confirm their own changes") {
				return true
			}
		}
		return false
	})
	h.writes(t, 0)
	acked(t, h.slack.OpenHome(eve))
	h.slack.WaitHome(eve, func(v slacktest.View) bool { return says(v.All(), "Core switches", "Review") })
	acked(t, h.slack.OpenHome(mallory))
	h.slack.WaitHome(mallory, func(v slacktest.View) bool { return says(v.All(), "Nothing waits for your decision") })
}

func TestTheHomeShowsWhatAYesWouldCountFor(t *testing.T) {
	h := newHouse(t, plan{policy: func(p *confirm.Policy) { p.Required = map[string]int{"add_scan": 2} }})
	q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
	acked(t, h.slack.Click(ada, q, "approve_change"))
	h.becomes(t, q, "1 of 2")
	for user, words := range map[string]string{ada: "Nothing waits for your decision", eve: "Core switches", bob: "Core switches", mallory: "Nothing waits for your decision"} {
		acked(t, h.slack.OpenHome(user))
		h.slack.WaitHome(user, func(v slacktest.View) bool { return says(v.All(), words) })
	}
}

func TestTheReminderMentionsJoinedPeopleOnce(t *testing.T) {
	h := newHouse(t, linking(plan{policy: func(p *confirm.Policy) {
		p.Approvers = []string{string(entraAda), string(entraEve)}
		p.Required = map[string]int{"add_scan": 2}
	}}))
	for user, principal := range map[string]confirm.Principal{ada: entraAda, eve: entraEve} {
		acked(t, h.slack.Command(user, channel, "/scans", "link "+h.proof(t, principal, user)))
		h.told(t, user, "Joined: ")
	}
	q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
	acked(t, h.slack.Click(ada, q, "approve_change"))
	h.becomes(t, q, "1 of 2")
	h.pass(8 * time.Minute)
	reminder := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return m.ThreadTS == q.TS && says(m.All(), "still waits") })
	if !strings.Contains(string(reminder.Blocks), eve) || strings.Contains(string(reminder.Blocks), ada) {
		t.Errorf("the reminder mentions %s", reminder.Blocks)
	}
}
