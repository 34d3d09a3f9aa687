package confirm

import (
	"context"
	"errors"
	"fmt"
)

// SetProblem records why approvers could not be asked yet about a pending change, for callers that read its status.
// An empty why clears it. It does not change the state.
func (g *Gate) SetProblem(ctx context.Context, id, why string) error {
	c, err := g.Change(ctx, id)
	if err != nil || c.State != Pending || c.Outcome.Reason == why {
		return err
	}
	if _, err = g.move(ctx, c, Move{To: Pending, Outcome: &Outcome{Reason: why}, Note: why}); errors.Is(err, ErrMoved) {
		return nil // it was decided meanwhile
	}
	return err
}

// Withdraw ends a pending change of the requester's own and returns it. For another person's change it returns
// ErrNotFound. Only by.Principal and by.Agent count. An agent that acts for a person can withdraw what an agent proposed
// under that principal, but not what the person proposed.
func (g *Gate) Withdraw(ctx context.Context, id string, by Requester) (Change, error) {
	return g.withdraw(ctx, id, by, "withdrawn by the requester")
}

// Cancel withdraws a pending change that can no longer be answered, because the call that proposed it has ended.
func (g *Gate) Cancel(ctx context.Context, id string, by Principal) (Change, error) {
	return g.withdraw(ctx, id, Requester{Principal: by}, "the call that asked for it ended before it was answered")
}

// withdraw moves a pending change to Withdrawn. It returns the change as it is if that was done before.
func (g *Gate) withdraw(ctx context.Context, id string, by Requester, why string) (Change, error) {
	c, err := g.Change(ctx, id)
	if err != nil {
		return c, err
	}
	own, err := g.IsRequester(ctx, c, by.Principal)
	if err != nil {
		return c, err
	}
	if !own {
		return Change{}, fmt.Errorf("withdraw: %w", ErrNotFound)
	}
	if by.Agent && !c.requestedByAgent(by.Principal) {
		return c, asRefusal(errors.New("an application or an AI agent may withdraw only what one asked for; ask the person to withdraw this change"))
	}
	if c.State == Withdrawn {
		return c, nil
	}
	if c.State != Pending {
		return c, asRefusal(fmt.Errorf("only a change that waits for a decision can be withdrawn, and this one is %s", c.State))
	}
	out := &Outcome{State: Withdrawn, Reason: why}
	return g.move(ctx, c, Move{To: Withdrawn, Outcome: out, Note: why + ": " + string(by.Principal)})
}
