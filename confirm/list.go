package confirm

import (
	"context"
	"fmt"
	"slices"
)

// Changes returns the changes that were planned for this gate's tenant, newest first, as the ledger has them. A change
// past its expiry may still be pending there, until Change or Run expires it. A change that does not verify is withheld:
// see Withhold.
func (g *Gate) Changes(ctx context.Context, f Filter) ([]Change, error) {
	f.Target = g.cfg.Target
	changes, err := g.cfg.Store.Changes(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	g.withholdAltered(ctx, changes)
	return changes, nil
}

// IsRequester reports whether the principal, or another one of the same person, proposed the change.
func (g *Gate) IsRequester(ctx context.Context, c Change, by Principal) (bool, error) {
	a, err := g.loadAuthorizer(ctx)
	return err == nil && a.ids.samePerson(c.Requester, by), err
}

// OpenChanges returns the changes of one person that are not settled yet, newest first. A change that does not verify is
// withheld: see Withhold.
func (g *Gate) OpenChanges(ctx context.Context, by Principal) ([]Change, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return nil, err
	}
	var open []Change
	now, states := g.cfg.Now(), []State{Pending, Approved, Executing, Unknown}
	for _, principal := range a.ids.personOf(by).Principals {
		changes, err := g.cfg.Store.Changes(ctx, Filter{States: states, Requester: principal})
		if err != nil {
			return nil, fmt.Errorf("list open changes: %w", err)
		}
		g.withholdAltered(ctx, changes)
		for _, c := range changes {
			if c.State != Pending || c.Expires.After(now) {
				open = append(open, c)
			}
		}
	}
	slices.SortStableFunc(open, func(a, b Change) int { return b.Created.Compare(a.Created) })
	return open, nil
}
