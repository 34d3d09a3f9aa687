package confirm

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	// leaseDuration is how long a process that stopped renewing is still believed to be at work. Shorter only makes
	// recovery start earlier: recovery reads, so that it can never double a write.
	leaseDuration = 5 * time.Second
	// recordTimeout bounds how long the outcome of a write is offered to a ledger that does not take it.
	recordTimeout = 30 * time.Second
)

// start runs an approved change in a goroutine of the gate's own, which Drain waits for. The caller may go
// away: their context's values stay (progress is still shown to whoever listens), its end does not matter.
func (g *Gate) start(ctx context.Context, c Change) {
	ctx = context.WithoutCancel(ctx)
	g.running.Go(func() {
		if err := g.run(ctx, c); err != nil {
			g.cfg.Log.ErrorContext(ctx, "a confirmed change is left to recovery", "change", c.ID, "error", err)
		}
	})
}

// run claims an approved change, executes it and records how it ended. That another process claimed it first
// is no error, nor that it is left to one that can execute it.
func (g *Gate) run(ctx context.Context, c Change) error {
	if err := g.canExecute(ctx, c); err != nil {
		g.logSkipped(ctx, c, err)
		return nil
	}
	c, err := g.claim(ctx, c)
	if errors.Is(err, ErrMoved) {
		return nil
	}
	if err != nil || c.State != Executing {
		return err
	}
	claim := g.acquireLease(ctx, c)
	out := g.execute(claim)
	claim.release()
	return g.finish(ctx, c, out)
}

// claim makes this process the one that runs c, or fails it when it must not run.
func (g *Gate) claim(ctx context.Context, c Change) (Change, error) {
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return c, err
	}
	if out := e.preflight(c); out != nil {
		return g.move(ctx, c, Move{To: Failed, Outcome: out})
	}
	return g.move(ctx, c, Move{To: Executing, Unexpired: true, Owner: g.owner, Lease: g.cfg.Now().Add(leaseDuration)})
}

// preflight says why an approved change must not run: it is not what its digest says, policy does not allow it by
// now, or fewer people confirmed it than have to. nil means that it may.
func (e authorizer) preflight(c Change) *Outcome {
	digest, err := c.Proposal.Digest()
	j := e.requirementFor(c.ruleInput()).atLeast(c.Needed)
	switch {
	case err != nil || digest != c.Digest:
		return &Outcome{
			State:  Failed,
			Reason: "the kept change is not what was confirmed, so nothing was sent",
			Next:   "Run `scanwarden audit verify`: somebody may have altered the ledger.",
		}
	case j.refusal != nil:
		return &Outcome{
			State:  Failed,
			Reason: "nothing was sent, for the policy has become stricter: " + j.refusal.Error(),
			Next:   "Ask again once the policy allows it.",
		}
	case e.countApprovals(c) < j.needed:
		return &Outcome{
			State:  Failed,
			Reason: "it was confirmed by too few people, so nothing was sent (" + j.reason + ")",
			Next:   "Ask again; if neither the policy nor who is who was altered meanwhile, run `scanwarden audit verify`.",
		}
	}
	return nil
}

// execute calls Config.Execute and, when nobody can know the outcome, looks once right away.
func (g *Gate) execute(cl *lease) Outcome {
	out := g.recoverPanic(cl.ctx, cl.change, func(ctx context.Context, c Change) Outcome {
		return g.cfg.Execute(ctx, c, cl.checkHeld)
	})
	switch out.State {
	case Applied, Failed, Stale:
		return out
	}
	out.State = Unknown
	// That nothing is to be seen yet proves nothing this early: only good news is taken.
	if seen := g.readOutcome(context.WithoutCancel(cl.ctx), cl.change); seen.State == Applied {
		return seen
	}
	return out
}

// recoverPanic turns a panic into an unknown outcome: a bug must not take the other changes down, and a write
// may have left before it.
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

// finish records the outcome, and keeps offering it to a ledger in trouble for a while.
func (g *Gate) finish(ctx context.Context, c Change, out Outcome) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := g.record(ctx, c, out)
		if err == nil || errors.Is(err, ErrMoved) {
			return err // moved: recovery has settled it; the caller logs what it did not know
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("record outcome %q: %w", out.State, err)
		}
	}
}

// record moves an executing change to its outcome. When recovery has called it unknown meanwhile, the
// outcome of the one who knows still counts; it comes long before recovery may call the change failed, since
// every wait for Defender is far shorter than the grace.
func (g *Gate) record(ctx context.Context, c Change, out Outcome) error {
	_, err := g.move(ctx, c, Move{To: out.State, Outcome: &out})
	if !errors.Is(err, ErrMoved) {
		return err
	}
	now, readErr := g.cfg.Store.Change(ctx, c.ID)
	if readErr != nil {
		return readErr
	}
	if now.State != Unknown || now.Owner != g.owner || out.State == Unknown {
		return err
	}
	_, err = g.move(ctx, now, Move{To: out.State, Outcome: &out, Note: "the process that sent it came back"})
	return err
}

// Drain waits until this process executes nothing any more, or ctx ends. Call it after the faces have stopped.
func (g *Gate) Drain(ctx context.Context) error {
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
