package confirm

import (
	"context"
	"fmt"
)

// Changes lists the changes that were planned for this gate's tenant, newest first, as the ledger has them: one
// that is overdue may still be called pending, until Change or Run finds it.
func (g *Gate) Changes(ctx context.Context, f Filter) ([]Change, error) {
	f.Target = g.cfg.Target
	kept, err := g.cfg.Ledger.Changes(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	return kept, nil
}
