package tools

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"
)

// inputSchema is the portable kind of schema that every client takes: one object, all inline, nothing beyond
// what is declared.
func inputSchema(t reflect.Type, credentials []string) (json.RawMessage, error) {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, RequiredFromJSONSchemaTags: true}
	s := r.ReflectFromType(t)
	s.Version = "" // MCP's default dialect is 2020-12
	addExamples(s)
	if p, ok := s.Properties.Get("credential"); ok && len(credentials) > 0 {
		p.Enum, p.Examples = nil, []any{credentials[0]}
		for _, name := range credentials {
			p.Enum = append(p.Enum, name)
		}
	}
	return json.Marshal(s)
}

// addExamples adds the examples that the library's tags cannot express: for booleans, and for lists as a
// whole.
func addExamples(s *jsonschema.Schema) {
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		switch p := pair.Value; {
		case p.Type == "boolean":
			p.Examples = []any{true}
		case p.Type == "array":
			p.Examples, p.Items.Examples = []any{p.Items.Examples}, nil
		case p.Properties != nil:
			addExamples(p)
		}
	}
}

// outputSchema says what comes back, open to what may be added later. What Defender returns is not spelt out:
// its field names speak for themselves, and a list of them would be read on every turn of a conversation.
func outputSchema(t reflect.Type) (json.RawMessage, error) {
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, AllowAdditionalProperties: true, RequiredFromJSONSchemaTags: true,
		Mapper: func(inner reflect.Type) *jsonschema.Schema {
			if inner.Kind() == reflect.Struct && inner != t {
				return &jsonschema.Schema{Type: "object"}
			}
			return nil
		},
	}
	s := r.ReflectFromType(t)
	s.Version = ""
	return json.Marshal(s)
}
