package confirm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Cursor is a place in the order in which changes were proposed. The zero value is the place before the oldest change.
type Cursor struct {
	Created time.Time
	ID      string
}

// pageSize is how many changes EachChange holds in memory at a time. A proposal may be megabytes long.
const pageSize = 50

// EachChange calls yield for every change that matches f and was planned for this gate's tenant, oldest first. It reads
// them in pages, so that their number has no bound, and so that yield may move them. It ignores f.Limit. It stops at the
// first error of yield. Changes that cannot be read are left out; the error names them, after yield was called for all
// others.
func (g *Gate) EachChange(ctx context.Context, f Filter, yield func(Change) error) error {
	f.Target, f.Limit = g.cfg.Target, pageSize
	var unread []error
	for next := (Cursor{}); ; {
		page, last, err := g.cfg.Store.ChangePage(ctx, f, next)
		if err != nil {
			unread = append(unread, fmt.Errorf("list changes: %w", err))
		}
		for _, c := range page {
			if err := yield(c); err != nil {
				return errors.Join(append(unread, err)...)
			}
		}
		if next = last; next == (Cursor{}) {
			return errors.Join(unread...)
		}
	}
}
