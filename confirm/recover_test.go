package confirm_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"

	"scanwarden/confirm"
)

func TestAnApprovedChangeOfADeadProcessIsExecuted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.insertAfter(t, approvedMove(bob))
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestAnExpiredApprovalIsNotExecuted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Minute})
	c := s.insertAfter(t, approvedMove(bob))
	s.advance(2 * time.Minute)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Expired, 0)
}

func TestADeadExecutionIsReadNotRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock().Add(5*time.Second)))
	s.onReconcile(confirm.Outcome{State: confirm.Applied, Reason: "the new scan is there"})
	s.advance(6 * time.Second)
	s.startRecovery(t)
	// The change is unknown for a moment before it is settled, so wait for the settled state itself.
	s.waitStored(t, c.ID, confirm.Applied)
	if s.runs.Load() != 0 {
		t.Errorf("recovery executed it %d times", s.runs.Load())
	}
}

func TestALivingExecutionIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	living := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock().Add(time.Hour)))
	dead := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock()))
	s.onReconcile(confirm.Outcome{State: confirm.Applied})
	s.startRecovery(t)
	s.waitStored(t, dead.ID, confirm.Applied) // the same round of recovery saw both
	if c, err := s.Change(t.Context(), living.ID); err != nil || c.State != confirm.Executing {
		t.Errorf("the living one is %s, %v", c.State, err)
	}
}

func TestAMissingTraceCountsOnlyAfterTheGracePeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		unknown := &confirm.Outcome{State: confirm.Unknown, Reason: "no answer"}
		c := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock()), confirm.Move{To: confirm.Unknown, Outcome: unknown})
		looked := make(chan struct{}, 100)
		s.mu.Lock()
		s.reconcile = func(context.Context, confirm.Change) confirm.Outcome {
			looked <- struct{}{}
			return confirm.Outcome{State: confirm.Failed, Reason: "no such scan"}
		}
		s.mu.Unlock()
		s.advance(4 * time.Minute)
		s.startRecovery(t)
		<-looked
		if got, err := s.Change(t.Context(), c.ID); err != nil || got.State != confirm.Unknown {
			t.Fatalf("within the grace it is %s, %v", got.State, err)
		}
		s.advance(time.Minute)
		s.waitStored(t, c.ID, confirm.Failed)
	})
}

func TestAnUnknownOutcomeIsReadOnceRightAway(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.onExecute(func(context.Context, confirm.Change) confirm.Outcome {
		return confirm.Outcome{State: confirm.Unknown, Reason: "the connection broke"}
	})
	s.onReconcile(confirm.Outcome{State: confirm.Applied, Reason: "it is there"})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	if got := s.waitFor(t, c.ID, confirm.Applied, 1); got.Outcome.Reason != "it is there" {
		t.Errorf("the outcome is %+v", got.Outcome)
	}
}

func TestAnEarlyMissingTraceStaysUnknown(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.onExecute(func(context.Context, confirm.Change) confirm.Outcome {
		return confirm.Outcome{State: confirm.Unknown, Reason: "the connection broke"}
	})
	s.onReconcile(confirm.Outcome{State: confirm.Failed, Reason: "no such scan"})
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Unknown, 1)
}

func TestAPanicWhileExecutingIsUnknown(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.onExecute(func(context.Context, confirm.Change) confirm.Outcome { panic("a bug") })
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Unknown, 1)
}

func TestAnInvalidOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.onExecute(func(context.Context, confirm.Change) confirm.Outcome { return confirm.Outcome{State: confirm.Pending} })
	c := s.propose(t, onSlack(ada))
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, c.ID, confirm.Unknown, 1)
}

func TestAnExecutionOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	started, gone := make(chan struct{}), make(chan struct{})
	s.onExecute(func(ctx context.Context, _ confirm.Change) confirm.Outcome {
		close(started)
		<-gone
		if err := ctx.Err(); err != nil {
			return confirm.Outcome{State: confirm.Failed, Reason: err.Error()}
		}
		return confirm.Outcome{State: confirm.Applied}
	})
	c := s.propose(t, onSlack(ada))
	ctx, leave := context.WithCancel(t.Context())
	if _, err := s.Decide(ctx, c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
	<-started
	leave()
	close(gone)
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

func TestALostLeaseStopsTheExecution(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		c := s.propose(t, onSlack(ada))
		s.onExecute(func(ctx context.Context, c confirm.Change) confirm.Outcome {
			// Another process takes the change over while this one still prepares.
			unknown := confirm.Outcome{State: confirm.Unknown}
			if _, err := s.store.Move(context.WithoutCancel(ctx), c, confirm.Move{To: confirm.Unknown, At: s.clock(), Outcome: &unknown}); err != nil {
				t.Error(err)
			}
			select {
			case <-ctx.Done():
				return confirm.Outcome{State: confirm.Failed, Reason: "nothing was sent"}
			case <-time.After(time.Minute):
				t.Error("the lost lease was not noticed")
				return confirm.Outcome{State: confirm.Applied}
			}
		})
		if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
			t.Fatal(err)
		}
		got := s.waitStored(t, c.ID, confirm.Failed) // the process that knows the outcome corrects Unknown
		if got.Outcome.Reason != "nothing was sent" {
			t.Errorf("the outcome is %+v", got.Outcome)
		}
	})
}

func TestAnAlteredLedgerRowIsNotExecuted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.propose(t, onSlack(ada))
	s.tamper(t, c.ID)
	_, err := s.Decide(t.Context(), c.ID, approval(bob))
	wantRefusal(t, err, "propose it again")
	s.waitStored(t, c.ID, confirm.Pending)
	late := s.insertAfter(t, approvedMove(bob))
	s.tamper(t, late.ID)
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitStored(t, late.ID, confirm.Failed)
	if n := s.runs.Load(); n != 0 {
		t.Errorf("%d executions", n)
	}
}

func TestAnUnreadableRowDoesNotDelayOtherChanges(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.insertAfter(t, approvedMove(bob))
	broken := s.insertAfter(t)
	s.exec(t, `UPDATE proposal SET proposed = 'x' WHERE change_id = $1`, broken.ID)
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, c.ID, confirm.Applied, 1)
}

// tamper alters the request in the ledger's file.
func (s *stack) tamper(t *testing.T, id string) {
	t.Helper()
	s.exec(t, `UPDATE proposal SET proposed = replace(proposed, '\"b\"]', '\"c\"]') WHERE change_id = $1`, id)
}

// exec runs an SQL statement on the ledger's file, without the store.
func (s *stack) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// However many changes wait, one that a dead process left behind is recovered.
func TestManyOpenChangesDoNotHideAnOrphan(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, Expires: time.Hour, MaxOpenPerRequester: 1 << 20})
	orphan := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock()))
	s.onReconcile(confirm.Outcome{State: confirm.Applied, Reason: "it is there"})
	s.advance(time.Second)
	const waiting = 1040
	var all sync.WaitGroup
	for i := range waiting {
		all.Go(func() { // without the gate, which reads all open changes for each proposal
			c := orphan
			c.ID, c.State, c.Version, c.Owner, c.Decisions = fmt.Sprintf("waiting-%04d", i), confirm.Pending, 0, "", nil
			c.Created = s.clock()
			if err := s.store.Insert(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.startRecovery(t)
	s.waitStored(t, orphan.ID, confirm.Applied)
}

// Recovery reads page after page: changes that need nothing do not hide one that does.
func TestRecoveryReadsAllPages(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}, MaxOpenPerRequester: 1 << 20})
	c := s.propose(t, onSlack(ada))
	var all sync.WaitGroup
	for i := range 210 {
		all.Go(func() {
			living := c
			living.ID = fmt.Sprintf("00-living-%03d", i)
			if err := s.store.Insert(t.Context(), living); err != nil {
				t.Error(err)
				return
			}
			s.move(t, living, approvedMove(bob), claimedMove(s.clock().Add(time.Hour)))
		})
	}
	all.Wait()
	s.advance(time.Second)
	orphan := s.insertAfter(t, approvedMove(bob), claimedMove(s.clock()))
	s.onReconcile(confirm.Outcome{State: confirm.Applied, Reason: "it is there"})
	s.startRecovery(t)
	s.waitStored(t, orphan.ID, confirm.Applied)
}
