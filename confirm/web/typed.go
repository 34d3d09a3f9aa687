package web

import (
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
