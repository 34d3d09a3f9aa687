package tools

import (
	"fmt"
	"strings"
)

// Refusal is an error a model or person can act on: one plain sentence naming the field and the fix. Nothing
// was kept and nothing was sent.
type Refusal struct {
	Field  string // "" when no single field is at fault
	Reason string // the sentence
	Next   string // one sentence on what to do; may be empty
}

// Error is the reason and, where there is one, the next step.
func (r *Refusal) Error() string {
	if r.Next == "" {
		return r.Reason
	}
	return strings.TrimSuffix(r.Reason, ".") + "; " + r.Next
}

func refuse(field, format string, args ...any) *Refusal {
	return &Refusal{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// withHint adds the next step.
func (r *Refusal) withHint(format string, args ...any) *Refusal {
	r.Next = fmt.Sprintf(format, args...)
	return r
}
