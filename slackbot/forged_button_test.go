package slackbot_test

import (
	"net/url"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// forged sends a click again with the ID of another change in place of its own.
func (s *stack) forged(t *testing.T, first *slacktest.Ack, old, id string) {
	t.Helper()
	body := strings.NewReplacer(url.QueryEscape(old), url.QueryEscape(id), url.QueryEscape(first.TriggerID), "9.9.9").Replace(first.Sent.Body)
	if !strings.Contains(body, id) {
		t.Fatalf("the click does not contain %s: %s", old, first.Sent.Body)
	}
	mustAck(t, s.slack.SendRaw(slacktest.RawRequest{URL: first.Sent.URL, Body: body}))
}

// A forged button must not reach a change that was never put to anyone in Slack, although it is the requester's own.
func TestAForgedButtonReachesNoChangeOutsideSlack(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) {
		p.SelfApproval = true
		p.Approvers = append(p.Approvers, string(slackOf(bob)))
	}})
	hidden := s.proposeOutsideSlack(t, slackOf(bob))
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	c := s.change(t, q)
	mustAck(t, s.slack.Command(bob, channel, "/scans", "changes"))
	mine := s.waitReply(t, bob, "waiting for confirmation")
	withdrawn := mustAck(t, s.slack.Click(bob, mine, "withdraw_change"))
	s.waitUpdate(t, q, "withdrawn")
	s.forged(t, withdrawn, c.ID, hidden.ID)

	q = s.propose(t, bob, "/add_scan", s.newScan("Printers"))
	c = s.change(t, q)
	mustAck(t, s.slack.Click(bob, q, "deny_change"))
	modal := s.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
	denied := mustAck(t, s.slack.Submit(bob, modal, map[string]any{"reason": "no"}))
	s.waitUpdate(t, q, "denied")
	s.forged(t, denied, c.ID, hidden.ID)

	s.bot.WaitIdle()
	after, err := s.Gate.Change(t.Context(), hidden.ID)
	if err != nil || after.State != confirm.Pending {
		t.Errorf("the change outside Slack is %s, %v", after.State, err)
	}
}

// proposeOutsideSlack stores a change that only its requester's own client asks about.
func (s *stack) proposeOutsideSlack(t *testing.T, by confirm.Principal) confirm.Change {
	t.Helper()
	p := confirm.Proposal{
		Operation: "delete_scans", Target: "simulator", Summary: "Delete one",
		Request: confirm.Request{Method: "POST", Path: "/api/x", Body: []byte(`{}`)},
	}
	c, err := s.Gate.Propose(t.Context(), p, confirm.Requester{
		Principal: by, Source: confirm.SourceStdio, Local: true, Channels: []confirm.Channel{confirm.Client},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
