package confirm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// lease is this process's hold on a change that it executes: a lease that is renewed for as long as it lasts.
type lease struct {
	gate    *Gate
	change  Change
	ctx     context.Context // ends when the lease is lost, so that a process that was paused sends nothing
	cancel  context.CancelCauseFunc
	timeout *time.Timer // loses the claim when the renewals fail or hang
	done    chan struct{}

	mu        sync.Mutex
	renewedAt time.Time // by this machine's monotonic clock
	expiresAt time.Time // what the ledger was last told
}

// errLeaseLost says that another process may be looking into the change by now.
var errLeaseLost = errors.New("this process has lost its claim on the change")

// acquireLease keeps the claim on c until release is called.
func (g *Gate) acquireLease(ctx context.Context, c Change) *lease {
	cl := &lease{gate: g, change: c, done: make(chan struct{}), renewedAt: time.Now(), expiresAt: c.Lease}
	cl.ctx, cl.cancel = context.WithCancelCause(ctx)
	cl.timeout = time.AfterFunc(leaseDuration, func() { cl.cancel(errLeaseLost) })
	go cl.renewLoop()
	return cl
}

// release ends the renewals; the outcome is recorded after it.
func (cl *lease) release() {
	cl.cancel(nil)
	cl.timeout.Stop()
	<-cl.done
}

func (cl *lease) renewLoop() {
	defer close(cl.done)
	tick := time.NewTicker(leaseDuration / 4)
	defer tick.Stop()
	for {
		select {
		case <-cl.ctx.Done():
			return
		case <-tick.C:
		}
		if err := cl.renew(cl.ctx); errors.Is(err, ErrMoved) {
			cl.cancel(fmt.Errorf("%w: %w", errLeaseLost, err))
			return
		}
	}
}

// renew prolongs the lease. It never takes longer than what is left of it.
func (cl *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseDuration)
	defer cancel()
	began, until := time.Now(), cl.gate.cfg.Now().Add(leaseDuration)
	if err := cl.gate.cfg.Store.RenewLease(ctx, cl.change.ID, cl.gate.owner, until); err != nil {
		return err
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.renewedAt, cl.expiresAt = began, until
	cl.timeout.Reset(leaseDuration - time.Since(began))
	return nil
}

// checkHeld says nil when this process may send now: its claim holds, by the ledger's word where the last one is
// not fresh, and the yes is not too old. Config.Execute calls it directly before it sends.
func (cl *lease) checkHeld(ctx context.Context) error {
	if err := context.Cause(cl.ctx); err != nil {
		return err
	}
	now := cl.gate.cfg.Now()
	if patience := cl.change.Updated.Add(cl.gate.cfg.Policy.expires()); now.After(patience) {
		return errors.New("the yes is too old by now: the change waited too long for its turn")
	}
	cl.mu.Lock()
	// A machine that slept may have stopped one of the clocks, hence both.
	fresh := time.Since(cl.renewedAt) < leaseDuration/2 && cl.expiresAt.Sub(now) > leaseDuration/2
	cl.mu.Unlock()
	if fresh {
		return nil
	}
	if err := cl.renew(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLeaseLost, err)
	}
	return nil
}
