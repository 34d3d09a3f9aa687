package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
)

// checkSchema says what in the document is not as the schema has it, each mistake with its place. It repeats no
// value: somebody may have written a secret where it does not belong.
func checkSchema(document *yaml.Node) error {
	var value any
	if err := document.Decode(&value); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if value == nil {
		return nil
	}
	schema, err := compileSchema()
	if err != nil {
		return err
	}
	err = schema.Validate(value)
	wrong := (*jsonschema.ValidationError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	var found []fileError
	for _, leaf := range leafErrors(wrong) {
		if found = append(found, translateError(document, leaf)...); len(found) > maxErrors {
			break
		}
	}
	return joinSorted(found)
}

// maxErrors are told at once: a file with more is of another kind, and a person corrects a few at a time.
const maxErrors = 20

// joinSorted is every mistake once, in the order of the file.
func joinSorted(found []fileError) error {
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b fileError) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column)) })
	var texts []string
	for i, m := range slices.Compact(found) {
		if i == maxErrors {
			texts = append(texts, "and more")
			break
		}
		texts = append(texts, fmt.Sprintf("line %d, column %d: %s", m.line, m.column, m.text))
	}
	return errors.New(strings.Join(texts, "; "))
}

func compileSchema() (*jsonschema.Schema, error) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		return nil, fmt.Errorf("schema of the configuration file: %w", err)
	}
	const name = "urn:scanwarden:config"
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, parsed); err != nil {
		return nil, fmt.Errorf("schema of the configuration file: %w", err)
	}
	return compiler.Compile(name)
}

// fileError is one thing wrong, and where.
type fileError struct {
	line, column int
	text         string
}

// leafErrors are the mistakes that are not explained by others. Of a choice, the whole is told: a person did not
// make each of the branches' mistakes. So it is of a name, since what is wrong with it does not say where it stands.
func leafErrors(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	_, choice := e.ErrorKind.(*kind.OneOf)
	_, name := e.ErrorKind.(*kind.PropertyNames)
	if choice || name || len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leafErrors(cause)...)
	}
	return all
}

// secretKeys are the keys under which only a place may stand.
var secretKeys = []string{"authPassword", "privPassword", "communityString", "tokens"}

const secretRefHint = "say where the secret is, as {env: NAME}, {file: PATH} or {keyVault: URL}; the secret itself does not belong in this file"

func translateError(document *yaml.Node, e *jsonschema.ValidationError) []fileError {
	at := errorPath(e)
	here := nodeAt(document, at, "")
	if slices.ContainsFunc(at, func(key string) bool { return slices.Contains(secretKeys, key) }) && at[0] != "slack" {
		return []fileError{{here.Line, here.Column, secretRefHint}}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return unknownKeyErrors(document, e, k.Properties)
	case *kind.PropertyNames:
		node := nodeAt(document, at, k.Property)
		return []fileError{{node.Line, node.Column, joinPath(at) + ": " + unknownOperationKey(k.Property, e.Causes)}}
	}
	return []fileError{{here.Line, here.Column, messageFor(e.ErrorKind, at, describePath(document, at), here.Value)}}
}

// errorPath is where the value is that e complains of. Of a name the library does not say it; the schema's path does.
func errorPath(e *jsonschema.ValidationError) []string {
	if _, name := e.ErrorKind.(*kind.PropertyNames); !name {
		return e.InstanceLocation
	}
	_, pointer, _ := strings.Cut(e.SchemaURL, "#/")
	return slices.DeleteFunc(strings.Split(pointer, "/"), func(p string) bool { return p == "properties" || p == "propertyNames" })
}

func unknownKeyErrors(document *yaml.Node, e *jsonschema.ValidationError, keys []string) (found []fileError) {
	slices.Sort(keys)
	for _, key := range keys[:min(len(keys), maxErrors+1)] {
		node := nodeAt(document, e.InstanceLocation, key)
		text := fmt.Sprintf("unknown key %q: remove it or correct its spelling%s", key, suggestKey(key, e.SchemaURL))
		if strings.ContainsAny(key, `()"'=<>`) {
			text = fmt.Sprintf("%q is no key: in { }, a comma ends a value; put the whole expression before it in single quotes", key)
		}
		found = append(found, fileError{node.Line, node.Column, text})
	}
	return found
}

// unknownOperationKey is said of a name that is not one of those that the schema allows.
func unknownOperationKey(name string, causes []*jsonschema.ValidationError) string {
	var known []string
	for _, cause := range causes {
		if k, is := cause.ErrorKind.(*kind.Enum); is {
			known = strings.Split(joinValues(k.Want), ", ")
		}
	}
	return unknownOperation(name, known)
}

// unknownOperation is said of a name that is not one of those known.
func unknownOperation(name string, known []string) string {
	text := fmt.Sprintf("%q is not a tool that changes anything; name one of %s", name, strings.Join(known, ", "))
	if best := closest(name, known); best != "" {
		text += "; did you mean " + best + "?"
	}
	return text
}

// messageFor says what is wrong with the value at a place, which name tells people. It repeats a value only where that
// is a number.
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
		return "a rule needs either approvals or refuse: give one of the two, not both"
	case *kind.MinLength, *kind.MinItems:
		return name + " is empty; " + cmp.Or(emptyValueHints[at[len(at)-1]], "write something, or remove it")
	case *kind.MaxLength:
		return fmt.Sprintf("%s has %d characters and may have %d; shorten it", name, k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("%s has %d entries and may have %d; join some", name, k.Got, k.Want)
	}
	return name + " is not as the schema wants it; see `scanwarden schema --of config`"
}

// emptyValueHints is, by key, what belongs where nothing stands.
var emptyValueHints = map[string]string{
	"name":       "give one that people will recognise",
	"when":       "say to which changes the rule applies, such as count > 3",
	"refuse":     "say why such a change is refused, and what to do",
	"principals": "list one at least, such as slack:TEAM/USER",
}

func formatHint(at []string) string {
	switch {
	case at[len(at)-1] == "expires":
		return " is not a duration; write one, such as 15m"
	case at[0] == "people":
		return " is not a principal; write slack:TEAM/USER, entra:TENANT/OBJECT, token:NAME or local:USER"
	}
	return " is not a principal; write slack:TEAM/USER, slack-group:ID, entra:TENANT/OBJECT, entra-role:NAME, token:NAME or local:USER"
}

func typeMismatch(k *kind.Type, at []string, name, value string) string {
	switch numeric := k.Got == "number" || k.Got == "integer"; {
	case k.Want[0] == "boolean":
		return name + " must be true or false; write one of these two words, without quotes"
	case k.Want[0] == "integer" && numeric:
		return name + " must be a whole number, and this is a fraction"
	case numeric && slices.Equal(at, []string{"policy", "expires"}):
		return fmt.Sprintf("%s needs a unit; write %sm for minutes", name, value)
	}
	return fmt.Sprintf("%s must be %s, and this is %s", name, typeName(k.Want[0]), typeName(k.Got))
}

// typeName is JSON Schema's word for a type in words for people who write YAML.
func typeName(name string) string {
	plain := map[string]string{
		"array": "a list", "object": "a mapping", "string": "a text", "integer": "a whole number", "number": "a number",
		"boolean": "true or false", "null": "empty",
	}
	return cmp.Or(plain[name], name)
}

func joinValues(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	return strings.Join(words, ", ")
}

// suggestKey names the key of the schema's object that an unknown one was probably meant to be.
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
	if best := closest(key, slices.Sorted(maps.Keys(known))); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}
