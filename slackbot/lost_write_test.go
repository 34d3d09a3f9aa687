package slackbot_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// lossyStore is the real store. Each write that lost selects is carried out, and then its answer is lost, as when the
// connection to the database breaks during COMMIT.
type lossyStore struct {
	confirm.Store
	lost     atomic.Pointer[func(to confirm.State) bool] // nil loses none
	unread   atomic.Bool                                 // changes cannot be read either
	rollBack atomic.Bool                                 // the write that is lost is not carried out
}

var errConnection = fmt.Errorf("%w: unexpected EOF during COMMIT", confirm.ErrUnknownCommit)

// lose makes the store lose the answers to all writes that lead to this state.
func (s *lossyStore) lose(state confirm.State) {
	lost := func(to confirm.State) bool { return to == state }
	s.lost.Store(&lost)
}

func (s *lossyStore) loses(to confirm.State) bool {
	lost := s.lost.Load()
	return lost != nil && (*lost)(to)
}

func (s *lossyStore) Insert(ctx context.Context, c confirm.Change) error {
	if !s.loses(c.State) {
		return s.Store.Insert(ctx, c)
	}
	if !s.rollBack.Load() {
		if err := s.Store.Insert(ctx, c); err != nil {
			return err
		}
	}
	return errConnection
}

func (s *lossyStore) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	if !s.loses(m.To) {
		return s.Store.Move(ctx, c, m)
	}
	if !s.rollBack.Load() {
		if after, err := s.Store.Move(ctx, c, m); err != nil {
			return after, err
		}
	}
	return confirm.Change{}, errConnection
}

func (s *lossyStore) Link(ctx context.Context, l confirm.Link) error {
	if s.lost.Load() == nil {
		return s.Store.Link(ctx, l)
	}
	if err := s.Store.Link(ctx, l); err != nil {
		return err
	}
	return errConnection
}

func (s *lossyStore) Change(ctx context.Context, id string) (confirm.Change, error) {
	if s.unread.Load() {
		return confirm.Change{}, errConnection
	}
	return s.Store.Change(ctx, id)
}

// newLossyStack returns a stack whose Gate has a lossyStore.
func newLossyStack(t *testing.T, opts options) (*stack, *lossyStore) {
	t.Helper()
	lossy := &lossyStore{}
	opts.gate = func(cfg *confirm.Config) {
		lossy.Store = cfg.Store
		cfg.Store = lossy
	}
	return newStack(t, opts), lossy
}

// wantNoDenialOfWrites fails if a user has read that nothing was recorded.
func (s *stack) wantNoDenialOfWrites(t *testing.T) {
	t.Helper()
	for _, m := range s.slack.Messages(channel) {
		if m.Ephemeral && containsAny(m.All(), "recorded nothing", "Nothing was", "nothing was", "Not done", "Not joined") {
			t.Errorf("a user reads %q although something was recorded", m.All())
		}
	}
}

// wantNoReply fails if a user has read anything in the channel that only they see.
func (s *stack) wantNoReply(t *testing.T, user string) {
	t.Helper()
	for _, m := range s.slack.Messages(channel) {
		if m.Ephemeral && m.To == user {
			t.Errorf("%s reads %q", user, m.All())
		}
	}
}

func containsAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

func TestALostAnswerToAnApprovalIsReadAgain(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s, lossy := newLossyStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		lossy.lose(confirm.Approved)
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "confirmed, being sent", "Approved by", ada)
		s.bot.WaitIdle()
		s.wantNoReply(t, ada)
	})
}

func TestALostAnswerToOneOfTwoApprovalsIsReadAgain(t *testing.T) {
	t.Parallel()
	s, lossy := newLossyStack(t, options{policy: func(p *confirm.Policy) { p.Required = map[string]int{"add_scan": 2} }})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	lossy.lose(confirm.Pending)
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "1 of 2 approvals", ada)
	s.bot.WaitIdle()
	s.wantNoReply(t, ada)
}

func TestAnApprovalThatMayStillBeRecordedIsNotCalledUndone(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*lossyStore){
		"the change cannot be read":          func(l *lossyStore) { l.unread.Store(true) },
		"the change does not show it so far": func(l *lossyStore) { l.rollBack.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			s, lossy := newLossyStack(t, options{})
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			c := s.change(t, q)
			lost := func(to confirm.State) bool {
				if to == confirm.Approved {
					set(lossy) // only after the change was read for the vote
				}
				return to == confirm.Approved
			}
			lossy.lost.Store(&lost)
			mustAck(t, s.slack.Click(ada, q, "approve_change"))
			s.waitReply(t, ada, "Whether your decision was recorded is not known yet", "decide again")
			s.wantNoDenialOfWrites(t)
			lossy.unread.Store(false)
			lossy.rollBack.Store(false)
			lossy.lost.Store(nil)
			if after, err := s.Gate.Change(t.Context(), c.ID); err != nil || after.State == confirm.Pending {
				mustAck(t, s.slack.Click(ada, q, "approve_change")) // as the reply advises
				s.waitUpdate(t, q, "applied")
				s.wantWrites(t, 1)
			}
		})
	}
}

func TestALostAnswerToADenialOrAWithdrawalIsReadAgain(t *testing.T) {
	t.Parallel()
	s, lossy := newLossyStack(t, options{})
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	lossy.lose(confirm.Denied)
	mustAck(t, s.slack.Click(eve, q, "deny_change"))
	modal := s.slack.WaitView(eve, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
	if a := mustAck(t, s.slack.Submit(eve, modal, map[string]any{"reason": "not this week"})); strings.Contains(string(a.Body), "Not done") {
		t.Errorf("the denial is called undone: %s", a.Body)
	}
	s.waitUpdate(t, q, "denied", "not this week")

	q = s.propose(t, bob, "/add_scan", s.newScan("Printers"))
	mustAck(t, s.slack.Command(bob, channel, "/scans", "changes"))
	mine := s.waitReply(t, bob, "waiting for confirmation")
	lossy.lose(confirm.Withdrawn)
	mustAck(t, s.slack.Click(bob, mine, "withdraw_change"))
	s.waitReply(t, bob, "is withdrawn, and nothing was sent. Withdrawn by the requester.")
	s.waitUpdate(t, q, "withdrawn")
}

func TestALostAnswerToAProposalIsReadAgain(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s, lossy := newLossyStack(t, p)
		lossy.lose(confirm.Pending)
		mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
		s.waitReply(t, bob, "Asked: ", "Code: ")
		s.bot.WaitIdle()
		s.wantNoDenialOfWrites(t)
		s.wantOpen(t, bob, 1)
	})
}

func TestAProposalThatMayStillBeRecordedIsNotCalledUndone(t *testing.T) {
	t.Parallel()
	s, lossy := newLossyStack(t, options{})
	s.propose(t, bob, "/add_scan", s.newScan("Printers")) // another change is not taken for the lost one
	lossy.rollBack.Store(true)
	lossy.lose(confirm.Pending)
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.waitReply(t, bob, "Whether the change was recorded is not known yet", "/scans changes")
	s.wantNoDenialOfWrites(t)
}

func TestALostAnswerToALinkIsReadAgain(t *testing.T) {
	t.Parallel()
	s, lossy := newLossyStack(t, withLinking(options{}))
	lossy.lose("")
	mustAck(t, s.slack.Command(ada, channel, "/scans", "link "+s.proof(t, entraAda, "Ada")))
	s.waitReply(t, ada, "Joined: ")
	s.wantNoDenialOfWrites(t)
	s.wantLinked(t, slackOf(ada), entraAda)
}
