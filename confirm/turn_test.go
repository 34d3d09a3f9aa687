package confirm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
)

// writing returns a plan that writes the scans with these keys.
func writing(keys ...string) confirm.Proposal {
	p := replanned()
	p.Keys = keys
	return p
}

// approve confirms the change as bob, at this gate.
func approve(t *testing.T, g *confirm.Gate, c confirm.Change) {
	t.Helper()
	if _, err := g.Decide(t.Context(), c.ID, approval(bob)); err != nil {
		t.Fatal(err)
	}
}

// blockExecution makes executions wait until release is called. It returns a channel with each change that is begun.
func (s *stack) blockExecution() (begun <-chan string, release func()) {
	started, released := make(chan string, 16), make(chan struct{})
	s.onExecute(func(_ context.Context, c confirm.Change) confirm.Outcome {
		started <- c.ID
		<-released
		return confirm.Outcome{State: confirm.Applied}
	})
	return started, func() { close(released) }
}

// Changes with a common key are executed one after the other, at one gate and at two. A change without one does not
// wait.
func TestChangesOfOneScanTakeTurns(t *testing.T) {
	t.Parallel()
	for name, gates := range map[string]int{"one process": 1, "two processes": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
			var now, highest atomic.Int64
			s.onExecute(func(_ context.Context, c confirm.Change) confirm.Outcome {
				if n := now.Add(1); n > highest.Load() {
					highest.Store(n)
				}
				time.Sleep(time.Millisecond) // so that another one would begin meanwhile
				now.Add(-1)
				return confirm.Outcome{State: confirm.Applied}
			})
			all := []*confirm.Gate{s.Gate, confirm.New(s.cfg)}[:gates]
			var changes []confirm.Change
			for i := range 6 {
				c := s.proposePlan(t, writing("shared", fmt.Sprint("own ", i)), onSlack(ada))
				changes = append(changes, c)
				approve(t, all[i%gates], c)
			}
			for _, c := range changes {
				if got, err := s.Wait(t.Context(), c.ID); err != nil || got.State != confirm.Applied {
					t.Errorf("%s is %s (%v)", c.ID, got.State, err)
				}
			}
			if highest.Load() != 1 {
				t.Errorf("%d changes of one scan were executed at once", highest.Load())
			}
		})
	}
}

func TestAChangeOfAnotherScanDoesNotWait(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	begun, release := s.blockExecution()
	first, second := s.proposePlan(t, writing("a", "b"), onSlack(ada)), s.proposePlan(t, writing("c"), onSlack(ada))
	approve(t, s.Gate, first)
	approve(t, s.Gate, second)
	<-begun
	<-begun
	release()
	s.waitFor(t, first.ID, confirm.Applied, 2)
	s.waitFor(t, second.ID, confirm.Applied, 2)
}

// A change whose turn does not come before it expires is not executed, and says which change it waited for.
func TestAChangeThatWaitsTooLongExpires(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.onExecute(func(context.Context, confirm.Change) confirm.Outcome {
		return confirm.Outcome{State: confirm.Unknown, Reason: "no answer"}
	})
	first, second := s.proposePlan(t, writing("a"), onSlack(ada)), s.proposePlan(t, writing("a"), onSlack(ada))
	approve(t, s.Gate, first)
	s.waitFor(t, first.ID, confirm.Unknown, 1)
	approve(t, s.Gate, second)
	s.advance(16 * time.Minute)
	got := s.waitFor(t, second.ID, confirm.Expired, 1)
	if !strings.Contains(got.Outcome.Reason, first.ID) || !strings.Contains(got.Outcome.Reason, "nothing was sent") {
		t.Errorf("the reason is %q", got.Outcome.Reason)
	}
}

// A process that stops leaves a waiting change to others, and does not wait for its turn.
func TestAStoppingProcessLeavesAWaitingChange(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	begun, release := s.blockExecution()
	first, second := s.proposePlan(t, writing("a"), onSlack(ada)), s.proposePlan(t, writing("a"), onSlack(ada))
	approve(t, s.Gate, first)
	<-begun
	stopping := confirm.New(s.cfg)
	approve(t, stopping, second)
	if err := stopping.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Change(t.Context(), second.ID); err != nil || got.State != confirm.Approved {
		t.Errorf("the waiting change is %s, %v", got.State, err)
	}
	release()
	s.waitFor(t, first.ID, confirm.Applied, 1)
	s.advance(10 * time.Second)
	s.startRecovery(t)
	s.waitFor(t, second.ID, confirm.Applied, 2)
}

// Recovery finds an approved change that waits for its turn in this process, and does not run it a second time.
func TestRecoveryLeavesAWaitingChangeAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
		log := &bytes.Buffer{}
		cfg := s.cfg
		cfg.Log = slog.New(slog.NewTextHandler(log, nil))
		s.Gate = confirm.New(cfg)
		begun, release := s.blockExecution()
		first, second := s.proposePlan(t, writing("a"), onSlack(ada)), s.proposePlan(t, writing("a"), onSlack(ada))
		approve(t, s.Gate, first)
		<-begun
		approve(t, s.Gate, second)
		s.startRecovery(t)
		for range 5 {
			s.advance(2 * time.Second)
			time.Sleep(2 * time.Second) // the bubble's clock
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "waits for another one"); n != 1 {
			t.Errorf("it waits %d times:\n%s", n, log)
		}
		release()
		s.waitFor(t, second.ID, confirm.Applied, 2)
	})
}

// The keys are part of what was confirmed.
func TestAlteredKeysAreNotExecuted(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	c := s.proposePlan(t, writing("a"), onSlack(ada))
	s.exec(t, `UPDATE proposal SET proposed = replace(proposed, '"keys":["a"]', '"keys":["b"]') WHERE change_id = $1`, c.ID)
	if got, err := s.store.Change(t.Context(), c.ID); err != nil || got.Keys[0] != "b" {
		t.Fatalf("the keys are %q, %v", got.Keys, err)
	}
	if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil && !errors.Is(err, confirm.ErrRefused) {
		t.Fatal(err)
	}
	if got := s.waitStored(t, c.ID, confirm.Pending); s.runs.Load() != 0 {
		t.Errorf("it is %s after %d executions", got.State, s.runs.Load())
	}
}

// A change of unknown outcome is settled although an equal one, which has created nothing, waits for it.
func TestAWaitingDuplicateDoesNotKeepAChangeUnknown(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(bob)}})
	s.onExecute(func(context.Context, confirm.Change) confirm.Outcome {
		return confirm.Outcome{State: confirm.Unknown, Reason: "no answer"}
	})
	first := s.proposePlan(t, writing("a"), onSlack(ada))
	approve(t, s.Gate, first)
	s.waitFor(t, first.ID, confirm.Unknown, 1)
	second := s.proposePlan(t, writing("a"), onSlack(ada))
	approve(t, s.Gate, second)
	s.onExecute(nil)
	s.onReconcile(confirm.Outcome{State: confirm.Applied, CreatedIDs: []string{"a new id"}})
	s.startRecovery(t)
	s.waitStored(t, first.ID, confirm.Applied)
	s.waitFor(t, second.ID, confirm.Applied, 2)
}
