package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxFields bounds the fields of one object. A token or a message has about a dozen.
const maxFields = 256

// strictObject returns the fields of raw, which must be one JSON object and nothing else. Parsers disagree on a
// name that appears twice, and encoding/json ignores case. So an object in which two parsers could see different
// fields is an error. Nested values are not checked.
func strictObject(raw []byte) (map[string]json.RawMessage, error) {
	if !json.Valid(raw) {
		return nil, errors.New("it is not one JSON value")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if first, _ := dec.Token(); first != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		token, _ := dec.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("field %.40q: %w", name, err)
		}
		if len(fields) == maxFields {
			return nil, fmt.Errorf("it has more than %d fields", maxFields)
		}
		for other := range fields {
			if strings.EqualFold(other, name) { // folds as encoding/json does
				return nil, fmt.Errorf("it has the field %.40q twice", name)
			}
		}
		fields[name] = value
	}
	return fields, nil
}
