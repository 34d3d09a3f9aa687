package confirm

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
)

// CanPropose refuses, with ErrRefused, what nobody could ever confirm, whoever may not ask, or what would bury
// people under questions. A face asks it before it plans; Propose asks it again, and then the rules of the policy
// too, which look at the plan.
func (g *Gate) CanPropose(ctx context.Context, operation string, by Requester) error {
	if err := g.checkCanExecute(ctx, by); err != nil {
		return err
	}
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return err
	}
	base := Policy{Required: e.Required}
	if err := e.checkProposal(base.requirementFor(RuleInput{Operation: operation}), by); err != nil {
		return asRefusal(err)
	}
	return g.checkOpenLimit(ctx, by.Principal, nil)
}

// checkProposal says nil when somebody may ask for a change that is judged so, and there are people to confirm it.
func (e authorizer) checkProposal(j requirement, by Requester) error {
	if err := e.mayRequest(by); err != nil {
		return err
	}
	if j.refusal != nil {
		return j.refusal
	}
	return e.checkReachable(j, by)
}

// Propose keeps a change so that people can be asked, and returns it pending. When it refuses, it keeps nothing.
func (g *Gate) Propose(ctx context.Context, p Proposal, by Requester) (Change, error) {
	if err := g.checkCanExecute(ctx, by); err != nil {
		return Change{}, err
	}
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return Change{}, err
	}
	now := g.cfg.Now()
	c := Change{
		Proposal: p, Requester: by.Principal, RequesterAlso: e.ids.aliases(by.Principal),
		Source: by.Source, Local: by.Local, Agent: by.Agent, Channels: e.usableChannels(by),
		Created: now, Updated: now, Expires: now.Add(g.cfg.Policy.expires()), State: Pending, Code: newCode(),
	}
	j := e.requirementFor(c.ruleInput())
	if err := e.checkProposal(j, by); err != nil {
		return Change{}, asRefusal(err)
	}
	if c.ID, err = newID(now, rand.Reader); err != nil {
		return Change{}, err
	}
	if err := g.insert(ctx, &c, j); err != nil {
		return Change{}, err
	}
	g.broadcast(c)
	return c, nil
}

// insert writes a new change into the ledger, with what people have to be told of it besides the plan.
func (g *Gate) insert(ctx context.Context, c *Change, j requirement) error {
	others, done := g.reserve(c.Requester, c.ID)
	defer done()
	if err := g.checkOpenLimit(ctx, c.Requester, others); err != nil {
		return err
	}
	if err := g.warnDuplicate(ctx, &c.Proposal, c.ID); err != nil {
		return err
	}
	if c.Needed = j.needed; j.raised {
		c.Warnings = append(slices.Clip(c.Warnings), j.reason)
	}
	var err error
	if c.Digest, err = c.Proposal.Digest(); err != nil {
		return err
	}
	if err := g.cfg.Store.Insert(ctx, *c); err != nil {
		return fmt.Errorf("keep change: %w", err)
	}
	return nil
}

// warnDuplicate tells people when the very same change is already open: a client that gave up waiting may have
// asked again, and confirming both would do it twice.
func (g *Gate) warnDuplicate(ctx context.Context, p *Proposal, id string) error {
	twin, err := g.findDuplicate(ctx, Change{ID: id, Proposal: *p}, nil)
	if err == nil && twin != "" {
		p.Warnings = append([]string{"the very same change is already open (" + twin + "): confirm only one of them"}, p.Warnings...)
	}
	return err
}

// reserve puts a proposal among those of its requester that are being kept at this moment, and returns the
// others: many at once must not slip past the limit together.
func (g *Gate) reserve(by Principal, id string) (others []string, done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	others = slices.Clone(g.reserved[by])
	g.reserved[by] = append(g.reserved[by], id)
	return others, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		left := slices.DeleteFunc(g.reserved[by], func(other string) bool { return other == id })
		if g.reserved[by] = left; len(left) == 0 {
			delete(g.reserved, by)
		}
	}
}

// checkOpenLimit refuses when the requester has too many changes open; of the others it is not known yet whether
// they are in the ledger.
func (g *Gate) checkOpenLimit(ctx context.Context, by Principal, others []string) error {
	limit, now := g.cfg.Policy.maxOpen(), g.cfg.Now()
	open, err := g.cfg.Store.Changes(ctx, Filter{States: []State{Pending}, Requester: by, Limit: 2 * limit})
	if err != nil {
		return fmt.Errorf("count open changes: %w", err)
	}
	waiting := len(others)
	for _, c := range open {
		if c.Expires.After(now) && !slices.Contains(others, c.ID) {
			waiting++
		}
	}
	if waiting >= limit {
		return asRefusal(fmt.Errorf("%d changes of yours already wait for a person; have them decided, or withdraw some", waiting))
	}
	return nil
}
