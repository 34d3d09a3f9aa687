package confirm

import "context"

// SealProposal sets the MAC of a change, as a process with this server key records it.
func SealProposal(key []byte, c *Change) { c.MAC = ProposalMAC(key, *c) }

// SealDecision sets the MAC of a decision on c, as a process with this server key records it.
func SealDecision(key []byte, c Change, d *Decision) { d.MAC = newRecordMAC(key).decision(c, *d) }

// SealOutcome returns the outcome of c as a process with this server key records it.
func SealOutcome(key []byte, c Change, o Outcome) *Outcome {
	o = newRecordMAC(key).sealOutcome(c, o)
	return &o
}

// SealLink sets the MAC of a link, as a process with this server key records it.
func SealLink(key []byte, l *Link) { l.MAC = newRecordMAC(key).link(*l) }

// RecoverOnce performs one round of recovery.
func RecoverOnce(ctx context.Context, g *Gate) error { return g.recoverAll(ctx) }

// Waiters returns how many Wait calls wait for a change.
func (g *Gate) Waiters(id string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w, ok := g.watches[id]; ok {
		return w.waiters
	}
	return 0
}
