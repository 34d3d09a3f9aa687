package confirm_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"scanwarden/confirm"
)

// actor is one call of a Gate, or one execution, that the replay of a trace steps through. It travels in the context.
// All fields are written while the goroutine that reads them is paused.
type actor struct {
	id      string      // the change
	runs    bool        // it executes the change
	slow    bool        // it pauses before each transition, and before it reads Defender
	next    commit      // what becomes of its next COMMIT that succeeds
	rereads bool        // it reads the change next, because a transition was not recorded for certain
	renews  atomic.Bool // it may renew its lease: the background asks at any time
	crashed *atomic.Bool
	points  chan string // where it pauses
	resume  chan confirm.State
	done    chan error // the result of a call
}

type actorKey struct{}

func newActor(crashed *atomic.Bool, id string) *actor {
	return &actor{id: id, crashed: crashed, points: make(chan string), resume: make(chan confirm.State), done: make(chan error, 1)}
}

func actorOf(ctx context.Context) *actor {
	a, _ := ctx.Value(actorKey{}).(*actor)
	return a
}

// pause waits until the replay lets the actor go on, and returns what the replay says then.
func (a *actor) pause(at string) confirm.State {
	if a.crashed.Load() {
		return ""
	}
	a.points <- at
	return <-a.resume
}

// errCrashed is what the store returns to a Gate that has crashed, so that its goroutines end.
var errCrashed = errors.New("this replica has crashed")

// steppedStore is the real ledger as one replica sees it. It pauses the actors, and loses answers.
type steppedStore struct{ confirm.Store }

// LinkSet pauses an execution before it claims: what the claim depends on is read then.
func (s steppedStore) LinkSet(ctx context.Context) ([]confirm.Link, string, error) {
	if a := actorOf(ctx); a != nil && a.runs {
		if a.pause("claim"); a.crashed.Load() {
			return nil, "", errCrashed
		}
	}
	return s.Store.LinkSet(ctx)
}

func (s steppedStore) Insert(ctx context.Context, c confirm.Change) error {
	a := actorOf(ctx)
	if a.id = c.ID; a.next == lostDropped {
		return confirm.ErrUnknownCommit
	}
	if err := s.Store.Insert(ctx, c); err != nil || a.next == committed {
		return err
	}
	return confirm.ErrUnknownCommit
}

// Change pauses an execution that reads what became of its transition, or whether it is its turn.
func (s steppedStore) Change(ctx context.Context, id string) (confirm.Change, error) {
	a := actorOf(ctx)
	if a != nil && a.runs && (a.rereads || id != a.id) {
		if a.rereads {
			a.rereads = false
			a.pause("read")
		} else {
			a.pause("turn")
		}
	}
	if a != nil && a.crashed.Load() {
		return confirm.Change{State: confirm.Failed}, nil
	}
	return s.Store.Change(ctx, id)
}

// Move pauses before a transition that the actor has not been told to make.
func (s steppedStore) Move(ctx context.Context, c confirm.Change, m confirm.Move) (confirm.Change, error) {
	a := actorOf(ctx)
	if point := a.pointOf(c, m); point != "" {
		a.pause(point)
	}
	switch {
	case a.crashed.Load():
		return confirm.Change{}, confirm.ErrMoved
	case a.next == lostDropped:
		a.next, a.rereads = committed, a.runs && m.Baseline == nil
		return confirm.Change{}, confirm.ErrUnknownCommit
	}
	after, err := s.Store.Move(ctx, c, m)
	switch {
	case err != nil:
		a.rereads = a.runs && errors.Is(err, confirm.ErrMoved) && c.State == confirm.Executing && m.Baseline == nil
		return after, err
	case a.next == lostCommitted:
		a.next, a.rereads = committed, a.runs && m.Baseline == nil
		return confirm.Change{}, confirm.ErrUnknownCommit
	case m.Baseline != nil:
		a.pause("check")
	case m.Decision != nil && m.To == confirm.Approved:
		a.runs, a.slow = true, false // what follows is the execution
	}
	return after, nil
}

// pointOf returns where the actor pauses before this transition, or "" if it makes it at once.
func (a *actor) pointOf(c confirm.Change, m confirm.Move) string {
	switch {
	case a.runs && m.Baseline != nil:
		return "baseline"
	case a.runs && c.State == confirm.Executing, a.runs && c.State == confirm.Unknown:
		return "record"
	case a.slow && m.Decision != nil && a.points != nil:
		a.slow = false // it is slow once
		return "vote"
	case a.slow:
		return "recover"
	}
	return ""
}

// RenewLease renews only when the replay says so, and not in the background.
func (s steppedStore) RenewLease(ctx context.Context, id, owner string, until time.Time) error {
	if a := actorOf(ctx); a == nil || !a.renews.Load() || a.crashed.Load() {
		return errors.New("not now")
	}
	return s.Store.RenewLease(ctx, id, owner, until)
}

// AcquireLease always succeeds: the lease of the recovery only spares work.
func (s steppedStore) AcquireLease(context.Context, string, string, time.Time, time.Time) (bool, error) {
	return true, nil
}
