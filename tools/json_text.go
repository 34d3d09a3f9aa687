package tools

import (
	"reflect"
	"strings"
)

// startsLikeJSON reports whether text begins like a JSON object, list or string.
func startsLikeJSON(text string) bool {
	text = strings.TrimSpace(text)
	return text != "" && strings.ContainsRune(`{["`, rune(text[0]))
}

// parseText returns the object or list that value is the JSON text of, once or repeatedly encoded: opening is '{' or '['.
// It returns every other value unchanged. A *Refusal names only fields of t, which may be nil. The text was searched for
// secrets before, as a part of the arguments.
func parseText(value any, opening byte, t reflect.Type) (any, error) {
	current := value
	for range maxTextLevels {
		text, ok := current.(string)
		if !ok || !startsLikeJSON(text) {
			break
		}
		r := newTokenReader(text)
		var err error
		if current, err = r.readWhole(); err != nil {
			break
		}
		if r.repeated != "" {
			return nil, repeatedField(r.repeated, isKnownIn(r.repeated, t))
		}
	}
	switch current.(type) {
	case map[string]any:
		if opening == '{' {
			return current, nil
		}
	case []any:
		if opening == '[' {
			return current, nil
		}
	}
	return value, nil
}
