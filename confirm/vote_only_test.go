package confirm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
)

// inTerminal returns the local user on their own stdio server, who is asked in a terminal.
func inTerminal() confirm.Requester {
	return confirm.Requester{Principal: local, Source: confirm.SourceStdio, Local: true, Channels: []confirm.Channel{confirm.Terminal}}
}

// newVoteOnlyGate returns a gate on the ledger of s that only takes votes. It counts as a bug if it executes something.
func newVoteOnlyGate(t *testing.T, s *stack, alter ...func(*confirm.Config)) *confirm.Gate {
	t.Helper()
	cfg := s.cfg
	cfg.VoteOnly, cfg.Target = true, ""
	cfg.Execute = func(context.Context, confirm.Change, confirm.BeforeSend) confirm.Outcome {
		t.Error("a process that only takes votes has executed a change")
		return confirm.Outcome{State: confirm.Failed}
	}
	for _, a := range alter {
		a(&cfg)
	}
	return confirm.New(cfg)
}

// terminalVote returns what the local user decides in a terminal.
func terminalVote(approve bool) confirm.Vote {
	return confirm.Vote{Principal: local, Channel: confirm.Terminal, Approve: approve}
}

// A process that only takes votes records them, and neither proposes, executes nor recovers.
func TestAVoteOnlyGateTakesVotesAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	c := s.propose(t, inTerminal())
	gate := newVoteOnlyGate(t, s)
	wantRefusal(t, gate.CanPropose(t.Context(), "delete_scans", inTerminal()), "takes decisions only")
	_, err := gate.Propose(t.Context(), deleteTwo(), inTerminal())
	wantRefusal(t, err, "takes decisions only")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := gate.Run(ctx); err == nil {
		t.Error("it recovers")
	}
	if err := gate.CanDecide(t.Context(), c, terminalVote(true)); err != nil {
		t.Error(err)
	}
	after, err := gate.Decide(t.Context(), c.ID, terminalVote(true))
	if err != nil || after.State != confirm.Approved {
		t.Fatalf("%s, %v", after.State, err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := s.Change(t.Context(), c.ID); err != nil || now.State != confirm.Approved || s.runs.Load() != 0 {
		t.Errorf("the change is %s after %d runs, %v", now.State, s.runs.Load(), err)
	}
}

// A vote in a terminal counts only where the change was put to people in a terminal, only for the requester without listed
// approvers, and only under the key of the server.
func TestAVoteInATerminalIsChecked(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{})
	byClient := inTerminal()
	byClient.Channels = []confirm.Channel{confirm.Client}
	gate := newVoteOnlyGate(t, s)
	onClient := s.propose(t, byClient)
	_, err := gate.Decide(t.Context(), onClient.ID, terminalVote(true))
	wantRefusal(t, err, `not put to people on the channel "terminal"`)

	c := s.proposePlan(t, deleteMany(3), inTerminal())
	other := terminalVote(true)
	other.Principal = "local:grace"
	_, err = gate.Decide(t.Context(), c.ID, other)
	wantRefusal(t, err, "list approvers")
	other.Approve = false
	_, err = gate.Decide(t.Context(), c.ID, other)
	wantRefusal(t, err, "neither an approver nor the requester")

	wrongKey := newVoteOnlyGate(t, s, func(cfg *confirm.Config) { cfg.Key = make([]byte, 32) })
	_, err = wrongKey.Decide(t.Context(), c.ID, terminalVote(true))
	wantRefusal(t, err, "another server key")
	if !errors.Is(err, confirm.ErrTampered) {
		t.Error(err)
	}
	elsewhere := newVoteOnlyGate(t, s, func(cfg *confirm.Config) { cfg.Target = "another tenant" })
	_, err = elsewhere.Decide(t.Context(), c.ID, terminalVote(true))
	wantRefusal(t, err, "was planned for")
	if after, err := gate.Decide(t.Context(), c.ID, terminalVote(false)); err != nil || after.State != confirm.Denied {
		t.Errorf("%s, %v", after.State, err)
	}
}

// The process that asked starts a change within two seconds of its approval in a terminal, which executes nothing itself.
// Another process waits until it can be assumed dead.
func TestTheProcessThatAskedStartsWhatATerminalApproved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{})
		s.cfg.Now = nil // the clock of the bubble
		asked, other := confirm.New(s.cfg), confirm.New(s.cfg)
		for _, gate := range []*confirm.Gate{asked, other} {
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- gate.Run(ctx) }()
			defer func() { stop(); <-done }()
		}
		c, err := asked.Propose(t.Context(), deleteTwo(), inTerminal())
		if err != nil {
			t.Fatal(err)
		}
		gate := newVoteOnlyGate(t, s)
		if _, err := gate.Decide(t.Context(), c.ID, terminalVote(true)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if now, err := gate.Wait(ctx, c.ID); err != nil || now.State != confirm.Applied || s.runs.Load() != 1 {
			t.Errorf("after 3 s it is %s after %d runs, %v", now.State, s.runs.Load(), err)
		}
	})
}
