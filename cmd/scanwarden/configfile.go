package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"
)

// configSchema is the published schema of the configuration file: what editors complete by, and what a file is
// checked against, so that the two cannot disagree.
//
//go:embed config.schema.json
var configSchema []byte

// maxConfigFile is far more than any real file and far less than what would hurt.
const maxConfigFile = 1 << 20

// fromFile reads the YAML file at path; an empty path is no file. Its errors name file, line and column.
func (c *config) fromFile(path string) error {
	if path == "" {
		return nil
	}
	data, err := readFile(path, maxConfigFile)
	if err != nil {
		return fmt.Errorf("configuration file: %w; name another one with --config or SCANWARDEN_CONFIG", err)
	}
	c.path = path
	if err := c.fromYAML(data); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return nil
}

func (c *config) fromYAML(data []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil // nothing but comments
	} else if err != nil {
		return withColumn(err, data)
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return errors.New("it holds more than one document; keep the first one only")
	}
	if err := checkSchema(&document); err != nil {
		return err
	}
	return withColumn(document.Decode(c), data)
}

// withColumn adds to the library's errors, which know the line only, the column at which that line begins.
func withColumn(err error, data []byte) error {
	if err == nil {
		return nil
	}
	lines := bytes.Split(data, []byte("\n"))
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
	late := strings.Contains(text, ": did not find expected") // the library counts these lines from zero
	text = regexp.MustCompile(`line (\d+): `).ReplaceAllStringFunc(text, func(place string) string {
		n, _ := strconv.Atoi(strings.Trim(place, "line: "))
		if late {
			n++
		}
		if n < 1 || n > len(lines) {
			return place
		}
		line := lines[n-1]
		return fmt.Sprintf("line %d, column %d: ", n, len(line)-len(bytes.TrimLeft(line, " \t"))+1)
	})
	return errors.New(text)
}

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
	var found []mistake
	for _, leaf := range leaves(wrong) {
		found = append(found, mistakes(document, leaf)...)
	}
	slices.SortStableFunc(found, func(a, b mistake) int { return (a.line-b.line)*10000 + a.column - b.column })
	var texts []string
	for _, m := range slices.Compact(found) {
		texts = append(texts, fmt.Sprintf("line %d, column %d: %s", m.line, m.column, m.text))
	}
	return errors.New(strings.Join(texts, "; "))
}

func compileSchema() (*jsonschema.Schema, error) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(configSchema))
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

// mistake is one thing wrong, and where.
type mistake struct {
	line, column int
	text         string
}

// leaves are the mistakes that are not explained by others. Of a choice, the whole is told: a person did not
// make each of the branches' mistakes.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if _, choice := e.ErrorKind.(*kind.OneOf); choice || len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

// secretPlaces are the keys under which only a place may stand.
var secretPlaces = []string{"authPassword", "privPassword", "communityString", "tokens"}

const whereSecretsAre = "say where the secret is, as {env: NAME}, {file: PATH} or {keyVault: URL}; the secret itself does not belong in this file"

func mistakes(document *yaml.Node, e *jsonschema.ValidationError) []mistake {
	at := e.InstanceLocation
	here := place(document, at, "")
	if slices.ContainsFunc(at, func(key string) bool { return slices.Contains(secretPlaces, key) }) && at[0] != "slack" {
		return []mistake{{here.Line, here.Column, whereSecretsAre}}
	}
	var out []mistake
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, key := range k.Properties {
			node := place(document, at, key)
			out = append(out, mistake{node.Line, node.Column, fmt.Sprintf("unknown key %q: remove it or correct its spelling%s", key, likely(key, e.SchemaURL))})
		}
	case *kind.Required:
		out = append(out, mistake{here.Line, here.Column, strings.Join(k.Missing, " and ") + " is missing: add it"})
	case *kind.Type:
		out = append(out, mistake{here.Line, here.Column, fmt.Sprintf("%s must be %s, and this is %s", keyPath(at), plainType(k.Want[0]), plainType(k.Got))})
	case *kind.Pattern:
		text := " is not a principal; write slack:TEAM/USER, entra:TENANT/OBJECT, token:NAME or local:USER"
		if at[len(at)-1] == "expires" {
			text = " is not a duration; write one, such as 15m"
		}
		out = append(out, mistake{here.Line, here.Column, keyPath(at) + text})
	case *kind.Enum:
		out = append(out, mistake{here.Line, here.Column, fmt.Sprintf("%s must be one of %s", keyPath(at), listed(k.Want))})
	case *kind.Minimum:
		out = append(out, mistake{here.Line, here.Column, fmt.Sprintf("%s must be %s or more", keyPath(at), k.Want.RatString())})
	case *kind.Maximum:
		out = append(out, mistake{here.Line, here.Column, fmt.Sprintf("%s must be %s or less", keyPath(at), k.Want.RatString())})
	case *kind.OneOf:
		out = append(out, mistake{here.Line, here.Column, "a rule needs either approvals or refuse: give one of the two, not both"})
	case *kind.MinLength, *kind.MaxLength, *kind.MaxItems:
		out = append(out, mistake{here.Line, here.Column, fmt.Sprintf("%s is out of bounds; see `scanwarden schema --of config`", keyPath(at))})
	default:
		out = append(out, mistake{here.Line, here.Column, fmt.Sprintf("%s is not as the schema wants it; see `scanwarden schema --of config`", keyPath(at))})
	}
	return out
}

// plainType is JSON Schema's word for a type in words for people who write YAML.
func plainType(name string) string {
	plain := map[string]string{
		"array": "a list", "object": "a mapping", "string": "a text", "integer": "a whole number", "number": "a number",
		"boolean": "true or false", "null": "empty",
	}
	return cmp.Or(plain[name], name)
}

func listed(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	return strings.Join(words, ", ")
}

// likely names the key of the schema's object that an unknown one was probably meant to be.
func likely(key, schemaURL string) string {
	var schema any
	if json.Unmarshal(configSchema, &schema) != nil {
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
	if best := nearest(key, slices.Sorted(maps.Keys(known))); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

func keyPath(at []string) string {
	if len(at) == 0 {
		return "the file"
	}
	return strings.Join(at, ".")
}

// place finds the node at a location; with a key, the key itself. What cannot be found is where its parent is.
func place(document *yaml.Node, at []string, key string) *yaml.Node {
	node := resolve(document)
	for _, name := range at {
		_, value := member(node, name)
		if value == nil {
			return node
		}
		node = resolve(value)
	}
	if found, _ := member(node, key); found != nil && key != "" {
		return found
	}
	return node
}

func resolve(node *yaml.Node) *yaml.Node {
	for {
		switch {
		case node.Kind == yaml.DocumentNode && len(node.Content) > 0:
			node = node.Content[0]
		case node.Kind == yaml.AliasNode && node.Alias != nil:
			node = node.Alias
		default:
			return node
		}
	}
}

// member returns the key and the value of one member of a mapping or sequence.
func member(node *yaml.Node, name string) (key, value *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i]
		}
	}
	return nil, nil
}

// readFile reads a file of at most limit bytes, so that a device or a mistaken path cannot fill the memory.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}
