package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

func TestLinkedAccountsAreOnePerson(t *testing.T) {
	t.Parallel()
	s := newStack(t, withLinking(options{
		noChannel: true,
		policy: func(p *confirm.Policy) {
			p.Approvers = []string{string(entraAda), string(entraEve)}
			p.People = []confirm.Person{{Name: "Eve", Principals: []confirm.Principal{slackOf(eve), entraEve}}}
		},
	}))
	mustAck(t, s.slack.Command(ada, channel, "/scans", "link "+s.proof(t, entraAda, "Ada")))
	s.waitReply(t, ada, "Joined: ")
	mustAck(t, s.slack.Command(ada, channel, "/add_scan", s.newScan("Core switches")))
	// Both approvers get a direct message, whether they are linked by configuration or by a proof.
	for _, user := range []string{ada, eve} {
		dm := s.slack.DM(user)
		s.slack.WaitMessage(dm, func(m slacktest.Message) bool { return containsAll(m.All(), "Core switches", "Code: ") })
	}
	q := s.slack.WaitMessage(s.slack.DM(ada), func(m slacktest.Message) bool { return len(m.Buttons()) == 2 })
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.slack.Wait("a refusal", func() bool {
		for _, m := range s.slack.Messages(s.slack.DM(ada)) {
			if containsAll(m.All(), "may not confirm their own changes") {
				return true
			}
		}
		return false
	})
	s.wantWrites(t, 0)
	mustAck(t, s.slack.OpenHome(eve))
	s.slack.WaitHome(eve, func(v slacktest.View) bool { return containsAll(v.All(), "Core switches", "Full plan") })
	mustAck(t, s.slack.OpenHome(mallory))
	s.slack.WaitHome(mallory, func(v slacktest.View) bool { return containsAll(v.All(), "Nothing waits for your decision") })
}

func TestTheHomeShowsChangesThatTheUserCanApprove(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Required = map[string]int{"add_scan": 2} }})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "1 of 2")
	for user, words := range map[string]string{ada: "Nothing waits for your decision", eve: "Core switches", bob: "Core switches", mallory: "Nothing waits for your decision"} {
		mustAck(t, s.slack.OpenHome(user))
		s.slack.WaitHome(user, func(v slacktest.View) bool { return containsAll(v.All(), words) })
	}
}

func TestTheReminderMentionsLinkedPeopleOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, withLinking(options{policy: func(p *confirm.Policy) {
		p.Approvers = []string{string(entraAda), string(entraEve)}
		p.Required = map[string]int{"add_scan": 2}
	}}))
	for user, principal := range map[string]confirm.Principal{ada: entraAda, eve: entraEve} {
		mustAck(t, s.slack.Command(user, channel, "/scans", "link "+s.proof(t, principal, user)))
		s.waitReply(t, user, "Joined: ")
	}
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "1 of 2")
	s.Advance(8 * time.Minute)
	reminder := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return m.ThreadTS == q.TS && containsAll(m.All(), "still waits") })
	if !strings.Contains(string(reminder.Blocks), eve) || strings.Contains(string(reminder.Blocks), ada) {
		t.Errorf("the reminder mentions %s", reminder.Blocks)
	}
}
