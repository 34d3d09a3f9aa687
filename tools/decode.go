package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

const (
	maxArguments = 64 << 10 // bytes
	maxDepth     = 8        // the deepest input has two levels
)

// secretFields lists the fields that carry secrets in Microsoft's API, in the form that isSecret compares.
var secretFields = []string{"authpassword", "privpassword", "communitystring", "password", "privatekey"}

// decodeInput returns the arguments of an operation as In. It returns a *Refusal for a field that is unknown,
// duplicate, of the wrong type or a secret, in words that never repeat a value. A null field counts as left out.
// Nested fields may also be given flat with dotted names, for interfaces with flat forms.
func decodeInput[In any](args json.RawMessage) (In, error) {
	var in In
	if len(args) > maxArguments {
		return in, refuse("", "the arguments are %s bytes long, and at most %s are accepted", groupDigits(uint64(len(args))), groupDigits(maxArguments)).
			withHint("write neighbouring addresses as a CIDR or a range, or split the call")
	}
	object, err := parseObject(args)
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

// parseObject returns the one JSON object in args. Empty arguments and null are an empty object.
func parseObject(args json.RawMessage) (map[string]any, error) {
	if trimmed := bytes.TrimSpace(args); len(trimmed) == 0 || string(trimmed) == "null" {
		return map[string]any{}, nil
	}
	r := &tokenReader{json: json.NewDecoder(bytes.NewReader(args))}
	r.json.UseNumber()
	v, err := r.readValue(0)
	if len(r.secrets) > 0 {
		return nil, refuseSecrets(r.secrets)
	}
	if _, end := r.json.Token(); err == nil && end != io.EOF {
		err = errors.New("there is more than one value")
	}
	if err == nil {
		err = r.duplicate
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		return nil, refusal
	}
	if err != nil {
		return nil, refuse("", "the arguments are not valid JSON near byte %d", r.json.InputOffset()).withHint("send one JSON object")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("", "the arguments must be a JSON object, not %s", jsonType(v)).withHint("send fields by their names")
	}
	return object, nil
}

// refuseSecrets returns a *Refusal that names every secret that was sent, because all of them must be rotated.
func refuseSecrets(fields []string) error {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = quote(field)
	}
	sentence := "%s is a secret and is not taken here; everyone who can read this call has seen it, so consider it exposed and rotate it"
	if len(names) > 1 {
		sentence = "%s are secrets and are not taken here; everyone who can read this call has seen them, so consider them exposed and rotate them"
	}
	return refuse(fields[0], sentence, strings.Join(names, ", ")).
		withHint("leave them out, and name a configured credential or a Key Vault secret (scanAuthenticationParams.keyVaultUrl and keyVaultSecretName) instead")
}

// tokenReader builds values token by token. Decoding into a map would hide a second field of the same name.
type tokenReader struct {
	json      *json.Decoder
	secrets   []string // names of the secrets that were sent, at most eight
	duplicate error    // a refusal of the first duplicate field
}

func (r *tokenReader) readValue(depth int) (any, error) {
	token, err := r.json.Token()
	if err != nil {
		return nil, err
	}
	if _, opens := token.(json.Delim); opens && depth >= maxDepth {
		return nil, refuse("", "the arguments are nested too deep").withHint("send them as the schema shows")
	}
	switch token {
	case json.Delim('{'):
		return r.readObject(depth)
	case json.Delim('['):
		return r.readList(depth)
	}
	return token, nil
}

func (r *tokenReader) readObject(depth int) (any, error) {
	object := map[string]any{}
	for r.json.More() {
		token, err := r.json.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // a decoder returns nothing else before a colon
		if isSecret(name) && len(r.secrets) < 8 && !slices.Contains(r.secrets, name) {
			r.secrets = append(r.secrets, name)
		}
		if _, there := object[name]; there && r.duplicate == nil {
			r.duplicate = refuse(name, "%s is given twice", quote(name)).withHint("send it once")
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

// isSecret reports whether the last part of a dotted name is a secret's, whatever its letter case and punctuation.
func isSecret(name string) bool {
	name = name[strings.LastIndex(name, ".")+1:]
	return slices.Contains(secretFields, strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name)))
}
