package confirm_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"scanwarden/confirm"
)

// left puts a change into the ledger as a process that died would have left it.
func (h *house) left(t *testing.T, moves ...confirm.Move) confirm.Change {
	t.Helper()
	c := h.propose(t, elsewhere(ada))
	for _, m := range moves {
		m.At = h.clock()
		next, err := h.ledger.Move(t.Context(), c, m)
		if err != nil {
			t.Fatal(err)
		}
		c = next
	}
	return c
}

func approvedBy(who confirm.Principal) confirm.Move {
	return confirm.Move{To: confirm.Approved, Decision: &confirm.Decision{Person: string(who), Principal: who, Approve: true, Channel: confirm.Slack}}
}

func claimed(lease time.Time) confirm.Move {
	return confirm.Move{To: confirm.Executing, Owner: "a process that died", Lease: lease}
}

// recovers runs the recovery until the test ends, and returns when its first round is over.
func (h *house) recovers(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAnApprovedChangeOfADeadProcessRuns(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.left(t, approvedBy(bob))
	h.advance(10 * time.Second)
	h.recovers(t)
	h.ends(t, c.ID, confirm.Applied, 1)
}

func TestAnOldYesIsNotRedeemed(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := h.left(t, approvedBy(bob))
	h.advance(2 * time.Minute)
	h.recovers(t)
	h.ends(t, c.ID, confirm.Expired, 0)
}

func TestADeadExecutionIsReadNotRepeated(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.left(t, approvedBy(bob), claimed(h.clock().Add(5*time.Second)))
	h.reconciles(confirm.Outcome{State: confirm.Applied, Reason: "the new scan is there"})
	h.advance(6 * time.Second)
	h.recovers(t)
	// It is unknown for a moment and then settled, so wait for the settled state itself.
	h.becomes(t, c.ID, confirm.Applied)
	if h.runs.Load() != 0 {
		t.Errorf("recovery executed it %d times", h.runs.Load())
	}
}

// becomes waits until the ledger says so. (The gate would expire an overdue change by being asked for it.)
func (h *house) becomes(t *testing.T, id string, want confirm.State) confirm.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := h.ledger.Change(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if c.State == want {
			return c
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the change is %s (%+v), want %s", c.State, c.Outcome, want)
		}
	}
}

func TestALivingExecutionIsLeftAlone(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	living := h.left(t, approvedBy(bob), claimed(h.clock().Add(time.Hour)))
	dead := h.left(t, approvedBy(bob), claimed(h.clock()))
	h.reconciles(confirm.Outcome{State: confirm.Applied})
	h.recovers(t)
	h.becomes(t, dead.ID, confirm.Applied) // the same round of the recovery was at both
	if c, err := h.Change(t.Context(), living.ID); err != nil || c.State != confirm.Executing {
		t.Errorf("the living one is %s, %v", c.State, err)
	}
}

func TestAMissingTraceIsBelievedOnlyAfterTheGrace(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	unknown := &confirm.Outcome{State: confirm.Unknown, Reason: "no answer"}
	c := h.left(t, approvedBy(bob), claimed(h.clock()), confirm.Move{To: confirm.Unknown, Outcome: unknown})
	looked := make(chan struct{}, 100)
	h.mu.Lock()
	h.seen = func(context.Context, confirm.Change) confirm.Outcome {
		looked <- struct{}{}
		return confirm.Outcome{State: confirm.Failed, Reason: "no such scan"}
	}
	h.mu.Unlock()
	h.advance(4 * time.Minute)
	h.recovers(t)
	<-looked
	if got, err := h.Change(t.Context(), c.ID); err != nil || got.State != confirm.Unknown {
		t.Fatalf("within the grace it is %s, %v", got.State, err)
	}
	h.advance(time.Minute)
	h.becomes(t, c.ID, confirm.Failed)
}

