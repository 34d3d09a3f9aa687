package slackbot_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// insertMany stores n pending changes, the first at a time and each of the others a millisecond later. setMessage, which may
// be nil, gets the message in the channel of each change before it is stored.
func (s *stack) insertMany(t *testing.T, n int, first time.Time, setMessage func(*confirm.Message)) (all []confirm.Change) {
	t.Helper()
	var inserting sync.WaitGroup
	failed := make(chan error, n)
	slots := make(chan struct{}, 64)
	for i := range n {
		c := confirm.Change{
			Proposal: confirm.Proposal{
				Operation: "add_scan", Target: "simulator", Summary: fmt.Sprintf("Add number %d.", i),
				Request: confirm.Request{Method: "POST", Path: "/api/x", Body: []byte(`{}`)},
			},
			Requester: "token:claude", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}, Code: fmt.Sprintf("C%04d", i),
			Created: first.Add(time.Duration(i) * time.Millisecond), State: confirm.Pending, Needed: 1,
		}
		c.ID, c.Expires = ulid.MustNew(ulid.Timestamp(c.Created), ulid.DefaultEntropy()).String(), c.Created.Add(15*time.Minute)
		var err error
		if c.Digest, err = c.Proposal.Digest(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
		slots <- struct{}{}
		inserting.Go(func() {
			defer func() { <-slots }()
			failed <- s.insertOne(t.Context(), c, setMessage)
		})
	}
	inserting.Wait()
	for range n {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (s *stack) insertOne(ctx context.Context, c confirm.Change, setMessage func(*confirm.Message)) error {
	if err := s.Store.Insert(ctx, c); err != nil || setMessage == nil {
		return err
	}
	msg := confirm.Message{Change: c.ID, Channel: channel, Kind: "question", Version: c.Version}
	setMessage(&msg)
	return s.Store.SaveMessage(ctx, msg)
}

// posted marks a message as posted by an earlier process, and as reminded of.
func posted(msg *confirm.Message) { msg.Message, msg.Reminded = "1.000001", true }

// runRounds runs rounds of notifyLoop until done returns true, at most n of them.
func (s *stack) runRounds(t *testing.T, n int, done func() bool) {
	t.Helper()
	for range n {
		if err := s.bot.NotifyOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if done() {
			return
		}
	}
	t.Fatalf("not done after %d rounds", n)
}

const manyChanges = 1050

func TestTheOldestOfManyPendingChangesIsPostedAndRemindedOf(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	start := s.Now()
	oldest := s.insertMany(t, 1, start, nil)[0]
	s.insertMany(t, manyChanges, start.Add(time.Second), posted)
	s.Advance(10 * time.Second) // after ownerHeadStart
	s.runRounds(t, 1, func() bool { return len(s.confirmations()) == 1 })
	if q := s.confirmations()[0]; !containsAll(q.All(), oldest.Code) {
		t.Errorf("the message is about another change: %s", q.All())
	}
	s.Advance(8 * time.Minute)
	s.runRounds(t, 1, func() bool {
		for _, m := range s.slack.Messages(channel) {
			if m.ThreadTS != "" && containsAll(m.All(), oldest.Code, "still waits for a decision") {
				return true
			}
		}
		return false
	})
}

// Every change is posted, in rounds, oldest first; decided changes are updated in between.
func TestManyPendingChangesArePostedInRounds(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	all := s.insertMany(t, 120, s.Now(), nil)
	s.Advance(10 * time.Second)
	s.runRounds(t, 1, func() bool { return len(s.confirmations()) == 50 })
	if first := s.confirmations()[0]; !containsAll(first.All(), "Code: "+all[0].Code) {
		t.Errorf("the first message is not about the oldest change: %s", first.All())
	}
	mustAck(t, s.slack.Click(ada, s.confirmations()[0], "deny_change"))
	modal := s.slack.WaitView(ada, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
	mustAck(t, s.slack.Submit(ada, modal, map[string]any{"reason": "no"}))
	s.runRounds(t, 1, func() bool { return containsAll(s.slack.Messages(channel)[0].All(), "denied") })
	if n := len(s.confirmations()); n != 100 {
		t.Errorf("%d messages after two rounds, want 100", n)
	}
	s.runRounds(t, 1, func() bool { return len(s.confirmations()) == 120 })
}

// Messages that cannot be updated yet must not keep the others waiting.
func TestAMessageBehindManyOthersIsUpdated(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	s.insertMany(t, 150, s.Now(), func(msg *confirm.Message) { msg.Version = -1 }) // reserved by a process that then died
	s.bot.SetPostedWait(time.Millisecond)
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.waitReply(t, bob, "Asked: ") // the change is recorded
	s.runRounds(t, 1, func() bool { return len(s.confirmations()) == 1 })
	q := s.confirmations()[0]
	mustAck(t, s.slack.Command(bob, channel, "/scans", "changes"))
	mine := s.waitReply(t, bob, "Until ")
	mustAck(t, s.slack.Click(bob, mine, "withdraw_change"))
	s.waitReply(t, bob, "withdrawn")
	s.runRounds(t, 3, func() bool {
		for _, m := range s.slack.Messages(channel) {
			if m.TS == q.TS && containsAll(m.All(), "withdrawn") {
				return true
			}
		}
		return false
	})
}

func TestTheHomeTabListsTheOldestOfManyChanges(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	all := s.insertMany(t, 130, s.Now(), nil) // more than one query of changes returns
	mustAck(t, s.slack.OpenHome(ada))
	home := s.slack.WaitHome(ada, func(v slacktest.View) bool { return containsAll(v.All(), "Waiting for you") })
	if !containsAll(home.All(), "Code: "+all[0].Code, "Code: "+all[29].Code) {
		t.Errorf("the home tab does not list the changes that expire first:\n%s", home.All())
	}
}
