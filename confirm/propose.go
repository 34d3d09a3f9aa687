package confirm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
)

// CanPropose returns nil if by may propose this operation now. It returns ErrRefused if by is not allowed to, if the
// change could never be confirmed, or if by has too many changes open. Interfaces call it before they plan. Propose
// checks all of it again, and then the policy's rules, which need the plan.
func (g *Gate) CanPropose(ctx context.Context, operation string, by Requester) error {
	if err := g.checkCanExecute(ctx, by); err != nil {
		return err
	}
	by, err := g.withWorkingChannels(by)
	if err != nil {
		return err
	}
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return err
	}
	withoutRules := Policy{Required: a.Required}
	if err := a.checkProposal(withoutRules.requirementFor(RuleInput{Operation: operation}), by); err != nil {
		return asRefusal(err)
	}
	return g.checkOpenLimit(ctx, by.Principal, nil, "")
}

// checkProposal returns nil if by may propose a change with this requirement and enough approvers can be reached.
func (a authorizer) checkProposal(need requirement, by Requester) error {
	if err := a.mayRequest(by); err != nil {
		return err
	}
	if need.refusal != nil {
		return need.refusal
	}
	return a.checkReachable(need, a.withFallback(need, by))
}

// Propose adds a change to the ledger so that approvers can be asked, and returns it pending. If an equal change of the
// same requester is open, it returns that one instead, which may have been approved already. If it returns an error,
// nothing was added, except that an *UnknownCommitError leaves that open. The error is ErrRefused where policy does not allow the proposal.
func (g *Gate) Propose(ctx context.Context, p Proposal, by Requester) (Change, error) {
	if err := g.checkCanExecute(ctx, by); err != nil {
		return Change{}, err
	}
	by, err := g.withWorkingChannels(by)
	if err != nil {
		return Change{}, err
	}
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return Change{}, err
	}
	now := g.cfg.Now()
	c := Change{
		Proposal: p, Requester: by.Principal, RequesterAlso: a.ids.aliases(by.Principal),
		Source: by.Source, Local: by.Local, Agent: by.Agent,
		Created: now, Updated: now, Expires: now.Add(g.cfg.Policy.expires()), State: Pending, Code: newCode(),
	}
	need := a.requirementFor(c.ruleInput())
	if by, err = g.withContextPage(need, by); err != nil {
		return Change{}, asRefusal(err)
	}
	if err := a.checkProposal(need, by); err != nil {
		return Change{}, asRefusal(err)
	}
	c.Channels = a.usableChannels(a.withFallback(need, by))
	if c.ID, err = newID(now, rand.Reader); err != nil {
		return Change{}, err
	}
	c, added, err := g.insertOrJoin(ctx, c, need)
	if err != nil {
		return Change{}, err
	}
	g.awaitTerminal(c)
	if added {
		g.broadcast(c)
	}
	return c, nil
}

// insert adds a new change to the ledger. It first adds the warnings that do not come from the plan: a duplicate, and
// the rule that requires more approvers.
func (g *Gate) insert(ctx context.Context, c *Change, need requirement) error {
	others, done := g.reserve(*c)
	defer done()
	if err := g.checkOpenLimit(ctx, c.Requester, others, c.Fingerprint); err != nil {
		return err
	}
	if err := g.warnDuplicate(ctx, &c.Proposal, c.ID); err != nil {
		return err
	}
	if c.Needed = need.needed; need.raised {
		c.Warnings = append(slices.Clip(c.Warnings), need.reason)
	}
	c.Warnings = append(slices.Clip(c.Warnings), need.contextWarnings()...)
	var err error
	if c.Digest, err = c.Proposal.Digest(); err != nil {
		return err
	}
	c.MAC = g.mac.proposal(*c)
	err = g.cfg.Store.Insert(ctx, *c)
	if errors.Is(err, ErrUnknownCommit) {
		return &UnknownCommitError{c.ID, err}
	}
	if err != nil {
		return fmt.Errorf("keep change: %w", err)
	}
	return nil
}

// warnDuplicate adds a warning to p if the same change is already open. A client that stopped waiting may have
// proposed it again, and confirming both would send it twice.
func (g *Gate) warnDuplicate(ctx context.Context, p *Proposal, id string) error {
	duplicate, err := g.findDuplicate(ctx, Change{ID: id, Proposal: *p}, nil)
	if err == nil && duplicate != "" {
		warning := "the very same change is already open (" + duplicate + "): confirm only one of them"
		p.Warnings = append([]string{warning}, p.Warnings...)
	}
	return err
}

// reserve records that c is being inserted, until done is called. It returns the ids of the requester's others, so that
// concurrent proposals cannot pass the limit together. Those equal to c are not among them: one of them is inserted, and
// the others join it.
func (g *Gate) reserve(c Change) (others []string, done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	by := c.Requester
	for _, other := range g.reserved[by] {
		if other.fingerprint != c.Fingerprint {
			others = append(others, other.id)
		}
	}
	mine := reservation{c.ID, c.Fingerprint}
	g.reserved[by] = append(g.reserved[by], mine)
	return others, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		rest := slices.DeleteFunc(g.reserved[by], func(other reservation) bool { return other == mine })
		if g.reserved[by] = rest; len(rest) == 0 {
			delete(g.reserved, by)
		}
	}
}

// reservation is a change that is being inserted.
type reservation struct{ id, fingerprint string }

// checkOpenLimit returns a refusal if the requester has too many changes open. Each of the others counts too: it may
// or may not be in the ledger yet. If a pending change has the fingerprint, which may be empty, it returns an
// *OpenError, also at the limit.
func (g *Gate) checkOpenLimit(ctx context.Context, by Principal, others []string, fingerprint string) error {
	limit, now := g.cfg.Policy.maxOpen(), g.cfg.Now()
	pending, err := g.cfg.Store.Changes(ctx, Filter{States: []State{Pending}, Requester: by, Limit: 2 * limit})
	if err != nil {
		return fmt.Errorf("count open changes: %w", err)
	}
	waiting := len(others)
	for _, c := range pending {
		if !c.Expires.After(now) {
			continue
		}
		if same, err := c.fingerprint(); err == nil && same == fingerprint {
			return &OpenError{c.ID}
		}
		if !slices.Contains(others, c.ID) {
			waiting++
		}
	}
	if waiting >= limit {
		return asRefusal(kindError{
			fmt.Errorf("%s; have one decided, or withdraw one, and try again", waitingText(waiting)), ErrTooManyOpen,
		})
	}
	return nil
}

// waitingText returns "1 change of yours already waits for a person", or the same of n.
func waitingText(n int) string {
	if n == 1 {
		return "1 change of yours already waits for a person"
	}
	return fmt.Sprintf("%d changes of yours already wait for a person", n)
}
