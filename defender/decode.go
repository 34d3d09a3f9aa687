package defender

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Responses are decoded by field name, which encoding/json matches in any letter case: the pages print camelCase and
// PascalCase for the same fields.

// looseTime is a time with any number of fraction digits (the pages print none, six and seven). If it is missing or
// malformed, it is the zero time, so that a list does not fail because of a time.
type looseTime struct{ time.Time }

func (m *looseTime) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	t = t.UTC()
	if err == nil && t.Year() >= 1 && t.Year() <= 9999 { // other years cannot be marshaled again
		m.Time = t
	}
	return nil
}

// oneOrMany is an array that may also come as a single value, or as null.
type oneOrMany[T any] []T

func (m *oneOrMany[T]) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]T)(m))
	}
	var one *T
	if err := json.Unmarshal(data, &one); err != nil || one == nil {
		return err
	}
	*m = oneOrMany[T]{*one}
	return nil
}

// describeSyntax returns a decoding error that names the field of the response instead of a Go type.
func describeSyntax(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	if wrong.Field == "" {
		return fmt.Errorf("it must not be a JSON %s", wrong.Value)
	}
	return fmt.Errorf("the field %s must not be a JSON %s", wrong.Field, wrong.Value)
}
