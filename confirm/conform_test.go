package confirm_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
)

// replay makes the steps of a trace of the model with real Gates over a real ledger.
type replay struct {
	t         *testing.T
	name      string
	cfg       confirm.Config
	raw       *sql.DB
	clock     *atomic.Int64 // microseconds
	gates     [replicas]*confirm.Gate
	crashed   [replicas]*atomic.Bool
	recoverer *confirm.Gate // the process on which recovery runs
	ids       [2]string
	runs      [replicas][2]*actor
	vote      *actor
	recovery  *actor
	live      uint8
	sends     map[string]int
	sent      map[string]uint8
	trace     []step
	model     system
}

// traceFaults is how many faults a trace may have. Long times that pass are faults: in short steps, many of them must
// stay below the next longer time.
const traceFaults = 4

// newReplay returns a replay with new Gates.
func newReplay(t *testing.T, l conformLedger, name string) *replay {
	r := &replay{t: t, name: name, raw: l.raw, clock: l.clock, sends: map[string]int{}, sent: map[string]uint8{}, model: newSystem(traceFaults)}
	r.cfg = confirm.Config{
		Store: steppedStore{l.store}, Target: "simulator", Now: func() time.Time { return time.UnixMicro(l.clock.Load()).UTC() },
		Policy: confirm.Policy{
			Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"update_scan": 2},
			Expires: time.Hour, MaxOpenPerRequester: 1 << 20,
		},
		Execute: r.execute, Reconcile: r.reconcile, Key: bytes.Repeat([]byte{7}, 32),
	}
	for i := range r.gates {
		r.gates[i], r.crashed[i] = confirm.New(r.cfg), new(atomic.Bool)
	}
	r.recoverer = confirm.New(r.cfg)
	return r
}

// end ends what still waits, unless the replay has failed.
func (r *replay) end() {
	if r.t.Failed() {
		return
	}
	for i := range r.gates {
		r.crash(uint8(i))
	}
	if a := r.recovery; a != nil {
		r.recovery = nil
		a.crashed.Store(true)
		a.resume <- ""
		r.finish(a)
	}
}

// step makes one step in the model and for real, and compares.
func (r *replay) step(at step) {
	before := r.model
	r.model = protocol{}.apply(before, at)
	r.trace = append(r.trace, at)
	r.take(at, &before, &r.model)
	r.compare(&r.model)
}

// patience bounds how long the replay waits for what the model predicts.
const patience = time.Minute

// call calls a Gate as an actor, which may pause.
func (r *replay) call(a *actor, do func(context.Context) error) *actor {
	ctx := context.WithValue(r.t.Context(), actorKey{}, a)
	go func() { a.done <- do(ctx) }()
	return a
}

// finish waits until the call of an actor returns. What the model does not know of, because it has no effect, is let go.
func (r *replay) finish(a *actor) error {
	timeout := time.After(patience)
	for {
		select {
		case <-a.points:
			a.resume <- ""
		case err := <-a.done:
			return err
		case <-timeout:
			r.fail("a call does not return")
		}
	}
}

// returned waits until the call of an actor returns without a pause. What it started may pause already.
func (r *replay) returned(a *actor) error {
	select {
	case err := <-a.done:
		return err
	case <-time.After(patience):
		r.fail("a call does not return")
	}
	return nil
}

// pausesAt checks that a call pauses at this point.
func (r *replay) pausesAt(a *actor, want string) {
	select {
	case got := <-a.points:
		if got != want {
			r.fail("a call pauses at %q, want %q", got, want)
		}
	case err := <-a.done:
		r.fail("a call returns %v, want a pause at %q", err, want)
	case <-time.After(patience):
		r.fail("a call does not reach %q", want)
	}
}

// phasePoints are the points at which an execution pauses in each phase of the model.
var phasePoints = [...]string{
	toClaim: "claim", waitsTurn: "turn", seeksClaim: "read", toCompare: "compare", toBaseline: "baseline", toCheck: "check",
	toSend: "send", toAnswer: "answer", toLook: "look", toRecord: "record", toReread: "read", toRecordAgain: "record",
}

// settle waits until the execution of change c by replica i pauses where the model has it, or has ended.
func (r *replay) settle(i, c int, want phase) {
	a := r.runs[i][c]
	for began := time.Now(); a != nil; runtime.Gosched() {
		select {
		case got := <-a.points:
			if want != idle {
				if got != phasePoints[want] {
					r.fail("%c executes %c at %q, want %q", 'P'+i, 'A'+c, got, phasePoints[want])
				}
				return
			}
			if got != "record" && got != "read" {
				r.fail("%c executes %c at %q, want an end", 'P'+i, 'A'+c, got)
			}
			a.resume <- "" // it finds again that the change was settled
		default:
			if !r.gates[i].IsRunning(a.id) {
				if r.runs[i][c] = nil; want != idle {
					r.fail("%c has ended with %c, want it at %q", 'P'+i, 'A'+c, phasePoints[want])
				}
				return
			}
			if time.Since(began) > patience {
				r.fail("%c does not go on with %c to %q", 'P'+i, 'A'+c, phasePoints[want])
			}
		}
	}
	if want != idle {
		r.fail("%c does not execute %c", 'P'+i, 'A'+c)
	}
}

func (r *replay) fail(format string, args ...any) {
	r.t.Helper()
	var text strings.Builder
	for i, s := range r.trace {
		fmt.Fprintf(&text, "%3d. %s\n", i+1, s)
	}
	r.t.Fatalf("%s: "+format+"; after\n%s", append(append([]any{r.name}, args...), &text)...)
}

// compare checks that the ledger is as the model has it.
func (r *replay) compare(s *system) {
	for c := range s.changes {
		want := &s.changes[c]
		if r.ids[c] == "" {
			continue
		}
		got, err := r.cfg.Store.Change(r.t.Context(), r.ids[c])
		switch {
		case want.state == absent && errors.Is(err, confirm.ErrNotFound):
			continue
		case err != nil:
			r.fail("reading %c: %v", 'A'+c, err)
		case got.State != recordedNames[want.state]:
			r.fail("%c is %s, want %s", 'A'+c, got.State, recordedNames[want.state])
		case got.Approvals() != int(want.votes[0]+want.votes[1]):
			r.fail("%c has %d approvals, want %v", 'A'+c, got.Approvals(), want.votes)
		case r.sends[got.ID] != int(want.sends):
			r.fail("%c was sent %d times, want %d", 'A'+c, r.sends[got.ID], want.sends)
		case want.sends > 0 && r.sent[got.ID] != s.value(uint8(c)):
			r.fail("%c was sent with %d, want %d", 'A'+c, r.sent[got.ID], s.value(uint8(c)))
		}
	}
	if r.live != s.live {
		r.fail("the scan is %d, want %d", r.live, s.live)
	}
}
