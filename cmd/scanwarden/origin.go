package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origin names a setting for people, by where the value in force came from: there it must be corrected.
type origin string

// wins keeps in mind what was laid over the file.
func (c *config) wins(key, name string) {
	if c.given == nil {
		c.given = map[string]string{}
	}
	c.given[key] = name
}

// at is the origin of the setting with a key of the file and, below it, of one entry by its name or number.
func (c *config) at(key string, below ...any) origin {
	if name := c.given[key]; name != "" {
		return origin(fmt.Sprintf("%s (%s)", key, name))
	}
	path := strings.Split(key, ".")
	for _, name := range below {
		path = append(path, fmt.Sprint(name))
	}
	if node := valueAt(c.document, path); node != nil {
		return origin(fmt.Sprintf("configuration file %s: line %d, column %d: %s", c.path, node.Line, node.Column, key))
	}
	for _, s := range settings {
		if s.key == key {
			return origin(fmt.Sprintf("%s (%s)", key, s.env))
		}
	}
	return origin(key)
}

// wrong is a mistake in the setting.
func (o origin) wrong(format string, args ...any) error {
	return fmt.Errorf("%s: %w", o, fmt.Errorf(format, args...))
}

// valueAt is the value at a path of the document, or its key where the value goes over several lines; nil where there
// is none.
func valueAt(document *yaml.Node, path []string) *yaml.Node {
	if document == nil {
		return nil
	}
	node := document
	key := node
	for _, name := range path {
		if key, node = member(resolve(node), name); node == nil {
			return nil
		}
	}
	if node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode {
		return key
	}
	return node
}
