package confirm

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxAnswers bounds how often the requester's client can be asked for the code: the last wrong answer is a denial.
const maxAnswers = 3

// Action is what the user did with the MCP client's prompt, in the words of MCP.
type Action string

// The actions of MCP's elicitation.
const (
	Accept  Action = "accept"
	Decline Action = "decline"
	Cancel  Action = "cancel" // the prompt was closed without an answer
)

// Answer is the response of the requester's own client to a prompt. A client that sends "accept" proves little, so only
// the code that the prompt showed makes it an approval.
type Answer struct {
	Principal Principal
	Groups    []string
	Agent     bool
	Round     int // the Change.Round at the time of asking: which prompt it answers
	Action    Action
	Code      string
}

// Answer records the response of the requester's own client and returns the change after it:
//   - Accept with the right code is an approval by the requester.
//   - Accept with anything else returns the change pending with the next Round; the third time it is a denial.
//   - Cancel is a denial, unless approvers are asked on other channels too; then the change stays pending.
//   - Everything else is a denial.
//
// It returns ErrMoved if that prompt was already answered or the change is no longer pending, and ErrNotFound if the
// principal is not the requester's.
func (g *Gate) Answer(ctx context.Context, id string, a Answer) (Change, error) {
	c, err := g.updatePending(ctx, id, func(c Change) (Move, error) { return g.moveForAnswer(ctx, c, a) })
	if errors.Is(err, ErrNotFound) {
		return Change{}, err
	}
	return c, err
}

// moveForAnswer returns the move that an answer makes, or the error that Answer returns.
func (g *Gate) moveForAnswer(ctx context.Context, c Change, a Answer) (Move, error) {
	if a.Principal != c.Requester {
		return Move{}, fmt.Errorf("answer: %w", ErrNotFound)
	}
	if c.Round != a.Round {
		return Move{}, fmt.Errorf("answer: this question was already answered: %w", ErrMoved)
	}
	v := Vote{Principal: a.Principal, Groups: a.Groups, Agent: a.Agent, Channel: Client}
	switch {
	case a.Action == Accept && codeMatches(c.Code, a.Code):
		v.Approve = true
	case a.Agent: // an agent's answer uses up no round of the user's; moveFor decides whether it may deny
	case a.Action == Accept && c.Round+1 < maxAnswers:
		return nextRound("accepted without the right code"), nil
	case a.Action == Accept:
		v.Reason = "accepted three times without the right code"
	case a.Action == Cancel && slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client }):
		return nextRound("the client's prompt was closed; other channels are still asked"), nil
	case a.Action == Cancel:
		v.Reason = "the prompt was closed without an answer"
	}
	return g.moveFor(ctx, c, v)
}

// nextRound returns the move that uses up the answered round, so that the same answer cannot be replayed.
func nextRound(why string) Move {
	return Move{To: Pending, Unexpired: true, NextRound: true, Note: why}
}

// codeMatches reports whether got is the code. It ignores letter case and surrounding spaces, which people type.
func codeMatches(want, got string) bool {
	got = strings.ToUpper(strings.TrimSpace(got))
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
