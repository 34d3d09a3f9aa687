package confirm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// claim is this process's hold on a change that it executes: a lease that is renewed for as long as it lasts.
type claim struct {
	gate   *Gate
	change Change
	ctx    context.Context // ends when the lease is lost, so that a process that was paused sends nothing
	lose   context.CancelCauseFunc
	alarm  *time.Timer // loses the claim when the renewals fail or hang
	ended  chan struct{}

	mu      sync.Mutex
	renewed time.Time // by this machine's monotonic clock
	until   time.Time // what the ledger was last told
}

// errLost says that another process may be looking into the change by now.
var errLost = errors.New("this process has lost its claim on the change")

// hold keeps the claim on c until release is called.
func (g *Gate) hold(ctx context.Context, c Change) *claim {
	cl := &claim{gate: g, change: c, ended: make(chan struct{}), renewed: time.Now(), until: c.Lease}
	cl.ctx, cl.lose = context.WithCancelCause(ctx)
	cl.alarm = time.AfterFunc(lease, func() { cl.lose(errLost) })
	go cl.keep()
	return cl
}

// release ends the renewals; the outcome is recorded after it.
func (cl *claim) release() {
	cl.lose(nil)
	cl.alarm.Stop()
	<-cl.ended
}

func (cl *claim) keep() {
	defer close(cl.ended)
	tick := time.NewTicker(lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-cl.ctx.Done():
			return
		case <-tick.C:
		}
		if err := cl.renew(cl.ctx); errors.Is(err, ErrMoved) {
			cl.lose(fmt.Errorf("%w: %w", errLost, err))
			return
		}
	}
}

// renew prolongs the lease. It never takes longer than what is left of it.
func (cl *claim) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	began, until := time.Now(), cl.gate.cfg.Now().Add(lease)
	if err := cl.gate.cfg.Store.RenewLease(ctx, cl.change.ID, cl.gate.owner, until); err != nil {
		return err
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.renewed, cl.until = began, until
	cl.alarm.Reset(lease - time.Since(began))
	return nil
}

// still says nil when this process may send now: its claim holds, by the ledger's word where the last one is
// not fresh, and the yes is not too old. Config.Execute calls it directly before it sends.
func (cl *claim) still(ctx context.Context) error {
	if err := context.Cause(cl.ctx); err != nil {
		return err
	}
	now := cl.gate.cfg.Now()
	if patience := cl.change.Updated.Add(cl.gate.cfg.Policy.expires()); now.After(patience) {
		return errors.New("the yes is too old by now: the change waited too long for its turn")
	}
	cl.mu.Lock()
	// A machine that slept may have stopped one of the clocks, hence both.
	fresh := time.Since(cl.renewed) < lease/2 && cl.until.Sub(now) > lease/2
	cl.mu.Unlock()
	if fresh {
		return nil
	}
	if err := cl.renew(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}
