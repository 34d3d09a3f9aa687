package confirm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxRetries bounds how often a vote is evaluated again because another one was recorded in between.
const maxRetries = 50

// Vote is a person's decision on an interface that has authenticated them.
type Vote struct {
	Principal Principal
	Groups    []string // the person's groups that the interface has verified, named as in Policy.Approvers
	Agent     bool     // an application or an AI agent votes: it never counts as an approval
	Approve   bool
	Reason    string
	Channel   Channel
	// Contexts are the authentication contexts of the person's sign-in that the interface has verified.
	Contexts []AuthContext
}

// Decide records a vote and returns the change after it. The last approval that is needed approves the change and
// starts it; one denial ends it. Use Wait for the outcome. It returns ErrRefused if policy does not count the vote, and
// ErrMoved with the current change if that is no longer pending.
func (g *Gate) Decide(ctx context.Context, id string, v Vote) (Change, error) {
	return g.updatePending(ctx, id, func(c Change) (Move, error) { return g.moveFor(ctx, c, v) })
}

// updatePending reads a pending change, performs the move that next returns for it, and starts the change if that
// approved it. When another caller moves the change in between, it reads it and calls next again. A change that is no
// longer pending is returned with ErrMoved.
func (g *Gate) updatePending(ctx context.Context, id string, next func(Change) (Move, error)) (Change, error) {
	for try := 1; ; try++ {
		c, err := g.readPending(ctx, id)
		if err != nil {
			return c, err
		}
		m, err := next(c)
		if err != nil {
			return c, err
		}
		after, err := g.move(ctx, c, m)
		if errors.Is(err, ErrMoved) && try < maxRetries {
			continue
		}
		if err == nil && after.State == Approved {
			g.start(ctx, after)
		}
		return after, err
	}
}

// readPending returns a change that can still be decided by this process.
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
	return c, g.report(ctx, g.mac.verifyChange(c))
}

// checkTarget returns a refusal if this process takes no votes on c: it is read-only or is for another tenant.
func (g *Gate) checkTarget(c Change) error {
	if err := g.checkWritable(); err != nil && !g.cfg.VoteOnly {
		return err
	}
	if !g.hasTarget(c) {
		return asRefusal(fmt.Errorf(
			"this change was planned for %q, and this server writes to %q; use the server it was proposed on",
			c.Target, g.cfg.Target))
	}
	return nil
}

// hasTarget reports whether c was planned for the tenant of this process.
func (g *Gate) hasTarget(c Change) bool {
	return c.Target == g.cfg.Target || g.cfg.VoteOnly && g.cfg.Target == ""
}

// CanDecide returns nil if v would count for c now, and otherwise the reason: ErrRefused, or ErrMoved when c, as the
// caller has read it, is no longer pending. It records nothing.
func (g *Gate) CanDecide(ctx context.Context, c Change, v Vote) error {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return err
	}
	return g.checkVote(a, c, v)
}

// checkVote returns nil if v would count for c now.
func (g *Gate) checkVote(a authorizer, c Change, v Vote) error {
	now := g.cfg.Now()
	if c.State != Pending || !c.Expires.After(now) {
		return fmt.Errorf("decide: the change no longer waits for a decision: %w", ErrMoved)
	}
	if err := g.checkTarget(c); err != nil {
		return err
	}
	if err := g.mac.verifyChange(c); err != nil {
		return err
	}
	_, err := a.evaluateVote(c, v, now)
	return g.withPage(c, err)
}

// moveFor returns the move that v makes, or a refusal. It reads the identity links after the caller has read c.
// Otherwise a link made before another vote of the same person could be missed.
func (g *Gate) moveFor(ctx context.Context, c Change, v Vote) (Move, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return Move{}, err
	}
	m, err := a.evaluateVote(c, v, g.cfg.Now())
	if err == nil && m.To == Approved && g.cfg.CheckApproval != nil {
		if err = g.cfg.CheckApproval(c); err != nil {
			err = asRefusal(err)
		}
	}
	if err != nil {
		return Move{}, g.withPage(c, err)
	}
	m.Decision.MAC = g.mac.decision(c, *m.Decision)
	return m, nil
}

// CompletesApproval reports whether v would be the last approval that c needs now. It returns false for a vote that does not
// count. It records nothing.
func (g *Gate) CompletesApproval(ctx context.Context, c Change, v Vote) (bool, error) {
	a, err := g.loadAuthorizer(ctx)
	if err != nil {
		return false, err
	}
	m, err := a.evaluateVote(c, v, g.cfg.Now())
	return err == nil && m.To == Approved, nil
}

// evaluateVote returns the move that v makes, or a refusal if v does not count.
func (a authorizer) evaluateVote(c Change, v Vote, at time.Time) (m Move, err error) {
	d := a.newDecision(v)
	d.At = at
	if slices.ContainsFunc(c.Decisions, func(made Decision) bool { return a.ids.sameVoter(made, d) }) {
		return Move{}, asRefusal(errors.New("this person has already decided; a decision counts once"))
	}
	m = Move{Unexpired: true, Decision: &d}
	if v.Approve {
		d.Contexts = freshContexts(v.Contexts, at)
		m.To, m.Outcome, err = a.stateAfterApproval(c, v, d)
	} else {
		m.To, m.Outcome, err = Denied, &Outcome{State: Denied, Reason: v.Reason}, a.mayDeny(c, v)
	}
	if err != nil {
		return Move{}, asRefusal(err)
	}
	return m, nil
}

// newDecision returns v as a decision, with the person it belongs to.
func (a authorizer) newDecision(v Vote) Decision {
	person := a.ids.personOf(v.Principal)
	return Decision{
		Person: person.key(), Principal: v.Principal, Name: person.Name, Also: a.ids.aliases(v.Principal),
		Approve: v.Approve, Reason: v.Reason, Channel: v.Channel, Groups: a.listedGroups(v.Groups),
	}
}

// stateAfterApproval returns Approved if v, as the decision d, is the last approval that c needs, and Pending if more are needed. The outcome
// explains earlier approvals that no longer count; it is nil if all do. It returns an error if v does not count. A
// policy that became stricter since the proposal counts; one that became less strict does not.
func (a authorizer) stateAfterApproval(c Change, v Vote, d Decision) (to State, why *Outcome, err error) {
	if !slices.Contains(c.Channels, v.Channel) {
		return "", nil, fmt.Errorf("this change is not put to people on the channel %q; decide where it was shown", v.Channel)
	}
	if err := a.mayApprove(c, v); err != nil {
		return "", nil, err
	}
	need := a.requirementFor(c.ruleInput()).atLeast(c.Needed)
	if need.refusal != nil {
		return "", nil, need.refusal
	}
	if err := need.missingContext(c, d); err != nil {
		return "", nil, err
	}
	counted, dropped := a.countedApprovals(c, need)
	if missing := need.needed - len(counted) - 1; missing > 0 {
		if len(dropped) > 0 {
			why = &Outcome{Reason: fmt.Sprintf("%v; %s more must confirm", errors.Join(dropped...), peopleText(missing))}
		}
		return Pending, why, nil
	}
	return Approved, nil, nil
}
