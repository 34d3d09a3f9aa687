package tools

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"
)

// inputSchema returns a schema that every client accepts: one object, all inline, without undeclared fields.
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
		p.Enum = append(p.Enum, AskCredential)
	}
	return json.Marshal(s)
}

// addExamples adds the examples that the library's tags cannot express: for booleans, and for lists as a whole.
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

// outputSchema returns a schema that allows further fields. It does not describe what Defender returns: those field
// names are clear by themselves, and a model would read the list on every turn of a conversation.
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
