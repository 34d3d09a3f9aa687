package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxRetries bounds how often a vote is weighed again because another one came in between.
const maxRetries = 50

// Vote is a person's decision on a surface that has authenticated them.
type Vote struct {
	Principal Principal
	Groups    []string // groups of theirs that the face has verified, as Policy.Approvers names them
	Agent     bool     // not a person: it never counts
	Approve   bool
	Reason    string
	Channel   Channel
}

// Decide records a vote. The last yes that was needed approves the change and starts it; a single no denies
// it. It returns the change as it stands then: use Wait for the outcome. A vote that policy does not count
// is ErrRefused; a change that is no longer pending is ErrMoved, with the change as it stands.
func (g *Gate) Decide(ctx context.Context, id string, v Vote) (Change, error) {
	return g.vote(ctx, id, v, func(Change) error { return nil })
}

// vote is Decide with one more condition that must hold for the very version that is moved.
func (g *Gate) vote(ctx context.Context, id string, v Vote, holds func(Change) error) (Change, error) {
	after, err := g.updatePending(ctx, id, holds, func(c Change) (Move, error) {
		e, err := g.loadAuthorizer(ctx) // after the change: who was joined before another vote of theirs is known to be one
		if err != nil {
			return Move{}, err
		}
		return e.evaluateVote(c, v, g.cfg.Now())
	})
	if err == nil && after.State == Approved {
		g.start(ctx, after)
	}
	return after, err
}

// updatePending moves a pending change as weigh says, which sees it as it stands. When somebody else is faster it is weighed
// again, against what stands then: a change that was decided meanwhile is ErrMoved, with the change.
func (g *Gate) updatePending(ctx context.Context, id string, holds func(Change) error, weigh func(Change) (Move, error)) (Change, error) {
	for try := 1; ; try++ {
		c, err := g.readPending(ctx, id)
		if err != nil {
			return c, err
		}
		if err := holds(c); err != nil {
			return c, err
		}
		m, err := weigh(c)
		if err != nil {
			return c, err
		}
		after, err := g.move(ctx, c, m)
		if errors.Is(err, ErrMoved) && try < maxRetries {
			continue
		}
		return after, err
	}
}

// readPending reads a change that can still be decided.
func (g *Gate) readPending(ctx context.Context, id string) (Change, error) {
	c, err := g.Change(ctx, id)
	if err != nil {
		return c, err
	}
	if err := g.checkTarget(c); err != nil {
		return c, err
	}
	if c.State != Pending {
		return c, fmt.Errorf("decide: the change is already %s: %w", c.State, ErrMoved)
	}
	return c, nil
}

// checkTarget refuses a change that this process would not run.
func (g *Gate) checkTarget(c Change) error {
	if err := g.checkWritable(); err != nil {
		return err
	}
	if c.Target != g.cfg.Target {
		return asRefusal(fmt.Errorf("this change was planned for %q, and this server writes to %q", c.Target, g.cfg.Target))
	}
	return nil
}

// CanDecide says nil when a vote would count for c now, and otherwise why not: ErrMoved when c, as the caller has
// read it, is no longer pending. It records nothing.
func (g *Gate) CanDecide(ctx context.Context, c Change, v Vote) error {
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return err
	}
	return g.checkVote(e, c, v)
}

// CanDecideEach reports of each change whether MayDecide would say nil, in the order of changes. It reads once who is
// who, for all of them.
func (g *Gate) CanDecideEach(ctx context.Context, changes []Change, v Vote) ([]bool, error) {
	e, err := g.loadAuthorizer(ctx)
	if err != nil {
		return nil, err
	}
	may := make([]bool, len(changes))
	for i, c := range changes {
		may[i] = g.checkVote(e, c, v) == nil
	}
	return may, nil
}

func (g *Gate) checkVote(e authorizer, c Change, v Vote) error {
	now := g.cfg.Now()
	if c.State != Pending || !c.Expires.After(now) {
		return fmt.Errorf("decide: the change does not wait for anybody any more: %w", ErrMoved)
	}
	if err := g.checkTarget(c); err != nil {
		return err
	}
	_, err := e.evaluateVote(c, v, now)
	return err
}

// evaluateVote turns a vote into the move it makes, or says why it does not count.
func (e authorizer) evaluateVote(c Change, v Vote, at time.Time) (m Move, err error) {
	d := e.newDecision(v)
	d.At = at
	if slices.ContainsFunc(c.Decisions, func(made Decision) bool { return e.ids.sameVoter(made, d) }) {
		return Move{}, asRefusal(errors.New("this person has already decided; a decision counts once"))
	}
	m = Move{Unexpired: true, Decision: &d}
	if v.Approve {
		m.To, err = e.stateAfterApproval(c, v)
	} else {
		m.To, m.Outcome, err = Denied, &Outcome{State: Denied, Reason: v.Reason}, e.mayDeny(c, v)
	}
	if err != nil {
		return Move{}, asRefusal(err)
	}
	return m, nil
}

// newDecision is a vote, with who is known to have cast it.
func (e authorizer) newDecision(v Vote) Decision {
	person := e.ids.personOf(v.Principal)
	return Decision{
		Person: person.key(), Principal: v.Principal, Name: person.Name, Also: e.ids.aliases(v.Principal),
		Approve: v.Approve, Reason: v.Reason, Channel: v.Channel,
	}
}

// stateAfterApproval says what a yes leads to, or why it does not count. The configuration may have become stricter since
// the change was planned; that it became laxer does not help.
func (e authorizer) stateAfterApproval(c Change, v Vote) (to State, err error) {
	if !slices.Contains(c.Channels, v.Channel) {
		return "", fmt.Errorf("this change is not put to people on the channel %q", v.Channel)
	}
	if err := e.mayApprove(c, v); err != nil {
		return "", err
	}
	j := e.requirementFor(c.ruleInput()).atLeast(c.Needed)
	if j.refusal != nil {
		return "", j.refusal
	}
	if e.countApprovals(c)+1 < j.needed {
		return Pending, nil
	}
	return Approved, nil
}
