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
	onByDefault bool // a boolean that is true unless somebody says otherwise
	source      *OptionSource
}

// OptionSource is a list of the tenant's that a field is chosen from.
type OptionSource struct {
	Operation          string // lists it
	List               string // the list in that operation's output
	idField, nameField string // of one of its entries
	describe           func(entry map[string]any) string
	EmptyText          string // what to say when it is empty
}

var (
	ScansSource = &OptionSource{
		Operation: "list_scans", List: "scans", idField: "id", nameField: "scanName",
		describe:  func(e map[string]any) string { return FormatValue(e["target"]) },
		EmptyText: "There are no scans in Defender.",
	}
	scannersSource = &OptionSource{
		Operation: "list_scanners", List: "scanners", idField: "machineId", nameField: "name",
		describe:  func(e map[string]any) string { return "last seen " + FormatTimestamp(FormatValue(e["lastSeen"])) },
		EmptyText: "There is no scanner in Defender. Install one first: Settings, Device discovery, Authenticated scans.",
	}
)

// optionSources is the one table of fields that people choose from a list instead of typing an id.
var optionSources = map[string]*OptionSource{
	"id":                     ScansSource,
	"scanDefinitionIds":      ScansSource,
	"scannerAgent.machineId": scannersSource,
}

// omittedFields are inputs that people are not asked for: the server fills them in.
var omittedFields = map[string]bool{"scanAuthenticationParams.@odata.type": true}

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

// flattenFields flattens an input schema. A nested field is required only when all that it stands in are.
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
		// Without configured credentials there is none to name.
		if !omittedFields[name] && !(name == "credential" && len(p.Enum) == 0) {
			out = append(out, f)
		}
	}
	return out
}

// FormatValue writes a value of JSON as a person types it.
func FormatValue(v any) string {
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
			parts = append(parts, FormatValue(e))
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}

// FormatTimestamp is the minute of a timestamp, for people; "never" when there is none.
func FormatTimestamp(timestamp string) string {
	if len(timestamp) < len("2006-01-02T15:04") {
		return "never"
	}
	return strings.Replace(timestamp[:16], "T", " ", 1) + " UTC"
}

// parse turns what a person typed into what the desk takes. What does not fit is passed on as it is, so that
// the desk's refusal names the field.
func (f field) parse(given string) any {
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
