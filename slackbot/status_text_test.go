package slackbot_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf16"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// A requester who asks again for what is confirmed already is told so, and not that it waits for approvers.
func TestAProposalThatJoinsAConfirmedChangeSaysSo(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		p.gate = func(cfg *confirm.Config) {
			cfg.CanExecute = func(_ context.Context, c confirm.Change) error {
				if c.State == confirm.Approved {
					return errors.New("another server has the credential")
				}
				return nil
			}
		}
		s := newStack(t, p)
		scan := s.newScan("Core switches")
		q := s.propose(t, bob, "/add_scan", scan)
		c := s.change(t, q)
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "confirmed", "Approved by", ada)
		mustAck(t, s.slack.Command(bob, channel, "/add_scan", scan))
		got := s.waitReply(t, bob, "asked for before", "change "+c.Code+" is confirmed")
		if containsAny(got.All(), "waits for the yes", "Asked: ") {
			t.Errorf("the reply is %q", got.All())
		}
		if n := len(s.confirmations()); n != 1 {
			t.Errorf("there are %d confirmation messages", n)
		}
	})
}

// A status that is longer than a text object is cut between two tokens, wherever it is shown.
func TestALongStatusIsCutBetweenTokens(t *testing.T) {
	t.Parallel()
	list, known := addressList(1500)
	s := newStack(t, options{gate: func(cfg *confirm.Config) {
		cfg.Execute = func(context.Context, confirm.Change, confirm.BeforeSend) confirm.Outcome {
			return confirm.Outcome{State: confirm.Failed, Reason: "Defender refused " + list}
		}
	}})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	outcome := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return m.ThreadTS == q.TS && containsAll(m.All(), "failed") })
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	late := s.waitReply(t, ada, "Already decided: ")
	for where, m := range map[string]slacktest.Message{"outcome": outcome, "late click": late} {
		wantWholeAddresses(t, where, m.Blocks, known)
		wantShortTexts(t, where, m.Blocks)
	}
}

// wantShortTexts fails if a text in blocks is longer than a text object may be.
func wantShortTexts(t *testing.T, where string, blocks json.RawMessage) {
	t.Helper()
	var content []any
	if err := json.Unmarshal(blocks, &content); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	visitObjects(content, func(o map[string]any) {
		if text, _ := o["text"].(string); len(utf16.Encode([]rune(text))) > 3000 {
			t.Errorf("%s: a text has %d characters", where, len(text))
		}
	})
}

// A note of progress that arrives with the outcome must not take its place: no later round would correct the message.
func TestANoteOfProgressDoesNotOutliveTheExecution(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	s.bot.SetPostedWait(time.Millisecond)
	scan := s.addScan("Core switches")
	mustAck(t, s.slack.Command(bob, channel, "/update_scan", scan+" intervalInHours=24"))
	s.waitReply(t, bob, "Code: ")
	if err := s.bot.NotifyOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	q := s.confirmations()[0]
	s.Tenant.Edit(scan, map[string]any{"intervalInHours": 8})
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.bot.WaitIdle()
	if err := s.Gate.Drain(t.Context()); err != nil { // the execution, with notes of its progress, has ended
		t.Fatal(err)
	}
	if c := s.change(t, q); c.State != confirm.Stale {
		t.Fatalf("the change is %s", c.State)
	}
	if err := s.bot.NotifyOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if shown := s.waitUpdate(t, q, "Not sent").All(); !containsAll(shown, "When Defender was read again, it was not as shown here.") {
		t.Errorf("the message is %s", shown)
	}
}
