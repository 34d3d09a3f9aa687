package confirm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
)

const slackGroup = "slack-group:S0APPROVERS"

// inGroup returns the approval of a user whose group the interface has verified.
func inGroup(who confirm.Principal) confirm.Vote {
	v := approval(who)
	v.Groups = []string{"slack-group:S0OTHER", slackGroup}
	return v
}

// A recorded approval counts only while its approver may still approve: at every later vote, and at the claim.
func TestARemovedApproversApprovalNoLongerCounts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first  confirm.Vote
		remove func(t *testing.T, s *stack)
	}{
		"principal removed": {approval(bob), func(t *testing.T, s *stack) {
			s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Approvers = []string{string(cleo), "token:dora", slackGroup} })
		}},
		"group removed": {inGroup("token:eve"), func(t *testing.T, s *stack) {
			s.Gate = s.withPolicy(func(p *confirm.Policy) { p.Approvers = []string{string(bob), string(cleo), "token:dora"} })
		}},
		"the requester by a link": {approval(slackBob), func(t *testing.T, s *stack) { s.link(t, linkBob()) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{
				Approvers: []string{string(bob), string(cleo), "token:dora", string(slackBob), slackGroup},
				Required:  map[string]int{"delete_scans": 2},
			})
			c := s.propose(t, entraBobAsking())
			if _, err := s.Decide(t.Context(), c.ID, tt.first); err != nil {
				t.Fatal(err)
			}
			tt.remove(t, s)
			got, err := s.Decide(t.Context(), c.ID, approval(cleo))
			if err != nil || got.State != confirm.Pending || !strings.Contains(got.Outcome.Reason, string(tt.first.Principal)) {
				t.Fatalf("after the second approval it is %s (%v): %q", got.State, err, got.Outcome.Reason)
			}
			if _, err := s.Decide(t.Context(), c.ID, approval("token:dora")); err != nil {
				t.Fatal(err)
			}
			s.waitFor(t, c.ID, confirm.Applied, 1)
		})
	}
}

func TestARemovedApproversApprovalIsNotClaimed(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(*confirm.Policy){
		"removed":  func(p *confirm.Policy) { p.Approvers = []string{string(cleo)} },
		"no lists": func(p *confirm.Policy) { p.Approvers = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
			c := s.insertAfter(t, approvedMove(bob)) // and then the process ended
			s.Gate = s.withPolicy(alter)
			s.advance(10 * time.Second)
			s.startRecovery(t)
			got := s.waitFor(t, c.ID, confirm.Failed, 0)
			if !strings.Contains(got.Outcome.Reason, "the approval of token:bob no longer counts") {
				t.Errorf("the reason is %q", got.Outcome.Reason)
			}
		})
	}
}

// The groups that made an approval count are recorded with it, and no others.
func TestADecisionRecordsItsGroups(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{slackGroup}})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, inGroup("token:eve")); err != nil {
		t.Fatal(err)
	}
	got := s.waitFor(t, c.ID, confirm.Applied, 1)
	if groups := got.Decisions[0].Groups; len(groups) != 1 || groups[0] != slackGroup {
		t.Errorf("it records the groups %v", groups)
	}
}

// standing is a Config.Standing whose answer a test sets.
type standing struct {
	mu     sync.Mutex
	answer error
	asked  []confirm.Decision
}

func (s *standing) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = err
}

func (s *standing) check(_ context.Context, d confirm.Decision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, d)
	return s.answer
}

func withStanding(s *stack, check func(context.Context, confirm.Decision) error) {
	s.cfg.Standing = check
	s.Gate = confirm.New(s.cfg)
}

func TestTheSourceOfAnApproversRightsIsAskedAtTheClaim(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{slackGroup}})
	source := &standing{answer: errors.New("they have left the group")}
	withStanding(s, source.check)
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, inGroup("token:eve")); err != nil {
		t.Fatal(err)
	}
	got := s.waitFor(t, c.ID, confirm.Failed, 0)
	if !strings.Contains(got.Outcome.Reason, "they have left the group") || len(source.asked) != 1 || source.asked[0].Groups[0] != slackGroup {
		t.Errorf("the reason is %q after %+v", got.Outcome.Reason, source.asked)
	}
}

// Where the source cannot be asked, the change waits and is not dropped.
func TestAnApprovalWhoseSourceCannotBeAskedWaits(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{slackGroup}})
	source := &standing{answer: fmt.Errorf("slack: %w", confirm.ErrUnavailable)}
	withStanding(s, source.check)
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, inGroup("token:eve")); err != nil {
		t.Fatal(err)
	}
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantState(t, c, confirm.Approved)
	source.set(nil)
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Applied, 1)
}
