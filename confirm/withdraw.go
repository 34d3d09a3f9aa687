package confirm

import (
	"context"
	"errors"
	"fmt"
)

// SetProblem records why a pending change could not be put to people yet, for whoever asks how it stands; "" says
// that it could by now. It decides nothing.
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

// Withdraw takes back a pending change of the requester's own; to anybody else it does not exist. Of by, Principal and
// Agent count: an agent that acts for a person takes back what an agent asked for under that principal, and nothing
// that the person asked for.
func (g *Gate) Withdraw(ctx context.Context, id string, by Requester) (Change, error) {
	return g.withdraw(ctx, id, by, "taken back by the requester")
}

// Cancel takes back a pending change that nobody can answer any more: the call that asked for it has ended.
func (g *Gate) Cancel(ctx context.Context, id string, by Principal) (Change, error) {
	return g.withdraw(ctx, id, Requester{Principal: by}, "the call that asked for it ended before anybody had answered")
}

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
		return c, asRefusal(errors.New("an application or an AI agent may take back only what one asked for; ask the person to withdraw this change"))
	}
	if c.State == Withdrawn {
		return c, nil
	}
	if c.State != Pending {
		return c, asRefusal(fmt.Errorf("only a change that waits for a person can be withdrawn, and this one is %s", c.State))
	}
	out := &Outcome{State: Withdrawn, Reason: why}
	return g.move(ctx, c, Move{To: Withdrawn, Outcome: out, Note: why + ": " + string(by.Principal)})
}
