package confirm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// lease keeps the claim that Gate.claim took (claim.go) on a change that this process executes, until release.
type lease struct {
	gate    *Gate
	id      string
	claimed time.Time       // when the change was claimed
	ctx     context.Context // ends when the lease is lost, so that a process that was paused sends nothing
	cancel  context.CancelCauseFunc
	timeout *time.Timer // cancels ctx when the renewals fail or hang
	done    chan struct{}

	mu        sync.Mutex
	change    Change    // as this process has last written it
	renewedAt time.Time // by this machine's monotonic clock
	expiresAt time.Time // as last written to the ledger
}

// errLeaseLost means that another process may be recovering the change already.
var errLeaseLost = errors.New("this process has lost its claim on the change")

// holdLease returns the lease of the claimed change c and renews it in the background until release is called.
func (g *Gate) holdLease(ctx context.Context, c Change) *lease {
	l := &lease{gate: g, id: c.ID, change: c, claimed: c.Updated, done: make(chan struct{}), renewedAt: time.Now(), expiresAt: c.Lease}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.timeout = time.AfterFunc(leaseDuration, func() { l.cancel(errLeaseLost) })
	go l.renewLoop()
	return l
}

// release stops the renewals and waits for them to end. The outcome is recorded afterwards.
func (l *lease) release() {
	l.cancel(nil)
	l.timeout.Stop()
	<-l.done
}

// renewLoop renews the lease until it is released or lost.
func (l *lease) renewLoop() {
	defer close(l.done)
	tick := time.NewTicker(leaseDuration / 4)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.renew(l.ctx); errors.Is(err, ErrMoved) {
			l.cancel(fmt.Errorf("%w: %w", errLeaseLost, err))
			return
		}
	}
}

// renew extends the lease in the ledger. It returns before the lease could have expired.
func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseDuration)
	defer cancel()
	began, until := time.Now(), l.gate.cfg.Now().Add(leaseDuration)
	if err := l.gate.cfg.Store.RenewLease(ctx, l.id, l.gate.owner, until); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewedAt, l.expiresAt = began, until
	l.timeout.Reset(leaseDuration - time.Since(began))
	return nil
}

// checkHeld returns nil if this process may send the change now: it holds the lease, and the approval is not too old.
// It asks the ledger if the last renewal is not recent.
func (l *lease) checkHeld(ctx context.Context) error {
	if err := context.Cause(l.ctx); err != nil {
		return err
	}
	now := l.gate.cfg.Now()
	if deadline := l.claimed.Add(l.gate.cfg.Policy.expires()); now.After(deadline) {
		return errors.New("the approval is too old: the change waited too long for its turn; ask for it again")
	}
	l.mu.Lock()
	// Both clocks are checked, because a machine that slept may have stopped one of them.
	recent := time.Since(l.renewedAt) < leaseDuration/2 && l.expiresAt.Sub(now) > leaseDuration/2
	l.mu.Unlock()
	if recent {
		return nil
	}
	if err := l.renew(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLeaseLost, err)
	}
	return nil
}

// BeforeSend must be called directly before a change is sent, and nothing is sent if it returns an error. It returns nil
// if this process may send the change now. It first records baseline with the change, durably, unless that is nil. See
// Change.Baseline.
type BeforeSend func(ctx context.Context, baseline json.RawMessage) error

// beforeSend implements BeforeSend. The recording comes first: it takes time, and what is checked must still hold
// when the change is sent.
func (l *lease) beforeSend(ctx context.Context, baseline json.RawMessage) error {
	if baseline != nil {
		if err := l.record(ctx, baseline); err != nil {
			return fmt.Errorf("record the live state before sending: %w", err)
		}
	}
	return l.checkHeld(ctx)
}

// record writes baseline to the ledger if this process still executes the change. That is a move, so that the audit log
// has it, but no transition that anybody waits for.
func (l *lease) record(ctx context.Context, baseline json.RawMessage) error {
	c := l.current()
	after, err := l.gate.cfg.Store.Move(ctx, c, Move{To: Executing, At: l.gate.cfg.Now(), Baseline: baseline})
	if errors.Is(err, ErrMoved) {
		return fmt.Errorf("%w: %w", errLeaseLost, err)
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change = after
	return nil
}

// current returns the change as this process has last written it.
func (l *lease) current() Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.change
}
