package form

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scanwarden/tools"
)

// schema is the part of JSON Schema that the input of an operation uses.
type schema struct {
	Type        string            `json:"type"`
	Properties  orderedProperties `json:"properties"`
	Required    []string          `json:"required"`
	Enum        []string          `json:"enum"`
	Description string            `json:"description"`
	Examples    []any             `json:"examples"`
	Default     any               `json:"default"`
	Minimum     *int              `json:"minimum"`
	Maximum     *int              `json:"maximum"`
}

// orderedProperties keeps the order in which a schema declares its properties.
type orderedProperties []property

type property struct {
	name string
	schema
}

func (o *orderedProperties) UnmarshalJSON(b []byte) error {
	var byName map[string]json.RawMessage
	if err := json.Unmarshal(b, &byName); err != nil {
		return err
	}
	in := json.NewDecoder(bytes.NewReader(b))
	if _, err := in.Token(); err != nil {
		return err
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return err
		}
		p := property{name: fmt.Sprint(key)}
		if err := in.Decode(&p.schema); err != nil {
			return err
		}
		*o = append(*o, p)
	}
	return nil
}

// omittedFields are inputs that no form has, because the server fills them in.
var omittedFields = map[string]bool{"scanAuthenticationParams.@odata.type": true}

// flattenFields returns the fields of an input schema, with dotted names for nested ones. A nested field is required
// only if each object that contains it is required as well.
func flattenFields(s schema, path string, required bool) []field {
	var out []field
	for _, p := range s.Properties {
		name, needed := path+p.name, required && slices.Contains(s.Required, p.name)
		if len(p.Properties) > 0 {
			out = append(out, flattenFields(p.schema, name+".", needed)...)
			continue
		}
		f := field{
			name: name, kind: p.Type, enum: p.Enum, required: needed, description: p.Description,
			min: p.Minimum, max: p.Maximum, onByDefault: p.Default == true, source: optionSources[name],
		}
		if len(p.Examples) > 0 {
			f.example = FormatValue(p.Examples[0])
		}
		if name == "credential" { // what an approver types takes the page, and what Slack proposes is decided in Slack
			f.enum = slices.DeleteFunc(slices.Clone(f.enum), func(name string) bool { return name == tools.AskCredential })
			f.description, _, _ = strings.Cut(f.description, ";")
		}
		// Without configured credentials there is none to name.
		if !omittedFields[name] && !(name == "credential" && len(p.Enum) == 0) {
			out = append(out, f)
		}
	}
	return out
}
