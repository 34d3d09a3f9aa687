package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Origin names a setting for people, by where the value in force came from: there it must be corrected.
type Origin string

// recordOverride keeps in mind what was laid over the file.
func (c *Config) recordOverride(key, name string) {
	if c.overrides == nil {
		c.overrides = map[string]string{}
	}
	c.overrides[key] = name
}

// OriginOf is the origin of the setting with a key of the file and, below it, of one entry by its name or number.
func (c *Config) OriginOf(key string, below ...any) Origin {
	if name := c.overrides[key]; name != "" {
		return Origin(fmt.Sprintf("%s (%s)", key, name))
	}
	path := strings.Split(key, ".")
	for _, name := range below {
		path = append(path, fmt.Sprint(name))
	}
	if node := valueNode(c.document, path); node != nil {
		return Origin(fmt.Sprintf("configuration file %s: line %d, column %d: %s", c.Path, node.Line, node.Column, key))
	}
	for _, s := range Settings {
		if s.Key == key {
			return Origin(fmt.Sprintf("%s (%s)", key, s.Env))
		}
	}
	return Origin(key)
}

// Errorf is a mistake in the setting.
func (o Origin) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", o, fmt.Errorf(format, args...))
}

// valueNode is the value at a path of the document, or its key where the value goes over several lines; nil where there
// is none.
func valueNode(document *yaml.Node, path []string) *yaml.Node {
	if document == nil {
		return nil
	}
	node := document
	key := node
	for _, name := range path {
		if key, node = childNode(followAlias(node), name); node == nil {
			return nil
		}
	}
	if node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode {
		return key
	}
	return node
}
