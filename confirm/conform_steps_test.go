package confirm_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"scanwarden/confirm"
)

// take makes one step for real. before and after are the model's states.
func (r *replay) take(at step, before, after *system) {
	switch at.kind {
	case propose, proposeAgain:
		r.propose(at, before)
	case withdraw:
		a := newActor(r.crashed[at.replica], r.ids[at.change])
		r.want(at, true, r.finish(r.call(a, func(ctx context.Context) error {
			_, err := r.gates[at.replica].Withdraw(ctx, a.id, onSlack(ada))
			return err
		})))
	case vote, slowVote:
		r.decide(at, before, after)
	case recordVote:
		a := r.vote
		r.vote, a.next = nil, at.commit
		a.resume <- ""
		r.voted(at, a, before, after)
	case startApproved:
		a := newActor(r.crashed[at.replica], r.ids[at.change])
		a.runs = true
		r.runs[at.replica][at.change] = a
		if err := r.returned(r.callRecovery(a, r.gates[at.replica])); err != nil {
			r.fail("it starts nothing: %v", err)
		}
	case recovery, slowRecovery, goOn:
		r.recover(at, after)
	case crash:
		r.crash(at.replica)
	case alter:
		r.alter(at.change)
	case arrive:
		r.live = before.value(at.change)
	case edit:
		r.live = edited
	case passLease, passGrace, passExpiry, passDay:
		by := [...]time.Duration{6 * time.Second, 6 * time.Minute, 61 * time.Minute, 25 * time.Hour}[at.kind-passLease]
		r.clock.Add(by.Microseconds())
	case refuse:
	default:
		r.run(at, before)
	}
	if at.movesRun() && before.runs[at.replica][at.change] != after.runs[at.replica][at.change] {
		r.settle(int(at.replica), int(at.change), after.runs[at.replica][at.change].phase)
	}
}

// movesRun reports whether an execution may go on with the step.
func (s step) movesRun() bool {
	return s.kind >= vote && s.kind <= startApproved && s.kind != slowVote && s.kind != arrive && s.kind != refuse
}

// run lets an execution make its next step.
func (r *replay) run(at step, before *system) {
	a := r.runs[at.replica][at.change]
	a.next = at.commit
	a.renews.Store(at.kind == checkLease)
	var says confirm.State
	switch {
	case at.kind == loseAnswer:
		says = confirm.Unknown
	case at.kind == answer && before.changes[at.change].request == arrived:
		says = confirm.Applied
	case at.kind == answer:
		says = confirm.Failed
	}
	a.resume <- says
	if at.kind == takeTurn {
		r.gates[at.replica].Wake(r.ids[1-at.change])
	}
}

// propose proposes a change, or the same as the first one again.
func (r *replay) propose(at step, before *system) {
	value, as := at.change+1, at.change
	if at.kind == proposeAgain {
		value, as = 1, 0
	}
	a := newActor(r.crashed[at.replica], "")
	a.next = at.commit
	var got confirm.Change
	err := r.finish(r.call(a, func(ctx context.Context) (err error) {
		got, err = r.gates[at.replica].Propose(ctx, r.scanAsPlanned(as, value, before.live), onSlack(ada))
		return err
	}))
	if first := before.changes[0]; errors.Is(err, confirm.ErrTampered) && at.kind == proposeAgain && first.altered && first.state != inPending {
		return
	}
	r.want(at, true, err)
	if got.ID == "" {
		got.ID = a.id
	}
	if got.ID != r.ids[0] {
		r.ids[at.change] = got.ID
	}
}

// want checks what a caller is told: that it is not known, that it was recorded, or why it was not.
func (r *replay) want(at step, recorded bool, err error) {
	switch lost := errors.Is(err, confirm.ErrUnknownCommit); {
	case lost != (at.commit != committed && recorded):
		r.fail("the caller is told %v", err)
	case !lost && recorded != (err == nil):
		r.fail("the caller is told %v, recorded: %v", err, recorded)
	}
}

// decide makes a vote, as far as evaluating it if it is slow.
func (r *replay) decide(at step, before, after *system) {
	a := newActor(r.crashed[at.replica], r.ids[at.change])
	a.slow, a.next = at.kind == slowVote, at.commit
	r.call(a, func(ctx context.Context) error {
		_, err := r.gates[at.replica].Decide(ctx, a.id, approval([]confirm.Principal{bob, cleo}[at.voter]))
		return err
	})
	if at.kind == slowVote {
		r.vote = a
		r.pausesAt(a, "vote")
		return
	}
	r.voted(at, a, before, after)
}

// voted waits for the end of a vote. If it approved the change, its actor executes that now.
func (r *replay) voted(at step, a *actor, before, after *system) {
	err := r.returned(a)
	counted := before.changes[at.change].votes != after.changes[at.change].votes
	r.want(at, counted || (at.commit == lostDropped && errors.Is(err, confirm.ErrUnknownCommit)), err)
	if a.runs {
		r.runs[at.replica][at.change] = a
	}
}

func (r *replay) callRecovery(a *actor, gate *confirm.Gate) *actor {
	return r.call(a, func(ctx context.Context) error {
		c, err := r.cfg.Store.Change(r.t.Context(), a.id)
		if err != nil {
			return err
		}
		return gate.RecoverChange(ctx, c)
	})
}

// recover makes a step of the recovery.
func (r *replay) recover(at step, after *system) {
	a := r.recovery
	if at.kind == goOn {
		r.recovery, a.next = nil, at.commit
		a.resume <- ""
	} else {
		a = newActor(new(atomic.Bool), r.ids[at.change])
		a.slow, a.next = at.kind == slowRecovery, at.commit
		r.callRecovery(a, r.recoverer)
	}
	switch {
	case at.kind == recovery || after.recovery.action == 0:
		err := r.finish(a)
		if err != nil && !errors.Is(err, confirm.ErrMoved) && !errors.Is(err, confirm.ErrUnknownCommit) {
			r.fail("recovery returns %v", err)
		}
	case after.recovery.action == doLook:
		r.recovery = a
		r.pausesAt(a, "look")
	default:
		r.recovery = a
		r.pausesAt(a, "recover")
	}
}

// crash ends everything that a replica does, and starts it again.
func (r *replay) crash(i uint8) {
	r.crashed[i].Store(true)
	if r.vote != nil && r.vote.crashed == r.crashed[i] {
		a := r.vote
		r.vote = nil
		a.resume <- ""
		r.finish(a)
	}
	for c, a := range r.runs[i] {
		if a != nil {
			a.resume <- ""
			for r.gates[i].IsRunning(a.id) {
				select {
				case <-a.points:
					a.resume <- ""
				default:
					runtime.Gosched()
				}
			}
			r.runs[i][c] = nil
		}
	}
	r.gates[i], r.crashed[i] = confirm.New(r.cfg), new(atomic.Bool)
}

// alter replaces the request of a change in the database.
func (r *replay) alter(c uint8) {
	result, err := r.raw.ExecContext(r.t.Context(),
		`UPDATE proposal SET proposed = replace(replace(proposed, '\"1\"', '\"9\"'), '\"2\"', '\"9\"') WHERE change_id = $1`, r.ids[c])
	if err != nil {
		r.fail("altering the database: %v", err)
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		r.fail("%d proposals were altered: %v", n, err)
	}
}
