package confirm

import (
	"context"
	"maps"
	"time"
)

// canExecute says why this process cannot execute a change now, nil when it can.
func (g *Gate) canExecute(ctx context.Context, c Change) error {
	if g.cfg.CanExecute == nil {
		return nil
	}
	return g.cfg.CanExecute(ctx, c)
}

// checkCanExecute refuses a proposal that this process could not execute: nobody is asked in vain.
func (g *Gate) checkCanExecute(ctx context.Context, by Requester) error {
	if err := g.checkWritable(); err != nil {
		return err
	}
	if err := g.canExecute(ctx, Change{Requester: by.Principal, Agent: by.Agent}); err != nil {
		return asRefusal(err)
	}
	return nil
}

// logSkipped tells once that a change is left to another process: recovery comes by every few seconds.
func (g *Gate) logSkipped(ctx context.Context, c Change, why error) {
	now := g.cfg.Now()
	g.mu.Lock()
	_, told := g.skipped[c.ID]
	g.skipped[c.ID] = c.Expires
	maps.DeleteFunc(g.skipped, func(_ string, expires time.Time) bool { return !expires.After(now) })
	g.mu.Unlock()
	if !told {
		g.cfg.Log.InfoContext(ctx, "a confirmed change is left to another process", "change", c.ID, "reason", why)
	}
}
