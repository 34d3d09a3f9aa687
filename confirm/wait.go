package confirm

import (
	"context"
	"time"
)

// watch is what the Wait calls of one change share: one of them reads the ledger for all.
type watch struct {
	waiters int           // guarded by Gate.mu; the watch is removed with the last one
	turn    chan struct{} // has one element unless a call reads for the others
	ended   chan struct{} // closed when the change is no longer open

	// Guarded by Gate.mu.
	transition chan struct{} // closed and replaced at each transition of the change in this process
	last       Change        // as last read; ID is "" before
}

// Wait returns the change as soon as it is no longer open, or its current state when ctx ends. Transitions made by
// other processes are noticed within a second. It returns ErrTampered for an open change that does not verify. However
// many calls wait for a change, one of them reads it from the
// ledger.
func (g *Gate) Wait(ctx context.Context, id string) (Change, error) {
	w := g.joinWatch(id)
	defer g.leaveWatch(id, w)
	select {
	case <-w.turn:
		return g.readUntilEnded(ctx, id, w)
	case <-w.ended:
	case <-ctx.Done():
	}
	if c := g.lastRead(w); c.ID != "" {
		return c, nil
	}
	return g.Change(context.WithoutCancel(ctx), id) // ctx ended before the first read
}

// readUntilEnded reads the change at each of its transitions, and every second, until it is no longer open or ctx
// ends. Then another waiting call continues. The caller must have taken w.turn.
func (g *Gate) readUntilEnded(ctx context.Context, id string, w *watch) (Change, error) {
	defer func() { w.turn <- struct{}{} }() // also after a panic
	for {
		next := g.nextTransition(w)
		c, err := g.Change(context.WithoutCancel(ctx), id)
		if err == nil && c.State.Open() {
			err = g.blockedError(id)
		}
		if err != nil {
			return c, err
		}
		if g.publish(w, c); !c.State.Open() {
			return c, nil
		}
		poll := time.NewTimer(g.pollPause(c))
		select {
		case <-next:
		case <-poll.C:
		case <-ctx.Done():
			poll.Stop()
			return c, nil
		}
		poll.Stop()
	}
}

// pollPause returns how long to wait before an open change is read again: a second, or less for a pending change that
// expires before. Only a pending change reads as expired by the time alone; recovery ends the others.
func (g *Gate) pollPause(c Change) time.Duration {
	if left := c.Expires.Sub(g.cfg.Now()); c.State == Pending && left < time.Second {
		return max(0, left) + time.Millisecond
	}
	return time.Second
}

// publish records what was read of a change, and wakes the waiting calls if it is no longer open.
func (g *Gate) publish(w *watch, c Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ended := w.last.ID != "" && !w.last.State.Open()
	if w.last = c; !c.State.Open() && !ended {
		close(w.ended)
	}
}

func (g *Gate) lastRead(w *watch) Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	return w.last
}

// joinWatch returns the watch of a change, and creates it for its first waiting call.
func (g *Gate) joinWatch(id string) *watch {
	g.mu.Lock()
	defer g.mu.Unlock()
	w, ok := g.watches[id]
	if !ok {
		w = &watch{turn: make(chan struct{}, 1), ended: make(chan struct{}), transition: make(chan struct{})}
		w.turn <- struct{}{}
		g.watches[id] = w
	}
	w.waiters++
	return w
}

func (g *Gate) leaveWatch(id string, w *watch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.waiters--; w.waiters == 0 {
		delete(g.watches, id)
	}
}

// nextTransition returns a channel that is closed at the next transition of the change that this process makes.
func (g *Gate) nextTransition(w *watch) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return w.transition
}

// wakeLocked wakes the Wait calls of a change. The caller holds g.mu.
func (g *Gate) wakeLocked(id string) {
	if w, ok := g.watches[id]; ok {
		close(w.transition)
		w.transition = make(chan struct{})
	}
}

// broadcast wakes the Wait calls of the change and then calls Config.OnTransition.
func (g *Gate) broadcast(c Change) {
	g.mu.Lock()
	g.wakeLocked(c.ID)
	g.mu.Unlock()
	if g.cfg.OnTransition != nil {
		g.cfg.OnTransition(c)
	}
}
