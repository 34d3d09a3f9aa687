package tools

import (
	"errors"
	"regexp"
	"sync"

	"scanwarden/confirm"
)

// verbs matches the places of a rule in which a refusal shows values.
var verbs = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`%[a-z]`) })

// RefusalAttrs returns err as attributes for a log line. Of a *Refusal of arguments, they are the field and the rule: a
// log never repeats what a caller sent. Of any other error, it is the error.
func RefusalAttrs(err error) []any {
	refusal, ok := errors.AsType[*Refusal](err)
	switch {
	case errors.Is(err, confirm.ErrNotFound):
		return []any{"error", confirm.ErrNotFound} // without the id that was given
	case !ok || refusal.rule == "":
		return []any{"error", err}
	}
	field := refusal.Field
	if refusal.typedField {
		field = ""
	}
	return []any{"field", field, "rule", verbs().ReplaceAllString(refusal.rule, "...")}
}
