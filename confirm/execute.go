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
// runs the change already, or if this process executes nothing. The end of ctx does not stop it: an
// execution outlives its caller. The values of ctx stay, so that progress still reaches a caller that listens.
func (g *Gate) start(ctx context.Context, c Change) {
	if g.cfg.Execute == nil {
		return
	}
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
