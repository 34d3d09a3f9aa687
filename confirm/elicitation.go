package confirm

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxAnswers bounds how often the requester's client can be asked for the code: the last wrong answer is a denial.
const maxAnswers = 3

// minHumanTime is the time below which no person can have read a prompt and answered it.
const minHumanTime = 500 * time.Millisecond

// Action is what the user did with the MCP client's prompt, in the words of MCP.
type Action string

// The actions of MCP's elicitation, and PromptFailed.
const (
	Accept  Action = "accept"
	Decline Action = "decline"
	Cancel  Action = "cancel" // the prompt was closed without an answer

	// PromptFailed means that the client answered with an error, or in a form that MCP does not allow.
	PromptFailed Action = "error"
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
	Took      time.Duration // from the sending of the prompt to this answer; zero counts as an answer without a person
}

// Answer records the response of the requester's own client and returns the change after it:
//   - Accept with the right code is an approval by the requester, however fast it came.
//   - Accept with anything else returns the change pending with the next Round; the third time it is a denial.
//   - Decline is a denial.
//   - An answer that no person gave withdraws the change: every other action, and a Decline or a wrong code sooner than
//     a person can answer. If approvers are asked on other channels too, the change stays pending.
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
	case a.Action == Accept && c.MatchesCode(a.Code):
		v.Approve = true
	case a.Agent: // an agent's answer uses up no round of the user's; moveFor decides whether it may deny
	case a.withoutPerson():
		return a.moveWithoutPerson(c), nil
	case a.Action == Accept && c.Round+1 < maxAnswers:
		return nextRound("accepted without the right code"), nil
	case a.Action == Accept:
		v.Reason = "accepted three times without the right code"
	}
	m, err := g.moveFor(ctx, c, v)
	if err == nil && v.Approve && a.Took < minHumanTime {
		m.Note = "the code came " + a.tookText() + " after the prompt: sooner than a person can read it"
	}
	return m, err
}

// withoutPerson reports whether the client gave the answer, or none, by itself.
func (a Answer) withoutPerson() bool {
	return a.Action != Accept && a.Action != Decline || a.Took < minHumanTime
}

// moveWithoutPerson returns the move for an answer that no person gave. It records no decision.
func (a Answer) moveWithoutPerson(c Change) Move {
	why := a.likelyCause()
	if slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch != Client }) {
		return nextRound(why + "; other channels are still asked")
	}
	return Move{To: Withdrawn, Unexpired: true, Note: why, Outcome: &Outcome{
		State: Withdrawn, Reason: why, Next: "Nothing was sent. Do not propose it again before the user has changed that.",
	}}
}

// likelyCause returns what the client did instead of asking a person, and how to have one asked.
func (a Answer) likelyCause() string {
	const remedy = "it may run without a person (codex exec, claude -p, copilot -p): use a client that shows prompts, or set SCANWARDEN_CONFIRM_WITH"
	switch {
	case a.Action != PromptFailed && a.Took >= minHumanTime:
		return "the prompt was closed without an answer after " + a.tookText()
	case a.Action == PromptFailed:
		return "the client could not show the prompt and answered with an error after " + a.tookText() + "; " + remedy
	case a.Action == Accept:
		return "the client accepted by itself, without the code, after " + a.tookText() + "; " + remedy
	default:
		return "the client closed the prompt by itself after " + a.tookText() + "; " + remedy
	}
}

// tookText returns Took for people: "8 ms", "12 s".
func (a Answer) tookText() string {
	if a.Took < time.Second {
		return fmt.Sprintf("%d ms", max(a.Took, 0).Milliseconds())
	}
	return fmt.Sprintf("%d s", int64(a.Took/time.Second))
}

// nextRound returns the move that uses up the answered round, so that the same answer cannot be replayed.
func nextRound(why string) Move {
	return Move{To: Pending, Unexpired: true, NextRound: true, Note: why}
}

// MatchesCode reports whether typed is the code of c. It ignores letter case and white space, which people type.
func (c Change) MatchesCode(typed string) bool {
	typed = strings.ToUpper(strings.Join(strings.Fields(typed), ""))
	return c.Code != "" && subtle.ConstantTimeCompare([]byte(c.Code), []byte(typed)) == 1
}
