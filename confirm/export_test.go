package confirm

// Waiters returns how many Wait calls wait for a change.
func (g *Gate) Waiters(id string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w, ok := g.watches[id]; ok {
		return w.waiters
	}
	return 0
}