func TestAnUnknownOutcomeIsLookedAtOnceAtOnce(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	h.executes(func(context.Context, confirm.Change) confirm.Outcome {
		return confirm.Outcome{State: confirm.Unknown, Reason: "the connection broke"}
	})
	h.reconciles(confirm.Outcome{State: confirm.Applied, Reason: "it is there"})
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	if got := h.ends(t, c.ID, confirm.Applied, 1); got.Outcome.Reason != "it is there" {
		t.Errorf("the outcome is %+v", got.Outcome)
	}
}

func TestTooEarlyANoStaysUnknown(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	h.executes(func(context.Context, confirm.Change) confirm.Outcome {
		return confirm.Outcome{State: confirm.Unknown, Reason: "the connection broke"}
	})
	h.reconciles(confirm.Outcome{State: confirm.Failed, Reason: "no such scan"})
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Unknown, 1)
}

func TestAPanicWhileExecutingIsUnknown(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	h.executes(func(context.Context, confirm.Change) confirm.Outcome { panic("a bug") })
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Unknown, 1)
}

func TestAnOutcomeWithoutASenseIsUnknown(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	h.executes(func(context.Context, confirm.Change) confirm.Outcome { return confirm.Outcome{State: confirm.Pending} })
	c := h.propose(t, elsewhere(ada))
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Unknown, 1)
}

func TestTheCallerMayGoAway(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	started, gone := make(chan struct{}), make(chan struct{})
	h.executes(func(ctx context.Context, _ confirm.Change) confirm.Outcome {
		close(started)
		<-gone
		if err := ctx.Err(); err != nil {
			return confirm.Outcome{State: confirm.Failed, Reason: err.Error()}
		}
		return confirm.Outcome{State: confirm.Applied}
	})
	c := h.propose(t, elsewhere(ada))
	ctx, leave := context.WithCancel(t.Context())
	if _, err := h.Decide(ctx, c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	<-started
	leave()
	close(gone)
	h.ends(t, c.ID, confirm.Applied, 1)
}

func TestWhoLosesTheClaimStopsBeforeSending(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	h.executes(func(ctx context.Context, c confirm.Change) confirm.Outcome {
		// Another process takes this one for dead while it still prepares.
		unknown := confirm.Outcome{State: confirm.Unknown}
		if _, err := h.ledger.Move(context.WithoutCancel(ctx), c, confirm.Move{To: confirm.Unknown, At: h.clock(), Outcome: &unknown}); err != nil {
			t.Error(err)
		}
		select {
		case <-ctx.Done():
			return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
		case <-time.After(15 * time.Second):
			t.Error("the lost claim was not noticed")
			return confirm.Outcome{State: confirm.Applied}
		}
	})
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	got := h.becomes(t, c.ID, confirm.Failed) // who knows what happened corrects the unknown
	if got.Outcome.Reason != "nothing was sent" {
		t.Errorf("the outcome is %+v", got.Outcome)
	}
}

func TestAnAlteredLedgerRowIsNotRun(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.propose(t, elsewhere(ada))
	h.tamper(t, c.ID)
	if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
		t.Fatal(err)
	}
	h.ends(t, c.ID, confirm.Failed, 0)
}

func TestAnUnreadableRowDoesNotHoldUpTheOthers(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := h.left(t, approvedBy(bob))
	broken := h.left(t)
	h.exec(t, `UPDATE proposal SET proposed = 'x' WHERE change_id = $1`, broken.ID)
	h.advance(10 * time.Second)
	h.recovers(t)
	h.ends(t, c.ID, confirm.Applied, 1)
}

// tamper alters what would be sent, behind the back of the ledger.
func (h *house) tamper(t *testing.T, id string) {
	t.Helper()
	h.exec(t, `UPDATE proposal SET proposed = replace(proposed, '\"b\"]', '\"c\"]') WHERE change_id = $1`, id)
}

// exec writes into the ledger's file past the ledger.
func (h *house) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", h.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}
