package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

func TestJoinedAccountsAreOnePerson(t *testing.T) {
	h := newStack(t, withLinking(options{
		noChannel: true,
		policy: func(p *confirm.Policy) {
			p.Approvers = []string{string(entraAda), string(entraEve)}
			p.People = []confirm.Person{{Name: "Eve", Principals: []confirm.Principal{slackOf(eve), entraEve}}}
		},
	}))
	mustAck(t, h.slack.Command(ada, channel, "/scans", "link "+h.proof(t, entraAda, "Ada")))
	h.waitReply(t, ada, "Joined: ")
	mustAck(t, h.slack.Command(ada, channel, "/add_scan", h.newScan("Core switches")))
	// Both approvers are asked where they are in Slack, by configuration or by a link.
	for _, user := range []string{ada, eve} {
		dm := h.slack.DM(user)
		h.slack.WaitMessage(dm, func(m slacktest.Message) bool { return containsAll(m.All(), "Core switches", "Code: ") })
	}
	q := h.slack.WaitMessage(h.slack.DM(ada), func(m slacktest.Message) bool { return len(m.Buttons()) == 2 })
	mustAck(t, h.slack.Click(ada, q, "approve_change"))
	h.slack.Wait("a refusal", func() bool {
		for _, m := range h.slack.Messages(h.slack.DM(ada)) {
			if containsAll(m.All(), "may not confirm their own changes") {
				return true
			}
		}
		return false
	})
	h.wantWrites(t, 0)
	mustAck(t, h.slack.OpenHome(eve))
	h.slack.WaitHome(eve, func(v slacktest.View) bool { return containsAll(v.All(), "Core switches", "Review") })
	mustAck(t, h.slack.OpenHome(mallory))
	h.slack.WaitHome(mallory, func(v slacktest.View) bool { return containsAll(v.All(), "Nothing waits for your decision") })
}

func TestTheHomeShowsWhatAYesWouldCountFor(t *testing.T) {
	h := newStack(t, options{policy: func(p *confirm.Policy) { p.Required = map[string]int{"add_scan": 2} }})
	q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
	mustAck(t, h.slack.Click(ada, q, "approve_change"))
	h.waitUpdate(t, q, "1 of 2")
	for user, words := range map[string]string{ada: "Nothing waits for your decision", eve: "Core switches", bob: "Core switches", mallory: "Nothing waits for your decision"} {
		mustAck(t, h.slack.OpenHome(user))
		h.slack.WaitHome(user, func(v slacktest.View) bool { return containsAll(v.All(), words) })
	}
}

func TestTheReminderMentionsJoinedPeopleOnce(t *testing.T) {
	h := newStack(t, withLinking(options{policy: func(p *confirm.Policy) {
		p.Approvers = []string{string(entraAda), string(entraEve)}
		p.Required = map[string]int{"add_scan": 2}
	}}))
	for user, principal := range map[string]confirm.Principal{ada: entraAda, eve: entraEve} {
		mustAck(t, h.slack.Command(user, channel, "/scans", "link "+h.proof(t, principal, user)))
		h.waitReply(t, user, "Joined: ")
	}
	q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
	mustAck(t, h.slack.Click(ada, q, "approve_change"))
	h.waitUpdate(t, q, "1 of 2")
	h.advance(8 * time.Minute)
	reminder := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return m.ThreadTS == q.TS && containsAll(m.All(), "still waits") })
	if !strings.Contains(string(reminder.Blocks), eve) || strings.Contains(string(reminder.Blocks), ada) {
		t.Errorf("the reminder mentions %s", reminder.Blocks)
	}
}
