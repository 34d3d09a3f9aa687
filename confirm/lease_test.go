package confirm_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
)

// hangingRenewal is the real ledger over a connection that hangs: RenewLease never returns by itself.
type hangingRenewal struct{ confirm.Store }

func (hangingRenewal) RenewLease(ctx context.Context, _, _ string, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

// failsUnder checks that a change which bob confirms at a gate with cfg fails.
func (s *stack) failsUnder(t *testing.T, cfg confirm.Config) {
	t.Helper()
	gate := confirm.New(cfg)
	c := s.propose(t, onSlack(ada))
	if _, err := gate.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Failed, 0)
}

func TestAHangingLedgerLosesTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		cfg := s.cfg
		cfg.Store = hangingRenewal{s.store}
		cfg.Execute = func(ctx context.Context, _ confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
				t.Error("the execution outlives its lease")
			}
			if beforeSend(context.WithoutCancel(ctx), nil) == nil {
				t.Error("it may still send")
			}
			return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
		}
		s.failsUnder(t, cfg)
	})
}

func TestBeforeSendNoticesALostLease(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	cfg := s.cfg
	cfg.Execute = func(ctx context.Context, c confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
		if err := beforeSend(ctx, nil); err != nil {
			t.Errorf("beforeSend fails under a fresh lease: %v", err)
		}
		unknown := confirm.Outcome{State: confirm.Unknown} // another process takes the change over
		if _, err := s.store.Move(ctx, c, confirm.Move{To: confirm.Unknown, At: s.clock(), Outcome: &unknown}); err != nil {
			t.Error(err)
		}
		s.advance(4 * time.Second) // like a machine that slept, whose timers have not noticed
		if err := beforeSend(ctx, nil); err == nil {
			t.Error("it may still send")
		}
		return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
	}
	s.failsUnder(t, cfg)
}

func TestBeforeSendRefusesAnOldApproval(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	cfg := s.cfg
	cfg.Execute = func(ctx context.Context, _ confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
		s.advance(2 * time.Minute)
		if err := beforeSend(ctx, nil); err == nil {
			t.Error("it may still send")
		}
		return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
	}
	s.failsUnder(t, cfg)
}

func TestAForgedApprovalIsNotExecuted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.insertAfter(t, confirm.Move{To: confirm.Approved}) // as if the row had been written by hand
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Failed, 0)
}

func TestTooFewApprovalsAreNotExecuted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
	c := s.insertAfter(t, approvedMove(bob)) // one was enough at the time of the proposal
	cfg := s.cfg
	cfg.Policy.Required = map[string]int{"delete_scans": 2}
	s.Gate = confirm.New(cfg)
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Failed, 0)
}

func TestAPersonConfiguredAfterAVoteStillCountsOnce(t *testing.T) {
	t.Parallel()
	policy := confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}}
	s := newStack(t, policy)
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	cfg := s.cfg
	cfg.Policy.People = []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{"slack:T1/UB", bob}}}
	if _, err := confirm.New(cfg).Decide(t.Context(), c.ID, approval(bob)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("one person voted twice: %v", err)
	}
}

func TestAnApprovalOnAnotherChannelDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	vote := approval(bob)
	vote.Channel = confirm.Client
	if _, err := s.Decide(t.Context(), c.ID, vote); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestManyProposalsAtOnceDoNotPassTheLimit(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 5})
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { _, _ = s.Propose(t.Context(), replanned(), onSlack(ada)) })
	}
	all.Wait()
	if open, err := s.OpenChanges(t.Context(), ada); err != nil || len(open) > 5 {
		t.Errorf("%d changes are open (%v), and 5 may be", len(open), err)
	}
}

// A scan that another change has created, or may have created, does not prove that this one took effect.
func TestADuplicateIsNoProof(t *testing.T) {
	t.Parallel()
	made := confirm.Outcome{State: confirm.Applied, Reason: "it is there", CreatedIDs: []string{"a new id"}}
	for name, moves := range map[string][]confirm.Move{
		"that made it":     {approvedMove(bob), claimedMove(time.Time{}), {To: confirm.Applied, Outcome: &made}},
		"that may make it": {approvedMove(bob), claimedMove(time.Unix(1<<40, 0))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
			s.insertAfter(t, moves...)
			s.onExecute(func(context.Context, confirm.Change) confirm.Outcome {
				return confirm.Outcome{State: confirm.Unknown, Reason: "no answer"}
			})
			s.onReconcile(made)
			c := s.propose(t, onSlack(ada))
			if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
				t.Fatal(err)
			}
			s.waitFor(t, c.ID, confirm.Unknown, 1)
		})
	}
}

func TestAHangingReadDoesNotDelayOtherChanges(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	approved := s.insertAfter(t, approvedMove(bob))
	s.advance(time.Second)
	s.insertAfter(t, approvedMove(bob), claimedMove(s.clock()))
	hold := make(chan struct{})
	defer close(hold)
	s.mu.Lock()
	s.reconcile = func(context.Context, confirm.Change) confirm.Outcome {
		<-hold
		return confirm.Outcome{State: confirm.Unknown}
	}
	s.mu.Unlock()
	s.advance(10 * time.Second)
	go func() { _ = s.Run(t.Context()) }()
	s.waitFor(t, approved.ID, confirm.Applied, 1)
}
