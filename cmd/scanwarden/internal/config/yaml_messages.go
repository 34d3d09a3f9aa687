package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// messageFor returns what is wrong with the value at a path. name is the path for people. A value is repeated only if
// it is a number.
func messageFor(is jsonschema.ErrorKind, at []string, name, value string) string {
	switch k := is.(type) {
	case *kind.Required:
		return strings.Join(k.Missing, " and ") + " is missing: add it"
	case *kind.Type:
		return typeMismatch(k, at, name, value)
	case *kind.Pattern:
		return name + formatHint(at)
	case *kind.Enum:
		return fmt.Sprintf("%s must be one of %s", name, joinValues(k.Want))
	case *kind.Minimum:
		return fmt.Sprintf("%s must be %s or more", name, k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s must be %s or less", name, k.Want.RatString())
	case *kind.OneOf:
		return "a rule needs either approvals or refuse: give one of the two, not both; authentication_context can stand in place of approvals or beside them"
	case *kind.MinLength, *kind.MinItems:
		return name + " is empty; " + cmp.Or(emptyValueHints[at[len(at)-1]], "write a value, or remove the key")
	case *kind.MaxLength:
		return fmt.Sprintf("%s has %d characters and may have %d; shorten it", name, k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("%s has %d entries and may have %d; join some", name, k.Got, k.Want)
	}
	return name + " does not match the schema; see `scanwarden schema --of config`"
}

// emptyValueHints holds, by key, what to write if a value is empty.
var emptyValueHints = map[string]string{
	"name":       "give one that people will recognize",
	"when":       "say to which changes the rule applies, such as count > 3",
	"refuse":     "say why such a change is refused, and what to do",
	"principals": "list one at least, such as slack:TEAM/USER",
}

// formatHint returns what to write in place of a malformed duration or principal.
func formatHint(at []string) string {
	switch {
	case at[len(at)-1] == "expires":
		return " is not a duration; " + expiresForm
	case at[len(at)-1] == "authentication_context":
		return " is not an authentication context; write c1 to c99, as in Microsoft Entra"
	case at[len(at)-1] == "retention":
		return " is not a duration; " + retentionForm
	case at[0] == "people":
		return " is not a principal; write slack:TEAM/USER, entra:TENANT/OBJECT, token:NAME or local:USER"
	}
	return " is not a principal; write slack:TEAM/USER, slack-group:ID, entra:TENANT/OBJECT, entra-role:NAME, token:NAME or local:USER"
}

// typeMismatch returns what type a value must have and has, with a special hint for frequent mistakes.
func typeMismatch(k *kind.Type, at []string, name, value string) string {
	switch numeric := k.Got == "number" || k.Got == "integer"; {
	case k.Want[0] == "boolean":
		return name + " must be true or false; write one of these two words, without quotes"
	case k.Want[0] == "integer" && numeric:
		return name + " must be a whole number, and this is a fraction"
	case numeric && slices.Equal(at, []string{"policy", "expires"}):
		return fmt.Sprintf("%s needs a unit; write %sm for minutes", name, value)
	case numeric && slices.Equal(at, []string{"retention"}):
		return fmt.Sprintf("%s needs a unit; write %sh for hours", name, value)
	}
	return fmt.Sprintf("%s must be %s, and this is %s", name, typeName(k.Want[0]), typeName(k.Got))
}

// typeName returns a plain name for a type of JSON Schema.
func typeName(name string) string {
	plain := map[string]string{
		"array": "a list", "object": "a mapping", "string": "a text", "integer": "a whole number", "number": "a number",
		"boolean": "true or false", "null": "empty",
	}
	return cmp.Or(plain[name], name)
}

// joinValues returns the values separated by commas.
func joinValues(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	return strings.Join(words, ", ")
}

// suggestKey returns a hint with the key of the schema's object that was probably meant, or "".
func suggestKey(key, schemaURL string) string {
	var schema any
	if json.Unmarshal(Schema, &schema) != nil {
		return ""
	}
	_, pointer, _ := strings.Cut(schemaURL, "#")
	for _, name := range strings.Split(strings.Trim(pointer, "/"), "/") {
		if object, ok := schema.(map[string]any); ok && name != "" {
			schema = object[name]
		}
	}
	object, _ := schema.(map[string]any)
	known, _ := object["properties"].(map[string]any)
	if best := Closest(key, slices.Sorted(maps.Keys(known))); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}
