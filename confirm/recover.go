package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// pollInterval is the time between two rounds of recovery. A round without work costs one read.
	pollInterval = 2 * time.Second
	// recoveryLease names the lease that one process holds while it recovers.
	recoveryLease = "recovery"
)

// Run recovers the changes that this process or another one left behind, at once and then on a timer until ctx ends.
// Overdue changes expire. Approved ones that no process claimed are executed. Executing ones without a live process
// become unknown and are settled by reading Defender. Changes that ended before Config.Retention are removed.
func (g *Gate) Run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	retention := retentionPass{gate: g}
	for {
		if err := errors.Join(g.recoverAll(ctx), retention.removeBatch(ctx)); err != nil && ctx.Err() == nil {
			g.cfg.Log.WarnContext(ctx, "recovery will try again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// recoverAll performs one round of recovery. It returns all errors of the round, joined.
func (g *Gate) recoverAll(ctx context.Context) error {
	states := []State{Pending, Approved, Executing, Unknown}
	changes, err := g.cfg.Store.Changes(ctx, Filter{States: states, Target: g.cfg.Target, Limit: 1000})
	var errs []error
	if err != nil { // the changes that could be read are recovered all the same
		errs = append(errs, fmt.Errorf("look for changes to recover: %w", err))
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return recoveryOrder(a) - recoveryOrder(b) })
	for _, c := range changes {
		if g.isUnclaimed(c, g.cfg.Now()) {
			// No recovery lease is needed: the claim decides between processes, and the holder of that lease may be
			// the one process that cannot execute c.
			g.start(ctx, c)
			continue
		}
		step := g.recoveryStep(c, g.cfg.Now())
		if step == nil {
			continue
		}
		// The lease only spares the other processes the work; the guarded moves make it safe.
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

// recoveryOrder returns 1 if recovering c reads Defender, which may take long, and 0 otherwise. Changes with 0 come
// first.
func recoveryOrder(c Change) int {
	if c.State == Executing || c.State == Unknown {
		return 1
	}
	return 0
}

// recoveryStep returns what recovery has to do about c at this time, or nil if nothing.
func (g *Gate) recoveryStep(c Change, now time.Time) func(context.Context, Change) error {
	overdue := !c.Expires.After(now)
	switch {
	case c.State == Pending && overdue:
		return g.expirePending
	case c.State == Approved && overdue:
		return g.expireApproved
	case c.State == Executing && !c.Lease.After(now):
		return g.takeOver
	case c.State == Unknown && g.isDue(c, now):
		return g.reconcile
	}
	return nil
}

// isUnclaimed reports whether c was approved by a process that has died since, or that left it to another one. Nothing
// of it was sent, because only a claim leads to a write.
func (g *Gate) isUnclaimed(c Change, now time.Time) bool {
	return c.State == Approved && c.Expires.After(now) && c.Updated.Add(leaseDuration).Before(now)
}

func (g *Gate) expirePending(ctx context.Context, c Change) error {
	_, err := g.expire(ctx, c, reasonUndecided)
	return err
}

// expireApproved ends an approved change that no process has claimed in time. The reason includes why this process did
// not.
func (g *Gate) expireApproved(ctx context.Context, c Change) error {
	why := "it was confirmed, but not started before it expired; nothing was sent"
	if err := g.canExecute(ctx, c); err != nil {
		why += ": " + err.Error()
	}
	_, err := g.expire(ctx, c, why)
	return err
}

// takeOver moves an executing change with an expired lease to Unknown, and then reconciles it.
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
