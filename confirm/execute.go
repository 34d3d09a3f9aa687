package confirm

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	// leaseDuration is how long a process that stopped renewing is still assumed to be at work. A shorter one only makes
	// recovery start earlier: recovery reads, so that it can never double a write.
	leaseDuration = 5 * time.Second
	// recordTimeout bounds how long recording the outcome of a write is retried.
	recordTimeout = 30 * time.Second
)

// start executes an approved change in a new goroutine, which Drain waits for. It does nothing if one of this process
// runs the change already. The end of ctx does not stop it: an
// execution outlives its caller. The values of ctx stay, so that progress still reaches a caller that listens.
func (g *Gate) start(ctx context.Context, c Change) {
	ctx = context.WithoutCancel(ctx)
	end, ok := g.beginRun(c.ID)
	if !ok {
		return
	}
	g.running.Go(func() {
		defer end()
		if err := g.run(ctx, c); err != nil {
			g.cfg.Log.ErrorContext(ctx, "a confirmed change is left to recovery", "change", c.ID, "error", err)
		}
	})
}

// run claims an approved change, executes it and records the outcome. It returns nil if another process claimed the
// change first, or if this process cannot execute it or is stopping and leaves it to another.
func (g *Gate) run(ctx context.Context, c Change) error {
	if err := g.canExecute(ctx, c); err != nil {
		g.logSkipped(ctx, c, err)
		return nil
	}
	c, err := g.claimInTurn(ctx, c)
	switch {
	case errors.Is(err, ErrMoved), errors.Is(err, errStopping):
		return nil
	case errors.Is(err, ErrTampered): // it was reported
		g.block(c.ID, err)
		return nil
	case errors.Is(err, ErrUnavailable):
		g.logSkipped(ctx, c, err)
		return nil
	}
	if err != nil || c.State != Executing || c.Owner != g.owner {
		return err // it has ended, or another process claimed it during the wait
	}
	l := g.holdLease(ctx, c)
	out := g.execute(l)
	l.release()
	return g.finish(ctx, l.current(), out)
}

// claim moves c to Executing by this process, which then holds the keys of c. It moves c to Failed instead if c must not
// be executed. It returns a *BusyError while another change holds one of the keys. A change never goes back to Pending,
// so that a change in an earlier state than the audit log has always shows tampering. The Store refuses the claim of a
// change that is not as the audit log left it, such as one that was executed before.
func (g *Gate) claim(ctx context.Context, c Change) (Change, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return c, err
	}
	out, err := g.preflight(ctx, a, c)
	if err != nil {
		return c, err
	}
	if out != nil {
		return g.move(ctx, c, Move{To: Failed, Outcome: out})
	}
	return g.move(ctx, c, Move{
		To: Executing, Unexpired: true, Owner: g.owner, Lease: g.cfg.Now().Add(leaseDuration),
		Keys: c.claimKeys(),
	})
}

// preflight returns nil if an approved change may be executed. Otherwise it returns the outcome to record: c does not
// verify, policy no longer allows it, or too few approvals count now. It returns ErrTampered for a change of a server
// with another key, and ErrUnavailable if Config.Standing could not check an approval that is needed.
func (g *Gate) preflight(ctx context.Context, a authorizer, c Change) (*Outcome, error) {
	if err := g.report(ctx, g.mac.verifyChange(c)); err != nil {
		var t tamperingError
		if errors.As(err, &t) && t.OtherKey {
			return nil, err // left to the server that has the key
		}
		return &Outcome{State: Failed, Reason: err.Error(), Next: "Run `scanwarden audit verify`: the ledger may have been altered."}, nil
	}
	need := a.requirementFor(c.ruleInput()).atLeast(c.Needed)
	if need.refusal != nil {
		return &Outcome{
			State:  Failed,
			Reason: "nothing was sent, because the policy has become stricter: " + need.refusal.Error(),
			Next:   "Ask again once the policy allows it.",
		}, nil
	}
	counted, dropped := a.countedApprovals(c)
	counted, removed, unknown := g.checkStanding(ctx, counted)
	switch {
	case len(counted) >= need.needed:
		return nil, nil
	case len(counted)+len(unknown) >= need.needed:
		return nil, errors.Join(unknown...)
	}
	reason := fmt.Sprintf("it was confirmed by too few people, so nothing was sent (%s)", need.reason)
	for _, err := range append(dropped, removed...) {
		reason += "; " + err.Error()
	}
	return &Outcome{
		State: Failed, Reason: reason,
		Next: "Ask again; if neither the policy nor the account links were altered meanwhile, run `scanwarden audit verify`.",
	}, nil
}

