package confirm

import (
	"context"
	"maps"
	"time"
)

// unable says why this process cannot execute a change now, nil when it can.
func (g *Gate) unable(ctx context.Context, c Change) error {
	if g.cfg.CanExecute == nil {
		return nil
	}
	return g.cfg.CanExecute(ctx, c)
}

// ableFor refuses a proposal that this process could not execute: nobody is asked in vain.
func (g *Gate) ableFor(ctx context.Context, by Requester) error {
	if err := g.able(); err != nil {
		return err
	}
	if err := g.unable(ctx, Change{Requester: by.Principal, Agent: by.Agent}); err != nil {
		return refused(err)
	}
	return nil
}

// leave tells once that a change is left to another process: recovery comes by every few seconds.
func (g *Gate) leave(ctx context.Context, c Change, why error) {
	now := g.cfg.Now()
	g.mu.Lock()
	_, told := g.left[c.ID]
	g.left[c.ID] = c.Expires
	maps.DeleteFunc(g.left, func(_ string, expires time.Time) bool { return !expires.After(now) })
	g.mu.Unlock()
	if !told {
		g.cfg.Log.InfoContext(ctx, "a confirmed change is left to another process", "change", c.ID, "reason", why)
	}
}
