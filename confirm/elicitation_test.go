package confirm_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// acceptWith returns the answer of a person who took a minute.
func acceptWith(c confirm.Change, code string) confirm.Answer {
	return confirm.Answer{Principal: c.Requester, Round: c.Round, Action: confirm.Accept, Code: code, Took: time.Minute}
}

func TestTheRightCodeConfirms(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	if _, err := s.Answer(t.Context(), c.ID, acceptWith(c, " "+strings.ToLower(c.Code)+" ")); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
	if got, err := s.Answer(t.Context(), c.ID, acceptWith(c, c.Code)); !errors.Is(err, confirm.ErrMoved) || got.State != confirm.Applied {
		t.Errorf("the same answer again gave %s, %v", got.State, err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestTheThirdAcceptWithoutTheCodeIsADenial(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	for round, code := range []string{"", "ZZZZZ", c.Code + "A"} {
		if c.State != confirm.Pending || c.Round != round {
			t.Fatalf("before answer %d the change is %s in round %d", round, c.State, c.Round)
		}
		next, err := s.Answer(t.Context(), c.ID, acceptWith(c, code))
		if err != nil {
			t.Fatal(err)
		}
		c = next
	}
	s.waitFor(t, c.ID, confirm.Denied, 0)
}

// countingReads is the real ledger. It counts how often a change is read.
type countingReads struct {
	confirm.Store
	reads atomic.Int64
}

func (c *countingReads) Change(ctx context.Context, id string) (confirm.Change, error) {
	c.reads.Add(1)
	return c.Store.Change(ctx, id)
}

// The code, the round and the decisions are checked on the very version of the change that is moved.
func TestAnswerReadsTheChangeOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	ledger := &countingReads{Store: s.store}
	cfg := s.cfg
	cfg.Store = ledger
	gate := confirm.New(cfg)
	for i, code := range []string{"WRONG", c.Code} {
		next, err := gate.Answer(t.Context(), c.ID, acceptWith(c, code))
		if err != nil || ledger.reads.Load() != int64(i+1) {
			t.Fatalf("after answer %d the change was read %d times (%v)", i+1, ledger.reads.Load(), err)
		}
		c = next
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestAPromptIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	first := s.propose(t, onOwnStdio(local))
	if _, err := s.Answer(t.Context(), first.ID, acceptWith(first, "WRONG")); err != nil {
		t.Fatal(err)
	}
	// The code is right, but this prompt was answered before.
	got, err := s.Answer(t.Context(), first.ID, acceptWith(first, first.Code))
	if !errors.Is(err, confirm.ErrMoved) || got.State != confirm.Pending {
		t.Errorf("an old answer gave %s, %v; want a pending change and ErrMoved", got.State, err)
	}
	if s.runs.Load() != 0 {
		t.Error("it was executed")
	}
}

// Only a person's no is a denial. What no person answered ends withdrawn, without a decision, and the reason names the
// likely cause.
func TestOnlyAPersonsNoIsADenial(t *testing.T) {
	t.Parallel()
	const instant, slow = 8 * time.Millisecond, 12 * time.Second
	for _, tt := range []struct {
		action confirm.Action
		code   string
		took   time.Duration
		state  confirm.State
		reason string
	}{
		{confirm.Decline, "", slow, confirm.Denied, ""},
		{confirm.Decline, "", 500 * time.Millisecond, confirm.Denied, ""},
		{confirm.Decline, "", 499 * time.Millisecond, confirm.Withdrawn, "closed the prompt by itself after 499 ms; it may run without a person (codex exec, claude -p"},
		{confirm.Decline, "", 0, confirm.Withdrawn, "by itself after 0 ms"},
		{confirm.Decline, "", -time.Hour, confirm.Withdrawn, "by itself after 0 ms"}, // the clocks of replicas differ
		{confirm.Cancel, "", instant, confirm.Withdrawn, "closed the prompt by itself after 8 ms; it may run"},
		{confirm.Cancel, "", slow, confirm.Withdrawn, "closed without an answer after 12 s"},
		{confirm.PromptFailed, "", instant, confirm.Withdrawn, "answered with an error after 8 ms; it may run"},
		{confirm.PromptFailed, "", slow, confirm.Withdrawn, "answered with an error after 12 s; it may run"},
		{"reject", "the code", slow, confirm.Withdrawn, "closed without an answer"},
		{"", "the code", instant, confirm.Withdrawn, "by itself"},
		{confirm.Accept, "", instant, confirm.Withdrawn, "accepted by itself, without the code, after 8 ms; it may run"},
		{confirm.Accept, "WRONG", instant, confirm.Withdrawn, "set SCANWARDEN_CONFIRM_WITH"},
		{confirm.Accept, "WRONG", slow, confirm.Pending, ""},
		{confirm.Accept, "the code", instant, confirm.Applied, ""},
	} {
		s := newStack(t, confirm.Policy{})
		c := s.propose(t, onOwnStdio(local))
		a := acceptWith(c, strings.ReplaceAll(tt.code, "the code", c.Code))
		a.Action, a.Took = tt.action, tt.took
		got, err := s.Answer(t.Context(), c.ID, a)
		if err == nil && got.State == confirm.Approved {
			got, err = s.Wait(t.Context(), c.ID)
		}
		if err != nil || got.State != tt.state || !strings.Contains(got.Outcome.Reason, tt.reason) {
			t.Errorf("%q %q after %s: %s, %q, %v", tt.action, tt.code, tt.took, got.State, got.Outcome.Reason, err)
		}
		if decided := len(got.Decisions) > 0; decided != (tt.state == confirm.Denied || tt.state == confirm.Applied) {
			t.Errorf("%q after %s: decisions %+v", tt.action, tt.took, got.Decisions)
		}
	}
}

// The log says of a code that came at once that no person can have read the prompt. It counts: a hook that types the
// code could as well wait.
func TestACodeThatCameAtOnceIsNotedInTheLog(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	a := acceptWith(c, c.Code)
	a.Took = 8 * time.Millisecond
	if _, err := s.Answer(t.Context(), c.ID, a); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
	var log strings.Builder
	if err := s.store.Export(t.Context(), &log, store.ExportOptions{}); err != nil || !strings.Contains(log.String(), "the code came 8 ms after the prompt") {
		t.Errorf("%v, %s", err, log.String())
	}
}

// An answer that no person gave ends the prompt, and no other channel.
func TestAnAnswerWithoutAPersonLeavesOtherChannelsOpen(t *testing.T) {
	t.Parallel()
	for _, action := range []confirm.Action{confirm.Decline, confirm.Cancel, confirm.PromptFailed, confirm.Accept} {
		s := newStack(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, SelfApproval: true})
		c := s.propose(t, confirm.Requester{Principal: ada, Channels: []confirm.Channel{confirm.Client, confirm.Slack}})
		a := acceptWith(c, "")
		a.Action, a.Took = action, time.Millisecond
		if got, err := s.Answer(t.Context(), c.ID, a); err != nil || got.State != confirm.Pending || got.Round != 1 || len(got.Decisions) > 0 {
			t.Fatalf("%s gave %s, %v", action, got.State, err)
		}
		if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
			t.Fatal(err)
		}
		s.waitFor(t, c.ID, confirm.Applied, 1)
	}
}

func TestAClosedPromptLeavesOtherChannelsOpen(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(ada), string(bob)}, SelfApproval: true})
	c := s.propose(t, confirm.Requester{Principal: ada, Channels: []confirm.Channel{confirm.Client, confirm.Slack}})
	a := acceptWith(c, "")
	a.Action = confirm.Cancel
	if got, err := s.Answer(t.Context(), c.ID, a); err != nil || got.State != confirm.Pending {
		t.Fatalf("closing the prompt gave %s, %v", got.State, err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestOnlyTheRequestersOwnAnswerCounts(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, onOwnStdio(local))
	a := acceptWith(c, c.Code)
	a.Principal = bob
	if _, err := s.Answer(t.Context(), c.ID, a); !errors.Is(err, confirm.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if got, _ := s.Change(t.Context(), c.ID); got.State != confirm.Pending {
		t.Errorf("the change is %s", got.State)
	}
}

func TestProposeChecksThatApproversCanBeReached(t *testing.T) {
	t.Parallel()
	remote := onOwnStdio(ada)
	remote.Local = false
	cannotAsk := onOwnStdio(local)
	cannotAsk.Channels = nil
	for _, tt := range []struct {
		name    string
		policy  confirm.Policy
		by      confirm.Requester
		refusal string
	}{
		{"the local user on their own stdio", confirm.Policy{}, onOwnStdio(local), ""},
		{"a client that cannot ask", confirm.Policy{}, cannotAsk, "no person can be asked"},
		{"a remote caller with no approvers", confirm.Policy{}, remote, "list approvers"},
		{"a remote caller who may approve", confirm.Policy{Approvers: []string{string(ada)}, SelfApproval: true}, remote, ""},
		{"a remote caller without self approval", confirm.Policy{Approvers: []string{string(ada)}}, remote, "their own changes"},
		{"the local user where approvers are listed", confirm.Policy{Approvers: []string{string(bob)}}, onOwnStdio(local), "not among the approvers"},
		{"two needed and one askable", confirm.Policy{Required: map[string]int{"delete_scans": 2}}, onOwnStdio(local), "needs 2 people"},
		{"two needed and two listed, one of them asking", confirm.Policy{Approvers: []string{string(ada), string(bob)},
			Required: map[string]int{"delete_scans": 2}}, onSlack(ada), "only 1 of the listed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, tt.policy)
			_, err := s.Propose(t.Context(), deleteTwo(), tt.by)
			if tt.refusal == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tt.refusal != "" && (!errors.Is(err, confirm.ErrRefused) || !strings.Contains(err.Error(), tt.refusal)) {
				t.Errorf("got %v, want a refusal that contains %q", err, tt.refusal)
			}
		})
	}
}
