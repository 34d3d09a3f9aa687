package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

const (
	maxArguments = 64 << 10 // bytes
	maxDepth     = 8        // the deepest input has two levels

	// maxTextLevels bounds JSON text inside JSON text. Some clients encode an object once, others once more on the way.
	maxTextLevels = 3
)

// decodeInput returns the arguments of an operation as In. What unambiguously means a value is taken as that value:
// see coerceObject. It returns a *Refusal for a field that is unknown, duplicate, of the wrong type or a secret. It
// looks for secrets first, also in text, and repeats none.
func decodeInput[In any](args json.RawMessage) (In, error) {
	var in In
	if len(args) > maxArguments {
		return in, refuse("", "the arguments are %s bytes long, and at most %s are accepted", groupDigits(uint64(len(args))), groupDigits(maxArguments)).
			withHint("write neighbouring addresses as a CIDR or a range, or split the call")
	}
	object, err := parseObject(args, reflect.TypeFor[In]())
	if err != nil {
		return in, err
	}
	if err := coerceObject("", object, reflect.TypeFor[In]()); err != nil {
		return in, err
	}
	checked, err := json.Marshal(object)
	if err != nil {
		return in, fmt.Errorf("rewrite arguments: %w", err)
	}
	if err := json.Unmarshal(checked, &in); err != nil {
		return in, refuse("", "the arguments do not fit") // coerceObject is stricter, so never reached
	}
	return in, nil
}

// parseObject returns the one JSON object in args, which may also be its text in a JSON string. Empty arguments and null
// are an empty object. A *Refusal names only fields of t.
func parseObject(args json.RawMessage, t reflect.Type) (map[string]any, error) {
	if trimmed := bytes.TrimSpace(args); len(trimmed) == 0 || string(trimmed) == "null" {
		return map[string]any{}, nil
	}
	r := newTokenReader(string(args))
	v, err := r.readWhole()
	if err != nil {
		r.secrets.addText(string(args)) // what could not be read may have them, too
	}
	switch {
	case len(r.secrets) > 0:
		return nil, refuseSecrets(r.secrets)
	case r.unread != nil:
		return nil, r.unread
	case err != nil:
		return nil, refuse("", "the arguments are not valid JSON near byte %d", r.json.InputOffset()).withHint("send one JSON object")
	case r.repeated != "":
		return nil, repeatedField(r.repeated, isKnownIn(r.repeated, t))
	}
	if v, err = parseText(v, '{', t); err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("", "the arguments must be a JSON object, not %s", jsonType(v)).withHint("send fields by their names")
	}
	return object, nil
}

// tokenReader builds values token by token. Decoding into a map would hide a second field of the same name.
type tokenReader struct {
	json     *json.Decoder
	level    int         // how often this is JSON text inside JSON text
	secrets  secretNames // that were sent, also in text
	repeated string      // the first field that is given twice
	unread   error       // a *Refusal if something is nested too deep to be read
}

func newTokenReader(text string) *tokenReader {
	r := &tokenReader{json: json.NewDecoder(strings.NewReader(text))}
	r.json.UseNumber()
	return r
}

// readWhole returns the only value of the text.
func (r *tokenReader) readWhole() (any, error) {
	v, err := r.readValue(0)
	if _, end := r.json.Token(); err == nil && end != io.EOF {
		err = errors.New("there is more than one value")
	}
	return v, err
}

func (r *tokenReader) readValue(depth int) (any, error) {
	token, err := r.json.Token()
	if err != nil {
		return nil, err
	}
	if _, opens := token.(json.Delim); opens && depth >= maxDepth {
		r.unread = refuse("", "the arguments are nested too deep").withHint("send them as the schema shows")
		return nil, r.unread
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return r.readObject(depth)
		}
		return r.readList(depth)
	case string:
		r.inspectText(token)
	}
	return token, nil
}

// inspectText looks for secrets in text, and in the JSON that it may contain.
func (r *tokenReader) inspectText(text string) {
	r.secrets.addText(text)
	if err := r.secrets.addJSON(text, r.level+1); err != nil && r.unread == nil {
		r.unread = err
	}
}

func (r *tokenReader) readObject(depth int) (any, error) {
	object := map[string]any{}
	for r.json.More() {
		token, err := r.json.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // a decoder returns nothing else before a colon
		r.secrets.addField(name)
		if _, there := object[name]; there && r.repeated == "" {
			r.repeated = name
		}
		if object[name], err = r.readValue(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.json.Token()
	return object, err
}

func (r *tokenReader) readList(depth int) (any, error) {
	list := []any{}
	for r.json.More() {
		v, err := r.readValue(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.json.Token()
	return list, err
}
