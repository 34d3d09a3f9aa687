package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
)

// checkSchema returns an error that lists where the document violates the schema. It repeats no value: a user may have
// written a secret in the wrong place.
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

// maxErrors bounds how many mistakes are reported at once. A file with more is probably of another kind, and a user
// corrects a few at a time.
const maxErrors = 20

// joinSorted returns one error that lists each mistake once, in the order of the file. It returns nil if there are
// none.
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

// compileSchema returns the schema of the configuration file.
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

// fileError is one mistake and its position in the file.
type fileError struct {
	line, column int
	text         string
}

// leafErrors returns the errors that are not explained by others. Of a choice it returns the whole, because a user did
// not make the mistakes of all its branches. Of a property name it does too, because its cause has no location.
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

// secretKeys lists the keys that take references to secrets.
var secretKeys = []string{"authPassword", "privPassword", "communityString", "tokens"}

const secretRefHint = "say where the secret is, as {env: NAME}, {file: PATH} or {keyVault: URL}; the secret itself does not belong in this file"

// translateError returns a schema error in plain words, with positions.
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

// errorPath returns the path of the value that e is about. For property names the library reports no path, and the
// schema's own path is used.
func errorPath(e *jsonschema.ValidationError) []string {
	if _, name := e.ErrorKind.(*kind.PropertyNames); !name {
		return e.InstanceLocation
	}
	_, pointer, _ := strings.Cut(e.SchemaURL, "#/")
	return slices.DeleteFunc(strings.Split(pointer, "/"), func(p string) bool { return p == "properties" || p == "propertyNames" })
}

// unknownKeyErrors returns a mistake for each unknown key.
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

// unknownOperationKey returns the message for a key that is not one of the operations which the schema allows.
func unknownOperationKey(name string, causes []*jsonschema.ValidationError) string {
	var known []string
	for _, cause := range causes {
		if k, is := cause.ErrorKind.(*kind.Enum); is {
			known = strings.Split(joinValues(k.Want), ", ")
		}
	}
	return unknownOperation(name, known)
}

// unknownOperation returns the message for a name that is not one of the known operations.
func unknownOperation(name string, known []string) string {
	text := fmt.Sprintf("%q is not a tool that changes anything; name one of %s", name, strings.Join(known, ", "))
	if best := Closest(name, known); best != "" {
		text += "; did you mean " + best + "?"
	}
	return text
}
