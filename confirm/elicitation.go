package confirm

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
)

// maxAnswers is how often a client's person may be asked for the code before it counts as a no.
const maxAnswers = 3

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

// Answer takes what the requester's own client sent back. Accept with the right code is a yes of the
// requester; decline is a no; accept with anything else asks for another round (the change is returned
// pending, with its Round moved on), and the third such answer is a no. A cancelled prompt is a no unless
// the change is also put to people elsewhere. An answer to a question that was already answered is ErrMoved.
func (g *Gate) Answer(ctx context.Context, id string, a Answer) (Change, error) {
	c, err := g.readPending(ctx, id)
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
	vote := Vote{Principal: a.Principal, Groups: a.Groups, Agent: a.Agent, Channel: Client}
	switch {
	case a.Action == Accept && codeMatches(c.Code, a.Code):
		vote.Approve = true
	case a.Agent: // it does not use up the questions to the person either; whether it may say no, the vote tells
	case a.Action == Accept && c.Round+1 < maxAnswers:
		return g.rotateRound(ctx, id, inRound, "accepted without the right code")
	case a.Action == Accept:
		vote.Reason = "accepted three times without the right code"
	case a.Action == Cancel && slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client }):
		return g.rotateRound(ctx, id, inRound, "the client's prompt was closed; other channels are still asked")
	case a.Action == Cancel:
		vote.Reason = "the prompt was closed without an answer"
	}
	return g.vote(ctx, id, vote, inRound)
}

// rotateRound spends the question that was answered, so that the same answer cannot be played again.
func (g *Gate) rotateRound(ctx context.Context, id string, holds func(Change) error, why string) (Change, error) {
	return g.updatePending(ctx, id, holds, func(Change) (Move, error) {
		return Move{To: Pending, Unexpired: true, NextRound: true, Note: why}, nil
	})
}

// codeMatches forgives letter case and blanks, which people type, and nothing else.
func codeMatches(want, got string) bool {
	got = strings.ToUpper(strings.TrimSpace(got))
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}
