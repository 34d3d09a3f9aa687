package slackbot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one input of an operation, out of its JSON schema. Nested fields have dotted names.
type field struct {
	name        string
	kind        string // "string", "integer", "boolean" or "array" (of strings)
	enum        []string
	required    bool
	description string
	example     string
	min, max    *int
	on          bool // a boolean that is true unless somebody says otherwise
	from        *source
}

// source is a list of the tenant's that a field is chosen from.
type source struct {
	operation string // lists it
	list      string // the list in that operation's output
	id, name  string // of one of its entries
	about     func(entry map[string]any) string
	none      string // what to say when it is empty
}

var (
	scansSource = &source{
		operation: "list_scans", list: "scans", id: "id", name: "scanName",
		about: func(e map[string]any) string { return text(e["target"]) },
		none:  "There are no scans in Defender.",
	}
	scannersSource = &source{
		operation: "list_scanners", list: "scanners", id: "machineId", name: "name",
		about: func(e map[string]any) string { return "last seen " + day(text(e["lastSeen"])) },
		none:  "There is no scanner in Defender. Install one first: Settings, Device discovery, Authenticated scans.",
	}
)

// chosenFrom is the one table of fields that people choose from a list instead of typing an id.
var chosenFrom = map[string]*source{
	"id":                     scansSource,
	"scanDefinitionIds":      scansSource,
	"scannerAgent.machineId": scannersSource,
}

// hidden are inputs that people are not asked for: the server fills them in.
var hidden = map[string]bool{"scanAuthenticationParams.@odata.type": true}

// schema is as much of JSON Schema as the catalogue's inputs have.
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

// fieldsOf flattens an input schema. A nested field is required only when all that it stands in are.
func fieldsOf(s schema, path string, required bool) []field {
	var out []field
	for _, p := range s.Properties {
		name, needed := path+p.name, required && slices.Contains(s.Required, p.name)
		if len(p.Properties) > 0 {
			out = append(out, fieldsOf(p.schema, name+".", needed)...)
			continue
		}
		f := field{
			name: name, kind: p.Type, enum: p.Enum, required: needed, description: p.Description,
			min: p.Minimum, max: p.Maximum, on: p.Default == true, from: chosenFrom[name],
		}
		if len(p.Examples) > 0 {
			f.example = text(p.Examples[0])
		}
		// Without configured credentials there is none to name.
		if !hidden[name] && !(name == "credential" && len(p.Enum) == 0) {
			out = append(out, f)
		}
	}
	return out
}

// text writes a value of JSON as a person types it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, text(e))
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}

// day is the minute of a timestamp, for people; "never" when there is none.
func day(timestamp string) string {
	if len(timestamp) < len("2006-01-02T15:04") {
		return "never"
	}
	return strings.Replace(timestamp[:16], "T", " ", 1) + " UTC"
}

// typed turns what a person typed into what the desk takes. What does not fit is passed on as it is, so that
// the desk's refusal names the field.
func (f field) typed(given string) any {
	switch f.kind {
	case "integer":
		if n, err := strconv.Atoi(strings.TrimSpace(given)); err == nil {
			return n
		}
	case "boolean":
		switch strings.ToLower(given) {
		case "true", "yes", "on":
			return true
		case "false", "no", "off":
			return false
		}
	case "array":
		var list []string
		for _, item := range strings.Split(given, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list
	}
	return given
}
