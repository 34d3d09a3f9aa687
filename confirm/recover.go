package confirm

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
// become unknown and are settled by reading Defender. Changes that ended before Config.Retention are removed. It returns
// an error at once in a process that only takes votes.
func (g *Gate) Run(ctx context.Context) error {
	if g.cfg.VoteOnly {
		return errors.New("a process that only takes votes recovers nothing; leave that to a server")
	}
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

// recoveryRound is one round of recovery.
type recoveryRound struct {
	*Gate
	others bool // another process holds it
	errs   []error
}

// recoverAll performs one round of recovery: state by state, each oldest first, however many changes there are. States
// whose recovery may have to wait for Defender come last. It returns all errors of the round, joined.
func (g *Gate) recoverAll(ctx context.Context) error {
	r := recoveryRound{Gate: g}
	for _, state := range []State{Pending, Approved, Executing, Unknown} {
		r.recoverState(ctx, state)
	}
	return errors.Join(r.errs...)
}

// recoverState recovers the changes in one state.
func (r *recoveryRound) recoverState(ctx context.Context, state State) {
	f := Filter{Target: r.cfg.Target, States: []State{state}}
	if state == Pending {
		f.ExpiredAt = r.cfg.Now() // all others wait for a decision
	}
	err := r.eachHead(ctx, f, func(h Head) error {
		if err := r.recoverOne(ctx, h); err != nil && !errors.Is(err, ErrMoved) { // the others are recovered all the same
			r.errs = append(r.errs, fmt.Errorf("recover change %s: %w", h.ID, err))
		}
		return ctx.Err()
	})
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("look for changes to recover: %w", err))
	}
}

// recoverOne does what recovery has to do about one change now. It reads the whole change only if there is something.
func (r *recoveryRound) recoverOne(ctx context.Context, h Head) error {
	if r.blockedError(h.ID) != nil {
		return nil
	}
	unclaimed, step := r.isUnclaimed(h, r.cfg.Now()), r.recoveryStep(h, r.cfg.Now())
	if step != nil {
		if err := r.acquire(ctx); err != nil {
			return err
		}
	}
	if !unclaimed && (step == nil || r.others) {
		return nil
	}
	c, err := r.cfg.Store.Change(ctx, h.ID)
	switch {
	case err != nil:
		return err
	case unclaimed && c.State == Approved:
		r.start(ctx, c)
		return nil
	}
	if step = r.recoveryStep(c.head(), r.cfg.Now()); step == nil {
		return nil // it was renewed or moved meanwhile
	}
	if err = step(ctx, c); errors.Is(err, ErrTampered) { // it was reported
		r.block(c.ID, err)
		return nil
	}
	return err
}

// acquire acquires or extends the lease of the recovery, or sets others. The lease only spares the other processes the
// work; the guarded moves make it safe. A change that no process has claimed needs none: the claim decides between
// processes, and the holder of the lease may be the one process that cannot execute it.
func (r *recoveryRound) acquire(ctx context.Context) error {
	if r.others {
		return nil
	}
	now := r.cfg.Now()
	held, err := r.cfg.Store.AcquireLease(ctx, recoveryLease, r.owner, now, now.Add(2*leaseDuration))
	r.others = err == nil && !held
	return err
}

// head returns the columns that recovery decides by.
func (c Change) head() Head {
	return Head{ID: c.ID, State: c.State, Created: c.Created, Expires: c.Expires, Lease: c.Lease, Updated: c.Updated}
}

// recoveryStep returns what recovery has to do about a change at this time, or nil if nothing.
func (g *Gate) recoveryStep(h Head, now time.Time) func(context.Context, Change) error {
	overdue := !h.Expires.After(now)
	switch {
	case h.State == Pending && overdue:
		return g.expirePending
	case h.State == Approved && overdue:
		return g.expireApproved
	case h.State == Executing && !h.Lease.After(now):
		return g.takeOver
	case h.State == Unknown && g.isDue(h, now):
		return g.reconcile
	}
	return nil
}

// isUnclaimed reports whether a change was approved by a process that has died since, or that left it to another one.
// Nothing of it was sent, because only a claim leads to a write. It may also wait for its turn in another process. A
// change that this process has put to a user in a terminal is unclaimed at once, because a terminal executes nothing.
func (g *Gate) isUnclaimed(h Head, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	grace := leaseDuration
	if _, ok := g.awaited[h.ID]; ok {
		grace = 0
	}
	return h.State == Approved && h.Expires.After(now) && h.Updated.Add(grace).Before(now) && !g.runs[h.ID]
}

// awaitTerminal records that c was proposed here, if it is put to a user in a terminal. Entries end with their change.
func (g *Gate) awaitTerminal(c Change) {
	if !slices.Contains(c.Channels, Terminal) {
		return
	}
	now := g.cfg.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.awaited, func(_ string, expires time.Time) bool { return !expires.After(now) })
	g.awaited[c.ID] = c.Expires
}

// expirePending ends a pending change after its expiry. It returns ErrTampered for one whose expiry may have been altered.
// One without a MAC, or of a server with another key, is expired all the same: nobody else would ever end it.
func (g *Gate) expirePending(ctx context.Context, c Change) error {
	err := g.mac.check(c.MAC, g.mac.proposal(c))
	if err != nil && !errors.Is(err, errOtherKey) && !errors.Is(err, errNoMAC) {
		return g.report(ctx, proposalError(c, err))
	}
	_, err = g.expire(ctx, c, reasonUndecided)
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
