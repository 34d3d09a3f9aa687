package config

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Schema is the published JSON schema of the configuration file. Editors complete by it and files are validated against
// it, so that the two cannot disagree.
//
//go:embed config.schema.json
var Schema []byte

// maxConfigFile is far larger than real files and small enough to be harmless.
const maxConfigFile = 1 << 20

// loadFile reads the file that the flag or the variable names, if one does.
func (c *Config) loadFile(env Environment, flags Flags) error {
	name, path := envPrefix+"CONFIG", env[envPrefix+"CONFIG"]
	if given, ok := flags[name]; ok {
		name, path = "--config", given
	}
	path, err := expandPath(env, path)
	if err != nil {
		return Origin(name).Errorf("%w", err)
	}
	return c.applyFile(path)
}

// applyFile reads the YAML file at path. An empty path means no file. Errors name file, line and column.
func (c *Config) applyFile(path string) error {
	if path == "" {
		return nil
	}
	data, err := ReadFile(path, maxConfigFile)
	if err != nil {
		return fmt.Errorf("configuration file: %w; name another one with --config or SCANWARDEN_CONFIG", err)
	}
	c.path = path
	if err := c.applyYAML(data); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return nil
}

// applyYAML parses, checks and decodes the text of a configuration file.
func (c *Config) applyYAML(data []byte) error {
	lines := bytes.Split(data, []byte("\n"))
	document, err := parseYAML(lines)
	if err != nil || document == nil {
		return err
	}
	if err := joinSorted(lintNodes(document, lines)); err != nil {
		return err
	}
	if err := checkSchema(document); err != nil {
		return err
	}
	c.document = document
	err = describeDecodeError(document.Decode(c), lines)
	for i := range c.Policy.Rules {
		c.Policy.Rules[i].When.locateBlock(lines)
	}
	return err
}

// parseYAML returns the one document of a file, or nil if the file has only comments.
func parseYAML(lines [][]byte) (*yaml.Node, error) {
	source := &lineReader{lines: lines}
	decoder := yaml.NewDecoder(source)
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, explainSyntax(err, lines, source.read)
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d, column 1: a second document begins here; keep one of them, and remove the line ---", secondDocumentLine(lines, document.Content[0].Line))
	}
	return &document, nil
}

// secondDocumentLine returns the line that ends the document which begins on line first.
func secondDocumentLine(lines [][]byte, first int) int {
	for n := first; n < len(lines); n++ {
		if bytes.HasPrefix(lines[n], []byte("---")) || bytes.HasPrefix(lines[n], []byte("...")) {
			return n + 1
		}
	}
	return first
}

// lineReader returns one line per read, so that it is known how far the library has read when it fails.
type lineReader struct {
	lines [][]byte
	read  int    // lines handed out
	rest  []byte // of the line that is being handed out
}

// Read returns the rest of the current line, or the next line.
func (r *lineReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.read == len(r.lines) {
			return 0, io.EOF
		}
		r.rest = bytes.Clone(r.lines[r.read])
		if r.read++; r.read < len(r.lines) {
			r.rest = append(r.rest, '\n')
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
