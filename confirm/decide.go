package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// manyVotes bounds how often a vote is weighed again because another one came in between.
const manyVotes = 50

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
	for try := 1; ; try++ {
		c, err := g.pending(ctx, id)
		if err != nil {
			return c, err
		}
		if err := holds(c); err != nil {
			return c, err
		}
		m, err := g.weigh(ctx, c, v)
		if err != nil {
			return c, err
		}
		after, err := g.move(ctx, c, m)
		if errors.Is(err, ErrMoved) && try < manyVotes {
			continue // somebody else voted in between: weigh again, against what stands now
		}
		if err == nil && after.State == Approved {
			g.start(ctx, after)
		}
		return after, err
	}
}

// pending reads a change that can still be decided.
func (g *Gate) pending(ctx context.Context, id string) (Change, error) {
	c, err := g.Change(ctx, id)
	if err != nil {
		return c, err
	}
	if err := g.ours(c); err != nil {
		return c, err
	}
	if c.State != Pending {
		return c, fmt.Errorf("decide: the change is already %s: %w", c.State, ErrMoved)
	}
	return c, nil
}

// ours refuses a change that this process would not run.
func (g *Gate) ours(c Change) error {
	if err := g.able(); err != nil {
		return err
	}
	if c.Target != g.cfg.Target {
		return refused(fmt.Errorf("this change was planned for %q, and this server writes to %q", c.Target, g.cfg.Target))
	}
	return nil
}

// MayDecide says nil when a vote would count for c now, and otherwise why not: ErrMoved when c, as the caller has
// read it, is no longer pending. It records nothing.
func (g *Gate) MayDecide(ctx context.Context, c Change, v Vote) error {
	if c.State != Pending || !c.Expires.After(g.cfg.Now()) {
		return fmt.Errorf("decide: the change does not wait for anybody any more: %w", ErrMoved)
	}
	if err := g.ours(c); err != nil {
		return err
	}
	_, err := g.weigh(ctx, c, v)
	return err
}

// weigh turns a vote into the move it makes, or says why it does not count. Who is who is read after the change:
// two principals that were joined before the other's vote was are known to be one.
func (g *Gate) weigh(ctx context.Context, c Change, v Vote) (Move, error) {
	e, err := g.electorate(ctx)
	if err != nil {
		return Move{}, err
	}
	d := e.decision(v)
	d.At = g.cfg.Now()
	if slices.ContainsFunc(c.Decisions, func(made Decision) bool { return e.people.twice(made, d) }) {
		return Move{}, refused(errors.New("this person has already decided; a decision counts once"))
	}
	m := Move{Unexpired: true, Decision: &d}
	if v.Approve {
		m.To, err = e.approve(c, v)
	} else {
		m.To, m.Outcome, err = Denied, &Outcome{State: Denied, Reason: v.Reason}, e.mayDeny(c, v)
	}
	if err != nil {
		return Move{}, refused(err)
	}
	return m, nil
}

// decision is a vote, with who is known to have cast it.
func (e electorate) decision(v Vote) Decision {
	person := e.people.person(v.Principal)
	d := Decision{
		Person: person.key(), Principal: v.Principal, Name: person.Name,
		Approve: v.Approve, Reason: v.Reason, Channel: v.Channel,
	}
	for _, other := range person.Principals {
		if other != v.Principal {
			d.Also = append(d.Also, other)
		}
	}
	return d
}

// approve says what a yes leads to, or why it does not count. The configuration may have become stricter since
// the change was planned; that it became laxer does not help.
func (e electorate) approve(c Change, v Vote) (to State, err error) {
	if !slices.Contains(c.Channels, v.Channel) {
		return "", fmt.Errorf("this change is not put to people on the channel %q", v.Channel)
	}
	if err := e.mayApprove(c, v); err != nil {
		return "", err
	}
	j := e.judge(c.subjected()).atLeast(c.Needed)
	if j.refusal != nil {
		return "", j.refusal
	}
	if e.people.approvals(c)+1 < j.needed {
		return Pending, nil
	}
	return Approved, nil
}