// standingTimeout bounds all calls of Config.Standing for one claim.
const standingTimeout = 10 * time.Second

// checkStanding calls Config.Standing for each approval. It returns those that count, why others do not, and why it
// cannot be known for the rest.
func (g *Gate) checkStanding(ctx context.Context, approvals []Decision) (counted []Decision, removed, unknown []error) {
	if g.cfg.Standing == nil {
		return approvals, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, standingTimeout)
	defer cancel()
	for _, d := range approvals {
		switch err := g.cfg.Standing(ctx, d); {
		case err == nil:
			counted = append(counted, d)
		case errors.Is(err, ErrUnavailable):
			unknown = append(unknown, fmt.Errorf("whether %s may still approve is not known: %w", d.Principal, err))
		default:
			removed = append(removed, fmt.Errorf("the approval of %s no longer counts: %w", d.Principal, err))
		}
	}
	return counted, removed, unknown
}

// execute returns the outcome of Config.Execute. If that is unknown, it reads Defender once, right away.
func (g *Gate) execute(l *lease) Outcome {
	out := g.recoverPanic(l.ctx, l.current(), func(ctx context.Context, c Change) Outcome {
		return g.cfg.Execute(ctx, c, l.beforeSend)
	})
	switch out.State {
	case Applied, Failed, Stale:
		return out
	}
	out.State = Unknown
	// A missing trace proves nothing this early, so only Applied is accepted.
	if seen := g.readOutcome(context.WithoutCancel(l.ctx), l.current()); seen.State == Applied {
		return seen
	}
	return out
}

// recoverPanic returns what do returns, and an unknown outcome if it panics. A bug must not stop the other changes, and
// a write may have been sent before it.
func (g *Gate) recoverPanic(ctx context.Context, c Change, do func(context.Context, Change) Outcome) (out Outcome) {
	defer func() {
		if p := recover(); p != nil {
			g.cfg.Log.ErrorContext(ctx, "panic while executing", "change", c.ID, "panic", p, "stack", string(debug.Stack()))
			out = Outcome{
				State:  Unknown,
				Reason: "scanwarden failed in the middle of this change",
				Next:   "Check in Defender whether it took effect, and report this as a bug.",
			}
		}
	}()
	return do(ctx, c)
}

// finish records the outcome. It retries for up to recordTimeout while the ledger returns errors.
func (g *Gate) finish(ctx context.Context, c Change, out Outcome) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := g.record(ctx, c, out)
		if err == nil || errors.Is(err, ErrMoved) {
			return err // ErrMoved: recovery has settled it; the caller logs the outcome that was not recorded
		}
		if !sleep(ctx, wait) {
			return fmt.Errorf("record outcome %q: %w", out.State, err)
		}
	}
}

// sleep waits for d and reports true, or false as soon as ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// record moves an executing change to its outcome. If the change is no longer as it was last written by this process,
// record reads it. An outcome that is already recorded stays. If recovery has moved the change to Unknown meanwhile, the
// outcome still counts, because this process knows it. It arrives before recovery may fail the change, since every wait
// for Defender is far shorter than settleGrace.
func (g *Gate) record(ctx context.Context, c Change, out Outcome) error {
	_, err := g.move(ctx, c, Move{To: out.State, Outcome: &out})
	if !errors.Is(err, ErrMoved) && !errors.Is(err, ErrUnknownCommit) {
		return err
	}
	now, readErr := g.cfg.Store.Change(ctx, c.ID)
	switch {
	case readErr != nil:
		return readErr
	case now.Owner != g.owner:
		return err
	case now.State == out.State: // the answer was lost, and the record is there
		g.broadcast(now)
		return nil
	case now.State == Executing: // the answer to the record of the baseline was lost
		_, err = g.move(ctx, now, Move{To: out.State, Outcome: &out})
	case now.State == Unknown:
		_, err = g.move(ctx, c.recoveredAs(now), Move{To: out.State, Outcome: &out, Note: "the process that sent it came back"})
	}
	return err
}

// Drain waits until this process executes no change, or ctx ends. A change that waits for its turn is left to other
// processes. Call Drain after the interfaces have stopped.
func (g *Gate) Drain(ctx context.Context) error {
	g.stop.Do(func() { close(g.stopping) })
	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain: changes are still being executed and are left to recovery: %w", ctx.Err())
	}
}
