package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// pageSize is how many changes are looked up at a time.
const pageSize = 200

// EachChange calls yield for every change that matches f and was planned for this gate's tenant, oldest first. It looks
// them up in pages and reads one at a time: their number has no bound, a proposal may be megabytes long, and yield may
// move them. It ignores f.Limit. It stops at the first error of yield. Changes that cannot be read are left out; the
// error names them, after yield was called for all others. Changes that do not verify are left out and reported.
func (g *Gate) EachChange(ctx context.Context, f Filter, yield func(Change) error) error {
	f.Target = g.cfg.Target
	var unread []error
	err := g.eachHead(ctx, f, func(h Head) error {
		c, err := g.cfg.Store.Change(ctx, h.ID)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrNotFound): // it was removed meanwhile
			return nil
		case err != nil:
			unread = append(unread, err)
			return nil
		case len(f.States) > 0 && !slices.Contains(f.States, c.State): // it was moved meanwhile
			return nil
		case g.report(ctx, g.mac.verifyRow(c)) != nil:
			return nil
		}
		return yield(c)
	})
	return errors.Join(append(unread, err)...)
}

// eachHead calls yield for the head of every change that matches f, oldest first. It ignores f.Limit. It stops at the
// first error of yield.
func (g *Gate) eachHead(ctx context.Context, f Filter, yield func(Head) error) error {
	f.Limit = pageSize
	for next := (Cursor{}); ; {
		page, last, err := g.cfg.Store.Heads(ctx, f, next)
		if err != nil {
			return fmt.Errorf("list changes: %w", err)
		}
		for _, h := range page {
			if err := yield(h); err != nil {
				return err
			}
		}
		if next = last; next == (Cursor{}) {
			return nil
		}
	}
}
