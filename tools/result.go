package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Result is the answer of every write, get_change and withdraw_change. Status is one of applied,
// awaiting_confirmation, denied, expired, withdrawn, stale, failed, unknown and refused. The output schemas describe
// only the fields that a caller acts on, because every schema costs tokens in each conversation.
type Result struct {
	Status    string          `json:"status" jsonschema:"required"`
	ChangeID  string          `json:"change_id,omitempty"`
	Operation string          `json:"operation,omitempty" jsonschema:"-"`
	Summary   string          `json:"summary,omitempty" jsonschema:"-"`
	Scans     json.RawMessage `json:"scans,omitempty" jsonschema:"-"` // an array of what Defender returned
	DecidedBy string          `json:"decided_by,omitempty" jsonschema:"-"`
	Reason    string          `json:"reason,omitempty"`
	Next      string          `json:"next,omitempty"`
}

// ResultOf returns the result that describes the state of a change.
func ResultOf(c confirm.Change) Result {
	r := Result{
		Status: string(c.State), ChangeID: c.ID, Operation: c.Operation, Summary: c.Summary,
		Scans: c.Outcome.Scans, DecidedBy: decidedBy(c), Reason: escapeInvisible(c.Outcome.Reason), Next: c.Outcome.Next,
	}
	if c.State.Open() {
		r.Status = "awaiting_confirmation"
		r.Reason = pendingReason(c)
	}
	if c.State == confirm.Pending && slices.Equal(c.Channels, []confirm.Channel{confirm.Client}) {
		r.Next = "The prompt is open in the client that asked; where it is gone, withdraw_change and propose again."
	}
	if r.Next == "" {
		r.Next = nextSteps[c.State]
	}
	return r.normalized()
}

func pendingReason(c confirm.Change) string {
	switch c.State {
	case confirm.Approved:
		return "it is confirmed and will be sent to Defender in its turn, after other changes of the same scan"
	case confirm.Executing:
		return "it is confirmed and being sent to Defender"
	}
	stands := fmt.Sprintf("%d of %d confirmations are there; it expires at %s",
		c.Approvals(), max(c.Needed, 1), c.Expires.UTC().Format("15:04 MST"))
	if trouble := c.Outcome.Reason; trouble != "" {
		stands = escapeInvisible(trouble) + " " + stands
	}
	return stands
}

// nextSteps is the next step for each state whose outcome has none. None of them helps a model to confirm.
var nextSteps = map[confirm.State]string{
	confirm.Pending:   "Only a person can confirm it; call get_change with this change_id and wait_seconds to learn what they decide.",
	confirm.Approved:  "Call get_change with this change_id and wait_seconds to learn how it ends.",
	confirm.Executing: "Call get_change with this change_id and wait_seconds to learn how it ends.",
	confirm.Applied:   "Nothing more is needed.",
	confirm.Failed:    "Correct what the reason names, then propose it again.",
	confirm.Unknown:   "Do not propose it again: check in Defender first whether it took effect.",
	confirm.Denied:    "Do not propose it again unless the user says so.",
	confirm.Expired:   "No approver decided in time; propose it again if it is still wanted.",
	confirm.Withdrawn: "Nothing was sent; nothing more is needed.",
	confirm.Stale:     "Nothing was sent; propose it again to see a current plan.",
}

// decidedBy returns the approvers of a confirmed change, or the one of a denied change.
func decidedBy(c confirm.Change) string {
	var people []string
	for _, d := range c.Decisions {
		if d.Approve == (c.State == confirm.Denied) {
			continue
		}
		name := escapeInvisible(string(d.Principal))
		if d.Name != "" {
			name += " (" + escapeInvisible(d.Name) + ")"
		}
		people = append(people, name)
	}
	return strings.Join(people, ", ")
}

// Refused returns the result of an error: status "refused", a sentence with the reason, and one with the next step.
// An error that is not meant for the caller is not repeated. If it is not known whether the ledger recorded a change, the
// status is "awaiting_confirmation".
func Refused(operation string, err error) Result {
	r := Result{Status: "refused", Operation: operation}
	var refusal *Refusal
	var fault *defender.Error
	var unknown *confirm.UnknownCommitError
	switch {
	case errors.As(err, &refusal):
		r.Reason, r.Next = refusal.Reason, refusal.Next
	case errors.As(err, &fault):
		r.Reason, r.Next = reasonOnly(fault), fault.Next
	case errors.As(err, &unknown):
		r = unknownCommitResult(operation, unknown.Change)
	case errors.Is(err, confirm.ErrNotFound):
		r.Reason, r.Next = "no change of yours has this change_id", "Call get_change without change_id to list your open changes."
	case errors.Is(err, confirm.ErrMoved):
		r.Reason, r.Next = "the change has moved meanwhile", "Call get_change to see its state."
	case errors.Is(err, confirm.ErrRefused):
		r.Reason = err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		r.Reason, r.Next = "it took too long and was given up; nothing was changed", "Try again in a minute."
	case errors.Is(err, context.Canceled):
		r.Reason, r.Next = "the call was canceled; nothing was changed", "Call again if it is still wanted."
	default:
		r.Reason, r.Next = "scanwarden failed on its own side; nothing was changed", "Try again; if it stays so, ask the operator to look at the log."
	}
	r.Reason, r.Next = escapeInvisible(r.Reason), escapeInvisible(r.Next)
	return r.normalized()
}

// UnknownResult returns the result of a change that may be confirmed by now, if its state cannot be read. It must not
// look like something to repeat.
func UnknownResult(operation, change string) Result {
	return Result{
		Status: "awaiting_confirmation", ChangeID: change, Operation: operation,
		Reason: "The state of the change cannot be read right now.",
		Next:   "Do not propose it again: call get_change with this change_id and wait_seconds.",
	}
}

// unknownCommitResult returns the result of a call whose record in the ledger is not known. It must not look like
// something to repeat, and never says that nothing was recorded.
func unknownCommitResult(operation, change string) Result {
	return Result{
		Status: "awaiting_confirmation", ChangeID: change, Operation: operation,
		Reason: confirm.ErrUnknownCommit.Error(),
		Next:   "Do not repeat it: look with get_change " + change + ".",
	}
}

// normalized returns r with Reason and Next as sentences. Next begins with a verb, which is capitalized. Reason may
// begin with the name of a field, whose letter case matters.
func (r Result) normalized() Result {
	if r.Next != "" {
		first, size := utf8.DecodeRuneInString(r.Next)
		r.Next = string(unicode.ToUpper(first)) + r.Next[size:]
	}
	for _, s := range []*string{&r.Reason, &r.Next} {
		if *s != "" && !strings.ContainsAny((*s)[len(*s)-1:], ".!?") {
			*s += "."
		}
	}
	return r
}

// reasonOnly returns the error without its next step, which has a field of its own.
func reasonOnly(fault *defender.Error) string {
	what := *fault
	what.Next = ""
	return what.Error()
}
