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
	// look is how often Run looks for something to recover; looking costs one read.
	look = 2 * time.Second
	// grace is how long after a write of unknown outcome a missing trace of it is believed. It is longer than
	// the HTTP client waits for an answer, so that nothing of ours is under way any more.
	grace = 5 * time.Minute
	// glance bounds one look at Defender, so that a hanging one does not hold up the other changes.
	glance = 30 * time.Second
	// giveUp is when reading for an unknown outcome ends: a person has to look.
	giveUp = 24 * time.Hour
	// recoverer names the lease that one process of all holds while it recovers.
	recoverer = "recovery"
)

// reconcile is when to read again for one change, and how long to wait after that.
type reconcile struct {
	at    time.Time
	pause time.Duration
}

// Run recovers what is left behind, by this process or another, at once and then on a timer until ctx ends:
// overdue changes expire, approved ones that nobody claimed are run, and those whose process died in the
// middle become unknown and are settled by reading Defender.
func (g *Gate) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
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
	slices.SortStableFunc(kept, func(a, b Change) int { return looks(a) - looks(b) })
	for _, c := range kept {
		if g.unclaimed(c, g.cfg.Now()) {
			// Whoever holds the lease may be the one that cannot execute it; the claim decides among the others.
			g.start(ctx, c)
			continue
		}
		step := g.remedy(c, g.cfg.Now())
		if step == nil {
			continue
		}
		// The lease spares the others the work; the guarded moves are what makes it safe.
		now := g.cfg.Now()
		if held, err := g.cfg.Store.AcquireLease(ctx, recoverer, g.owner, now, now.Add(2*lease)); err != nil || !held {
			return errors.Join(append(errs, err)...)
		}
		if err := step(ctx, c); err != nil && !errors.Is(err, ErrMoved) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// looks is 1 for a change whose remedy reads Defender, and 0 for the others.
func looks(c Change) int {
	if c.State == Executing || c.State == Unknown {
		return 1
	}
	return 0
}

// remedy says what has to be done about a change at this time, nil when nothing has.
func (g *Gate) remedy(c Change, now time.Time) func(context.Context, Change) error {
	overdue := !c.Expires.After(now)
	switch {
	case c.State == Pending && overdue:
		return g.lapse("nobody decided in time")
	case c.State == Approved && overdue:
		return g.lapseUnsent
	case c.State == Executing && !c.Lease.After(now):
		return g.orphan
	case c.State == Unknown && g.due(c, now):
		return g.settle
	}
	return nil
}

func (g *Gate) lapse(why string) func(context.Context, Change) error {
	return func(ctx context.Context, c Change) error {
		_, err := g.expire(ctx, c, why)
		return err
	}
}

// lapseUnsent ends a confirmed change that no process has claimed in time, and tells why this one did not.
func (g *Gate) lapseUnsent(ctx context.Context, c Change) error {
	why := "it was confirmed, but not started before it expired; nothing was sent"
	if err := g.unable(ctx, c); err != nil {
		why += ": " + err.Error()
	}
	_, err := g.expire(ctx, c, why)
	return err
}

// unclaimed reports whether a change was confirmed by a process that is gone, or that left it to another. Nothing
// of it was sent: only a claim leads to a write.
func (g *Gate) unclaimed(c Change, now time.Time) bool {
	return c.State == Approved && c.Expires.After(now) && c.Updated.Add(lease).Before(now)
}

// orphan gives up on the process that was executing, and looks what it has done.
func (g *Gate) orphan(ctx context.Context, c Change) error {
	out := &Outcome{
		State:  Unknown,
		Reason: "scanwarden stopped while this change was being sent",
		Next:   "Check in Defender whether it took effect; scanwarden keeps looking too.",
	}
	c, err := g.move(ctx, c, Move{To: Unknown, Outcome: out})
	if err != nil {
		return err
	}
	return g.settle(ctx, c)
}

// due says whether it is time to read again for a change of unknown outcome.
func (g *Gate) due(c Change, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	next, known := g.recheck[c.ID]
	return now.Before(c.Updated.Add(giveUp)) && (!known || !now.Before(next.at))
}

// look reads Defender for the trace of a change. What another change has already accounted for, or one that
// asks for the very same may have made, proves nothing.
func (g *Gate) look(ctx context.Context, c Change) Outcome {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	out := g.protect(ctx, c, g.cfg.Reconcile)
	if out.State != Applied || len(out.CreatedIDs) == 0 {
		return out
	}
	twin, err := g.twin(ctx, c, out.CreatedIDs)
	if err == nil && twin == "" {
		return out
	}
	reason := "another change, " + twin + ", asks for the same or has made what is to be seen"
	if err != nil {
		reason = "the ledger could not be asked whether another change made what is to be seen"
	}
	return Outcome{State: Unknown, Reason: reason, Next: "Check in Defender how many there are, before asking again."}
}

// twin finds another change that could explain what c seems to have made or, before c has made anything, one
// that is open and asks for the very same.
func (g *Gate) twin(ctx context.Context, c Change, made []string) (id string, err error) {
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

// settle reads Defender and records what it shows. A missing trace is believed only after a grace: the
// write may still be on its way through the service.
func (g *Gate) settle(ctx context.Context, c Change) error {
	out := g.look(ctx, c)
	known := out.State == Applied || (out.State == Failed && !g.cfg.Now().Before(c.Updated.Add(grace)))
	if !known {
		g.postpone(c)
		return nil
	}
	g.mu.Lock()
	delete(g.recheck, c.ID)
	g.mu.Unlock()
	_, err := g.move(ctx, c, Move{To: out.State, Outcome: &out, Note: "settled by reading Defender"})
	return err
}

// postpone doubles the pause before the next look, from seconds to ten minutes, but never past the end of
// the grace, when the answer can first be a no.
func (g *Gate) postpone(c Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pause := min(max(look, 2*g.recheck[c.ID].pause), 10*time.Minute)
	now := g.cfg.Now()
	at, end := now.Add(pause), c.Updated.Add(grace)
	if now.Before(end) && at.After(end) {
		at = end
	}
	g.recheck[c.ID] = reconcile{at: at, pause: pause}
}
