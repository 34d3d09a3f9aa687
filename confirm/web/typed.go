package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"scanwarden/confirm"
)

// maxTypedLen bounds one typed secret, in bytes.
const maxTypedLen = 1024

// errTyped marks a typed secret that is missing or unusable. Its text never repeats the value.
var errTyped = errors.New("a typed credential cannot be used")

// typedParts returns the fields that an approver of c has to type; nil for most changes.
func (h *changesHandler) typedParts(c confirm.Change) []string {
	if h.cfg.Typed.Parts == nil {
		return nil
	}
	return h.cfg.Typed.Parts(c)
}

// typedNow returns the fields that the viewer has to type with an approval: none unless that approval is the last one.
func (h *changesHandler) typedNow(ctx context.Context, q viewRequest) ([]string, error) {
	parts := h.typedParts(q.change)
	if len(parts) == 0 {
		return nil, nil
	}
	last, err := q.gate.CompletesApproval(ctx, q.change, q.viewer.vote(true, ""))
	if err != nil || !last {
		return nil, err
	}
	return parts, nil
}

// holdTyped holds what the viewer has typed, if their approval is the last one. drop forgets it again. Another vote may come
// in between; then the Gate finds that nothing is held, and refuses the approval.
func (h *changesHandler) holdTyped(ctx context.Context, q viewRequest, f decisionForm) (drop func(), err error) {
	drop = func() {}
	if !f.approve {
		return drop, nil
	}
	parts, err := h.typedNow(ctx, q)
	if err != nil || len(parts) == 0 {
		return drop, err
	}
	values, err := typedValues(f.values, parts)
	if err != nil {
		return drop, err
	}
	held, err := h.cfg.Typed.Hold(q.change, values)
	if err != nil {
		return drop, fmt.Errorf("%w: %w", errTyped, err)
	}
	return held, nil
}

// typedValues returns the typed secrets by field.
func typedValues(form url.Values, parts []string) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range parts {
		value := onlyValue(form, name)
		switch {
		case value == "":
			return nil, fmt.Errorf("%w: type %s", errTyped, name)
		case len(value) > maxTypedLen:
			return nil, fmt.Errorf("%w: %s is longer than %d bytes", errTyped, name, maxTypedLen)
		case strings.ContainsFunc(value, unicode.IsControl):
			return nil, fmt.Errorf("%w: %s contains a control character; type it again", errTyped, name)
		}
		values[name] = value
	}
	return values, nil
}
