package confirm

import (
	"context"
	"fmt"
	"slices"
)

// Changes lists the changes that were planned for this gate's tenant, newest first, as the ledger has them: one
// that is overdue may still be called pending, until Change or Run finds it.
func (g *Gate) Changes(ctx context.Context, f Filter) ([]Change, error) {
	f.Target = g.cfg.Target
	kept, err := g.cfg.Store.Changes(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	return kept, nil
}

// IsRequester reports whether a change was asked for by this person, by whichever principal of theirs.
func (g *Gate) IsRequester(ctx context.Context, c Change, by Principal) (bool, error) {
	e, err := g.loadAuthorizer(ctx)
	return err == nil && e.ids.samePerson(c.Requester, by), err
}

// OpenChanges lists the changes of one person that are not settled yet, newest first.
func (g *Gate) OpenChanges(ctx context.Context, by Principal) ([]Change, error) {
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return nil, err
	}
	var open []Change
	now, states := g.cfg.Now(), []State{Pending, Approved, Executing, Unknown}
	for _, principal := range e.ids.personOf(by).Principals {
		kept, err := g.cfg.Store.Changes(ctx, Filter{States: states, Requester: principal})
		if err != nil {
			return nil, fmt.Errorf("list open changes: %w", err)
		}
		for _, c := range kept {
			if c.State != Pending || c.Expires.After(now) {
				open = append(open, c)
			}
		}
	}
	slices.SortStableFunc(open, func(a, b Change) int { return b.Created.Compare(a.Created) })
	return open, nil
}
