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
	if err := g.ableFor(ctx, by); err != nil {
		return err
	}
	e, err := g.electorate(ctx)
	if err != nil {
		return err
	}
	base := Policy{Required: e.Required}
	if err := e.mayAsk(base.judge(RuleInput{Operation: operation}), by); err != nil {
		return refused(err)
	}
	return g.checkOpen(ctx, by.Principal, nil)
}

// mayAsk says nil when somebody may ask for a change that is judged so, and there are people to confirm it.
func (e electorate) mayAsk(j judgement, by Requester) error {
	if err := e.mayRequest(by); err != nil {
		return err
	}
	if j.refusal != nil {
		return j.refusal
	}
	return e.reachable(j, by)
}

// Propose keeps a change so that people can be asked, and returns it pending. When it refuses, it keeps nothing.
func (g *Gate) Propose(ctx context.Context, p Proposal, by Requester) (Change, error) {
	if err := g.ableFor(ctx, by); err != nil {
		return Change{}, err
	}
	e, err := g.electorate(ctx)
	if err != nil {
		return Change{}, err
	}
	now := g.cfg.Now()
	c := Change{
		Proposal: p, Requester: by.Principal, RequesterAlso: e.people.also(by.Principal),
		Source: by.Source, Local: by.Local, Agent: by.Agent, Channels: e.useful(by),
		Created: now, Updated: now, Expires: now.Add(g.cfg.Policy.expires()), State: Pending, Code: newCode(),
	}
	j := e.judge(c.subjected())
	if err := e.mayAsk(j, by); err != nil {
		return Change{}, refused(err)
	}
	if c.ID, err = newID(now, rand.Reader); err != nil {
		return Change{}, err
	}
	if err := g.keep(ctx, &c, j); err != nil {
		return Change{}, err
	}
	g.announce(c)
	return c, nil
}

// keep writes a new change into the ledger, with what people have to be told of it besides the plan.
func (g *Gate) keep(ctx context.Context, c *Change, j judgement) error {
	others, done := g.queue(c.Requester, c.ID)
	defer done()
	if err := g.checkOpen(ctx, c.Requester, others); err != nil {
		return err
	}
	if err := g.warnOfTwin(ctx, &c.Proposal, c.ID); err != nil {
		return err
	}
	if c.Needed = j.needed; j.raised {
		c.Warnings = append(slices.Clip(c.Warnings), j.because)
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

// warnOfTwin tells people when the very same change is already open: a client that gave up waiting may have
// asked again, and confirming both would do it twice.
func (g *Gate) warnOfTwin(ctx context.Context, p *Proposal, id string) error {
	twin, err := g.twin(ctx, Change{ID: id, Proposal: *p}, nil)
	if err == nil && twin != "" {
		p.Warnings = append([]string{"the very same change is already open (" + twin + "): confirm only one of them"}, p.Warnings...)
	}
	return err
}

// queue puts a proposal among those of its requester that are being kept at this moment, and returns the
// others: many at once must not slip past the limit together.
func (g *Gate) queue(by Principal, id string) (others []string, done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	others = slices.Clone(g.proposing[by])
	g.proposing[by] = append(g.proposing[by], id)
	return others, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		left := slices.DeleteFunc(g.proposing[by], func(other string) bool { return other == id })
		if g.proposing[by] = left; len(left) == 0 {
			delete(g.proposing, by)
		}
	}
}

// checkOpen refuses when the requester has too many changes open; of the others it is not known yet whether
// they are in the ledger.
func (g *Gate) checkOpen(ctx context.Context, by Principal, others []string) error {
	limit, now := g.cfg.Policy.openPerRequester(), g.cfg.Now()
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
		return refused(fmt.Errorf("%d changes of yours already wait for a person; have them decided, or withdraw some", waiting))
	}
	return nil
}
