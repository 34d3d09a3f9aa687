package slackbot_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
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
