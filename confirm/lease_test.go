package confirm_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
)

// hanging is the real ledger behind a connection that has broken without a word: Renew never returns by itself.
type hanging struct{ confirm.Store }

func (hanging) RenewLease(ctx context.Context, _, _ string, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

// failsUnder has bob confirm a change under cfg, and checks that nothing was sent.
func (h *house) failsUnder(t *testing.T, cfg confirm.Config) {
	t.Helper()
	gate := confirm.New(cfg)
	c := h.propose(t, elsewhere(ada))
	if _, err := gate.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	if err := gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Failed, 0)
}

func TestAHungLedgerLosesTheClaim(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	cfg := h.cfg
	cfg.Store = hanging{h.ledger}
	cfg.Execute = func(ctx context.Context, _ confirm.Change, still func(context.Context) error) confirm.Outcome {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second):
			t.Error("the claim outlives its lease")
		}
		if still(context.WithoutCancel(ctx)) == nil {
			t.Error("it may still send")
		}
		return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
	}
	h.failsUnder(t, cfg)
}

func TestWhoAsksRightBeforeSendingLearnsThatTheClaimIsLost(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	cfg := h.cfg
	cfg.Execute = func(ctx context.Context, c confirm.Change, still func(context.Context) error) confirm.Outcome {
		if err := still(ctx); err != nil {
			t.Errorf("a fresh claim is not believed: %v", err)
		}
		unknown := confirm.Outcome{State: confirm.Unknown} // another process takes this one for dead
		if _, err := h.ledger.Move(ctx, c, confirm.Move{To: confirm.Unknown, At: h.clock(), Outcome: &unknown}); err != nil {
			t.Error(err)
		}
		h.advance(4 * time.Second) // as a machine that slept: its own timers have not noticed
		if err := still(ctx); err == nil {
			t.Error("it may still send")
		}
		return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
	}
	h.failsUnder(t, cfg)
}

func TestAYesGrowsTooOldWhileItWaitsForItsTurn(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	cfg := h.cfg
	cfg.Execute = func(ctx context.Context, _ confirm.Change, still func(context.Context) error) confirm.Outcome {
		h.advance(2 * time.Minute)
		if err := still(ctx); err == nil {
			t.Error("it may still send")
		}
		return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
	}
	h.failsUnder(t, cfg)
}

func TestAnApprovalThatNobodyGaveIsNotRun(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.left(t, confirm.Move{To: confirm.Approved}) // as if the row had been written by hand
	h.advance(10 * time.Second)
	h.recovers(t)
	h.ends(t, c.ID, confirm.Failed, 0)
}

func TestFewerApprovalsThanPolicyAsksForAreNotRun(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob), string(cleo)}})
	c := h.left(t, approvedBy(bob)) // one was enough when it was asked for
	cfg := h.cfg
	cfg.Policy.Required = map[string]int{"delete_scans": 2}
	h.Gate = confirm.New(cfg)
	h.advance(10 * time.Second)
	h.recovers(t)
	h.ends(t, c.ID, confirm.Failed, 0)
}

func TestAPersonJoinedAfterAVoteStillCountsOnce(t *testing.T) {
	policy := confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}}
	h := newHouse(t, policy)
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	cfg := h.cfg
	cfg.Policy.People = []confirm.Person{{Name: "Bob", Principals: []confirm.Principal{"slack:T1/UB", bob}}}
	if _, err := confirm.New(cfg).Decide(t.Context(), c.ID, yes(bob)); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("one person voted twice: %v", err)
	}
}

func TestAYesOnAChannelThatWasNotAskedDoesNotCount(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	vote := yes(bob)
	vote.Channel = confirm.Client
	if _, err := h.Decide(t.Context(), c.ID, vote); !errors.Is(err, confirm.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestManyProposalsAtOnceDoNotPassTheLimit(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 5})
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { _, _ = h.Propose(t.Context(), deleteTwo(), elsewhere(ada)) })
	}
	all.Wait()
	if open, err := h.OpenChanges(t.Context(), ada); err != nil || len(open) > 5 {
		t.Errorf("%d changes are open (%v), and 5 may be", len(open), err)
	}
}

// What another change has made, or may have made, is no proof that this one took effect.
func TestATwinIsNoProof(t *testing.T) {
	made := confirm.Outcome{State: confirm.Applied, Reason: "it is there", CreatedIDs: []string{"a new id"}}
	for name, twin := range map[string][]confirm.Move{
		"that made it":     {approvedBy(bob), claimed(time.Time{}), {To: confirm.Applied, Outcome: &made}},
		"that may make it": {approvedBy(bob), claimed(time.Unix(1<<40, 0))},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
			h.left(t, twin...)
			h.executes(func(context.Context, confirm.Change) confirm.Outcome {
				return confirm.Outcome{State: confirm.Unknown, Reason: "no answer"}
			})
			h.reconciles(made)
			c := h.propose(t, elsewhere(ada))
			if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
				t.Fatal(err)
			}
			h.ends(t, c.ID, confirm.Unknown, 1)
		})
	}
}

func TestAHangingLookDoesNotHoldUpTheOthers(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	approved := h.left(t, approvedBy(bob))
	h.advance(time.Second)
	h.left(t, approvedBy(bob), claimed(h.clock()))
	hold := make(chan struct{})
	defer close(hold)
	h.mu.Lock()
	h.seen = func(context.Context, confirm.Change) confirm.Outcome {
		<-hold
		return confirm.Outcome{State: confirm.Unknown}
	}
	h.mu.Unlock()
	h.advance(10 * time.Second)
	go func() { _ = h.Run(t.Context()) }()
	h.ends(t, approved.ID, confirm.Applied, 1)
}
