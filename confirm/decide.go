package confirm

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// manyVotes bounds how often a vote is weighed again because another one came in between.
const manyVotes = 50

// rounds is how often a client's person may be asked for the code before it counts as a no.
const rounds = 3

// Vote is a person's decision on a surface that has authenticated them.
type Vote struct {
	Principal Principal
	Groups    []string // groups of theirs that the face has verified, as Policy.Approvers names them
	Agent     bool     // not a person: it never counts
	Approve   bool
	Reason    string
	Channel   Channel
}

// Action is what a person did with a client's prompt; the words are MCP's.
type Action string

// The actions of MCP's elicitation.
const (
	Accept  Action = "accept"
	Decline Action = "decline"
	Cancel  Action = "cancel" // closed without an answer
)

// Answer is what came back from the requester's own client. That a client says "accept" proves little, so
// only the code that the prompt showed makes it a yes.
type Answer struct {
	Principal Principal
	Groups    []string
	Agent     bool
	Round     int // which question it answers: Change.Round at the time of asking
	Action    Action
	Code      string
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
		m, err := g.weigh(c, v)
		if err != nil {
			return c, refused(err)
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
	if c.Target != g.cfg.Target {
		return c, refused(fmt.Errorf("this change was planned for %q, and this server writes to %q", c.Target, g.cfg.Target))
	}
	if c.State != Pending {
		return c, fmt.Errorf("decide: the change is already %s: %w", c.State, ErrMoved)
	}
	return c, nil
}

// weigh turns a vote into the move it makes, or says why it does not count.
func (g *Gate) weigh(c Change, v Vote) (Move, error) {
	person := g.cfg.Policy.person(v.Principal)
	d := &Decision{
		Person: person.key(), Principal: v.Principal, Name: person.Name,
		Approve: v.Approve, Reason: v.Reason, Channel: v.Channel, At: g.cfg.Now(),
	}
	again := func(e Decision) bool {
		return e.Person == d.Person || g.cfg.Policy.samePerson(e.Principal, v.Principal)
	}
	if slices.ContainsFunc(c.Decisions, again) {
		return Move{}, errors.New("this person has already decided; a decision counts once")
	}
	m := Move{Unexpired: true, Decision: d}
	if !v.Approve {
		m.To, m.Outcome = Denied, &Outcome{State: Denied, Reason: v.Reason}
		return m, g.cfg.Policy.mayDeny(c, v)
	}
	if !slices.Contains(c.Channels, v.Channel) {
		return Move{}, fmt.Errorf("this change is not put to people on the channel %q", v.Channel)
	}
	m.To = Pending
	if g.approvals(c)+1 >= c.Needed {
		m.To = Approved
	}
	return m, g.cfg.Policy.mayApprove(c, v)
}

// approvals counts the distinct people who said yes, by who they are known to be now: a person whose
// principals were joined after a vote still counts once.
func (g *Gate) approvals(c Change) int {
	people := map[string]bool{}
	for _, d := range c.Decisions {
		if d.Approve {
			people[g.cfg.Policy.person(d.Principal).key()] = true
		}
	}
	return len(people)
}

// Answer takes what the requester's own client sent back. Accept with the right code is a yes of the
// requester; decline is a no; accept with anything else asks for another round (the change is returned
// pending, with its Round moved on), and the third such answer is a no. A cancelled prompt is a no unless
// the change is also put to people elsewhere. An answer to a question that was already answered is ErrMoved.
func (g *Gate) Answer(ctx context.Context, id string, a Answer) (Change, error) {
	c, err := g.pending(ctx, id)
	if err != nil {
		return c, err
	}
	if a.Principal != c.Requester {
		return Change{}, fmt.Errorf("answer: %w", ErrNotFound)
	}
	inRound := func(c Change) error {
		if c.Round != a.Round {
			return fmt.Errorf("answer: this question was already answered: %w", ErrMoved)
		}
		return nil
	}
	vote := Vote{Principal: a.Principal, Groups: a.Groups, Channel: Client}
	switch {
	case a.Action == Accept && rightCode(c.Code, a.Code):
		vote.Approve = true
	case a.Action == Accept && c.Round+1 < rounds:
		return g.nextRound(ctx, c, inRound, "accepted without the right code")
	case a.Action == Accept:
		vote.Reason = "accepted three times without the right code"
	case a.Action == Cancel && slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client }):
		return g.nextRound(ctx, c, inRound, "the client's prompt was closed; other channels are still asked")
	case a.Action == Cancel:
		vote.Reason = "the prompt was closed without an answer"
	}
	return g.vote(ctx, id, vote, inRound)
}

// nextRound spends the question that was answered, so that the same answer cannot be played again.
func (g *Gate) nextRound(ctx context.Context, c Change, holds func(Change) error, why string) (Change, error) {
	if err := holds(c); err != nil {
		return c, err
	}
	return g.move(ctx, c, Move{To: Pending, Unexpired: true, NextRound: true, Note: why})
}

// rightCode forgives letter case and blanks, which people type, and nothing else.
func rightCode(want, got string) bool {
	got = strings.ToUpper(strings.TrimSpace(got))
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

// Trouble records why a pending change could not be put to people yet, for whoever asks how it stands; "" says
// that it could by now. It decides nothing.
func (g *Gate) Trouble(ctx context.Context, id, why string) error {
	c, err := g.Change(ctx, id)
	if err != nil || c.State != Pending || c.Outcome.Reason == why {
		return err
	}
	if _, err = g.move(ctx, c, Move{To: Pending, Outcome: &Outcome{Reason: why}, Note: why}); errors.Is(err, ErrMoved) {
		return nil // it was decided meanwhile
	}
	return err
}

// Withdraw takes back a pending change of the requester's own; to anybody else it does not exist.
func (g *Gate) Withdraw(ctx context.Context, id string, by Principal) (Change, error) {
	return g.takeBack(ctx, id, by, "taken back by the requester")
}

// Abandon takes back a pending change that nobody can answer any more: the call that asked for it has ended.
func (g *Gate) Abandon(ctx context.Context, id string, by Principal) (Change, error) {
	return g.takeBack(ctx, id, by, "the call that asked for it ended before anybody had answered")
}

func (g *Gate) takeBack(ctx context.Context, id string, by Principal, why string) (Change, error) {
	c, err := g.Change(ctx, id)
	if err != nil {
		return c, err
	}
	if !g.Own(c, by) {
		return Change{}, fmt.Errorf("withdraw: %w", ErrNotFound)
	}
	if c.State == Withdrawn {
		return c, nil
	}
	if c.State != Pending {
		return c, refused(fmt.Errorf("only a change that waits for a person can be withdrawn, and this one is %s", c.State))
	}
	out := &Outcome{State: Withdrawn, Reason: why}
	return g.move(ctx, c, Move{To: Withdrawn, Outcome: out, Note: why + ": " + string(by)})
}
