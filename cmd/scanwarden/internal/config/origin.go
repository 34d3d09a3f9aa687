package config

import (
	"fmt"
	"strings"
)

// Origin names a setting and where its value came from, which is where a user must correct it.
type Origin string

// recordOverride records that name, a variable or a flag, replaced the file's value of key.
func (c *Config) recordOverride(key, name string) {
	if c.overrides == nil {
		c.overrides = map[string]string{}
	}
	c.overrides[key] = name
}

// OriginOf returns the origin of the setting with this key or, below it, of one entry by its name or number.
func (c *Config) OriginOf(key string, below ...any) Origin {
	if name := c.overrides[key]; name != "" {
		return Origin(fmt.Sprintf("%s (%s)", key, name))
	}
	path := strings.Split(key, ".")
	for _, name := range below {
		path = append(path, fmt.Sprint(name))
	}
	if node := valueNode(c.document, path); node != nil {
		return Origin(fmt.Sprintf("configuration file %s: line %d, column %d: %s", c.path, node.Line, node.Column, key))
	}
	for _, s := range Settings {
		if s.Key == key {
			return Origin(fmt.Sprintf("%s (%s)", key, s.Env))
		}
	}
	return Origin(key)
}

// Errorf returns an error about the setting.
func (o Origin) Errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", o, fmt.Errorf(format, args...))
}

// JoinMistakes returns one error on one line for all mistakes of a configuration.
func JoinMistakes(mistakes []error) error {
	joined := mistakes[0]
	for _, mistake := range mistakes[1:] {
		joined = fmt.Errorf("%w. Also: %w", joined, mistake)
	}
	return joined
}
