package confirm

import (
	"context"
	"errors"
	"maps"
	"time"
)

// checkWritable returns a refusal if this process cannot execute changes.
func (g *Gate) checkWritable() error {
	switch {
	case g.cfg.VoteOnly:
		return asRefusal(errors.New("this process takes decisions only; propose the change on a server"))
	case g.cfg.Execute == nil:
		return asRefusal(errors.New("this server is read-only; ask on one that is not"))
	}
	return nil
}

// canExecute returns nil if this process can execute c now. See Config.CanExecute.
func (g *Gate) canExecute(ctx context.Context, c Change) error {
	if g.cfg.CanExecute == nil {
		return nil
	}
	return g.cfg.CanExecute(ctx, c)
}

// checkCanExecute returns a refusal if this process could not execute a change that by proposes, so that approvers are
// not asked in vain.
func (g *Gate) checkCanExecute(ctx context.Context, by Requester) error {
	if err := g.checkWritable(); err != nil {
		return err
	}
	if err := g.canExecute(ctx, Change{Requester: by.Principal, Agent: by.Agent}); err != nil {
		return asRefusal(err)
	}
	return nil
}

// logSkipped logs once per change that it is left to another process. Recovery retries every few seconds and would
// repeat the line.
func (g *Gate) logSkipped(ctx context.Context, c Change, why error) {
	now := g.cfg.Now()
	g.mu.Lock()
	_, logged := g.skipped[c.ID]
	g.skipped[c.ID] = c.Expires
	maps.DeleteFunc(g.skipped, func(_ string, expires time.Time) bool { return !expires.After(now) })
	g.mu.Unlock()
	if !logged {
		g.cfg.Log.InfoContext(ctx, "a confirmed change is left to another process", "change", c.ID, "reason", why)
	}
}
