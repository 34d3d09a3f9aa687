package confirm

// watch is the signal for those that wait for the next transition of one change.
type watch struct {
	moved    chan struct{} // closed at the transition
	watchers int
}

// watchChange returns a channel that is closed at the next transition of the change that this process makes. stop must
// be called when the caller no longer waits.
func (g *Gate) watchChange(id string) (moved <-chan struct{}, stop func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.watched[id]
	if w == nil {
		w = &watch{moved: make(chan struct{})}
		g.watched[id] = w
	}
	w.watchers++
	return w.moved, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if w.watchers--; w.watchers == 0 && g.watched[id] == w {
			delete(g.watched, id)
		}
	}
}

// broadcast wakes all that watch c, and then calls Config.OnTransition.
func (g *Gate) broadcast(c Change) {
	g.mu.Lock()
	if w := g.watched[c.ID]; w != nil {
		close(w.moved)
		delete(g.watched, c.ID)
	}
	g.mu.Unlock()
	if g.cfg.OnTransition != nil {
		g.cfg.OnTransition(c)
	}
}
