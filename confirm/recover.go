package confirm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// pollInterval is how often Run looks for something to recover; looking costs one read.
	pollInterval = 2 * time.Second
	// settleGrace is how long after a write of unknown outcome a missing trace of it is believed. It is longer than
	// the HTTP client waits for an answer, so that nothing of ours is under way any more.
	settleGrace = 5 * time.Minute
	// readTimeout bounds one look at Defender, so that a hanging one does not hold up the other changes.
	readTimeout = 30 * time.Second
	// reconcileLimit is when reading for an unknown outcome ends: a person has to look.
	reconcileLimit = 24 * time.Hour
	// recoveryLease names the lease that one process of all holds while it recovers.
	recoveryLease = "recovery"
)

// retryState is when to read again for one change, and how long to wait after that.
type retryState struct {
	at    time.Time
	pause time.Duration
}

// Run recovers what is left behind, by this process or another, at once and then on a timer until ctx ends:
// overdue changes expire, approved ones that nobody claimed are run, and those whose process died in the
// middle become unknown and are settled by reading Defender.
func (g *Gate) Run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if err := g.recoverAll(ctx); err != nil && ctx.Err() == nil {
			g.cfg.Log.WarnContext(ctx, "recovery will try again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (g *Gate) recoverAll(ctx context.Context) error {
	open := []State{Pending, Approved, Executing, Unknown}
	kept, err := g.cfg.Store.Changes(ctx, Filter{States: open, Target: g.cfg.Target, Limit: 1000})
	var errs []error
	if err != nil { // what can be read is recovered all the same
		errs = append(errs, fmt.Errorf("look for changes to recover: %w", err))
	}
	// What needs no look at Defender comes first: that may take its time.
	slices.SortStableFunc(kept, func(a, b Change) int { return recoveryOrder(a) - recoveryOrder(b) })
	for _, c := range kept {
		if g.isUnclaimed(c, g.cfg.Now()) {
			// Whoever holds the lease may be the one that cannot execute it; the claim decides among the others.
			g.start(ctx, c)
			continue
		}
		step := g.recoveryStep(c, g.cfg.Now())
		if step == nil {
			continue
		}
		// The lease spares the others the work; the guarded moves are what makes it safe.
		now := g.cfg.Now()
		if held, err := g.cfg.Store.AcquireLease(ctx, recoveryLease, g.owner, now, now.Add(2*leaseDuration)); err != nil || !held {
			return errors.Join(append(errs, err)...)
		}
		if err := step(ctx, c); err != nil && !errors.Is(err, ErrMoved) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// recoveryOrder is 1 for a change whose remedy reads Defender, and 0 for the others.
func recoveryOrder(c Change) int {
	if c.State == Executing || c.State == Unknown {
		return 1
	}
	return 0
}

// recoveryStep says what has to be done about a change at this time, nil when nothing has.
func (g *Gate) recoveryStep(c Change, now time.Time) func(context.Context, Change) error {
	overdue := !c.Expires.After(now)
	switch {
	case c.State == Pending && overdue:
		return g.expirePending("nobody decided in time")
	case c.State == Approved && overdue:
		return g.expireApproved
	case c.State == Executing && !c.Lease.After(now):
		return g.takeOver
	case c.State == Unknown && g.isDue(c, now):
		return g.reconcile
	}
	return nil
}

func (g *Gate) expirePending(why string) func(context.Context, Change) error {
	return func(ctx context.Context, c Change) error {
		_, err := g.expire(ctx, c, why)
		return err
	}
}

// expireApproved ends a confirmed change that no process has claimed in time, and tells why this one did not.
func (g *Gate) expireApproved(ctx context.Context, c Change) error {
	why := "it was confirmed, but not started before it expired; nothing was sent"
	if err := g.canExecute(ctx, c); err != nil {
		why += ": " + err.Error()
	}
	_, err := g.expire(ctx, c, why)
	return err
}

// isUnclaimed reports whether a change was confirmed by a process that is gone, or that left it to another. Nothing
// of it was sent: only a claim leads to a write.
func (g *Gate) isUnclaimed(c Change, now time.Time) bool {
	return c.State == Approved && c.Expires.After(now) && c.Updated.Add(leaseDuration).Before(now)
}

// takeOver gives up on the process that was executing, and looks what it has done.
func (g *Gate) takeOver(ctx context.Context, c Change) error {
	out := &Outcome{
		State:  Unknown,
		Reason: "scanwarden stopped while this change was being sent",
		Next:   "Check in Defender whether it took effect; scanwarden keeps looking too.",
	}
	c, err := g.move(ctx, c, Move{To: Unknown, Outcome: out})
	if err != nil {
		return err
	}
	return g.reconcile(ctx, c)
}

// isDue says whether it is time to read again for a change of unknown outcome.
func (g *Gate) isDue(c Change, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	next, known := g.retries[c.ID]
	return now.Before(c.Updated.Add(reconcileLimit)) && (!known || !now.Before(next.at))
}

// readOutcome reads Defender for the trace of a change. What another change has already accounted for, or one that
// asks for the very same may have made, proves nothing.
func (g *Gate) readOutcome(ctx context.Context, c Change) Outcome {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	out := g.recoverPanic(ctx, c, g.cfg.Reconcile)
	if out.State != Applied || len(out.CreatedIDs) == 0 {
		return out
	}
	twin, err := g.findDuplicate(ctx, c, out.CreatedIDs)
	if err == nil && twin == "" {
		return out
	}
	reason := "another change, " + twin + ", asks for the same or has made what is to be seen"
	if err != nil {
		reason = "the ledger could not be asked whether another change made what is to be seen"
	}
	return Outcome{State: Unknown, Reason: reason, Next: "Check in Defender how many there are, before asking again."}
}

// findDuplicate finds another change that could explain what c seems to have made or, before c has made anything, one
// that is open and asks for the very same.
func (g *Gate) findDuplicate(ctx context.Context, c Change, made []string) (id string, err error) {
	states := []State{Approved, Executing, Unknown, Applied}
	if made == nil {
		states = []State{Pending, Approved, Executing, Unknown}
	}
	others, err := g.cfg.Store.Changes(ctx, Filter{States: states, Target: c.Target, Limit: 1000})
	if err != nil {
		return "", fmt.Errorf("look for a twin: %w", err)
	}
	for _, o := range others {
		same := o.State != Applied && o.Request.Path == c.Request.Path && bytes.Equal(o.Request.Body, c.Request.Body)
		claimed := slices.ContainsFunc(o.Outcome.CreatedIDs, func(id string) bool { return slices.Contains(made, id) })
		if o.ID != c.ID && o.Operation == c.Operation && (same || claimed) {
			return o.ID, nil
		}
	}
	return "", nil
}

// reconcile reads Defender and records what it shows. A missing trace is believed only after a grace: the
// write may still be on its way through the service.
func (g *Gate) reconcile(ctx context.Context, c Change) error {
	out := g.readOutcome(ctx, c)
	known := out.State == Applied || (out.State == Failed && !g.cfg.Now().Before(c.Updated.Add(settleGrace)))
	if !known {
		g.backOff(c)
		return nil
	}
	g.mu.Lock()
	delete(g.retries, c.ID)
	g.mu.Unlock()
	_, err := g.move(ctx, c, Move{To: out.State, Outcome: &out, Note: "settled by reading Defender"})
	return err
}

// backOff doubles the pause before the next look, from seconds to ten minutes, but never past the end of
// the grace, when the answer can first be a no.
func (g *Gate) backOff(c Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pause := min(max(pollInterval, 2*g.retries[c.ID].pause), 10*time.Minute)
	now := g.cfg.Now()
	at, end := now.Add(pause), c.Updated.Add(settleGrace)
	if now.Before(end) && at.After(end) {
		at = end
	}
	g.retries[c.ID] = retryState{at: at, pause: pause}
}
