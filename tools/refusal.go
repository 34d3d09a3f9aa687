package tools

import (
	"fmt"
	"strings"
)

// Refusal is an error that a model or user can act on: one plain sentence that names the field and the fix. Nothing
// was recorded and nothing was sent.
type Refusal struct {
	Field  string // "" when no single field is at fault
	Reason string // the sentence
	Next   string // one sentence on what to do; may be empty

	rule       string // Reason without its values, for logs; "" for a refusal that repeats nothing of a caller
	typedField bool   // Field is what the caller typed, and not the name of one of our fields
}

// Error returns the reason and the next step, if there is one.
func (r *Refusal) Error() string {
	if r.Next == "" {
		return r.Reason
	}
	return strings.TrimSuffix(r.Reason, ".") + "; " + r.Next
}

// refuse returns a Refusal. The format is also its rule in logs, so every value belongs into args.
func refuse(field, format string, args ...any) *Refusal {
	return &Refusal{Field: field, Reason: fmt.Sprintf(format, args...), rule: format}
}

// withHint sets the next step and returns r.
func (r *Refusal) withHint(format string, args ...any) *Refusal {
	r.Next = fmt.Sprintf(format, args...)
	return r
}
