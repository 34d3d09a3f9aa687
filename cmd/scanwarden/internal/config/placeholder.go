package config

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"scanwarden/defender"
)

// reTemplate matches text that a template engine or a shell should have replaced, such as ${TOKEN}, {{ token }} or
// <your-token>.
var reTemplate = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\$\{.*\}|\{\{.*\}\}|<[^<>]+>)$`) })

// rePlaceholder matches text of an example that a user should have replaced, such as changeme, xoxb-... or $TOKEN.
var rePlaceholder = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(\$\w+|\$\(.*\)|%\w+%|(\S*[-_])?(\.\.\.|…)|(change|replace)[-_ ]?(me|this)|to[-_]?do|x{3,}|your[-_ ].*|[a-z]+[-_]your[-_ ].*)$`)
})

// isPlaceholder reports whether the value of a setting was left over from an example or a template.
func isPlaceholder(value string) bool {
	return reTemplate().MatchString(value) || rePlaceholder().MatchString(value)
}

// errPlaceholder does not repeat the value: a secret of that form is unlikely, and possible.
var errPlaceholder = errors.New("the value is a placeholder; replace it with the real one, or unset it")

// applyValue sets a setting to a value that came from origin, a variable or a flag. A byte order mark and newlines at
// its end are removed. A placeholder for what only the sign-in needs is recorded and leaves the setting unset, so that
// MissingSettings reports it. Every other placeholder is an error.
func (c *Config) applyValue(s Setting, value, origin string) error {
	value, err := s.trim(value)
	if err != nil || value == "" && origin == s.Env { // an empty variable is not a value
		return err
	}
	if isPlaceholder(value) && s.Group == GroupTenant && s.Key == "" {
		c.recordPlaceholder(s.Env)
		return nil
	}
	if isPlaceholder(value) {
		return errPlaceholder
	}
	delete(c.placeholders, s.Env)
	if err := s.set(c, value); err != nil {
		return err
	}
	c.recordOverride(s.Key, origin)
	return nil
}

// trim returns the value without a byte order mark and newlines at its end. It returns an error for a secret that
// cannot be one.
func (s Setting) trim(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	if s.Secret || s.Key == "database_url" { // which may hold a password
		return defender.TrimSecret(value)
	}
	return strings.TrimRight(strings.TrimPrefix(value, "\uFEFF"), "\r\n"), nil
}

// recordPlaceholder records that a setting of the sign-in was left as it was in an example.
func (c *Config) recordPlaceholder(name string) {
	if c.placeholders == nil {
		c.placeholders = map[string]bool{}
	}
	c.placeholders[name] = true
}

// placeholderNames returns the settings of the sign-in whose values are placeholders.
func (c *Config) placeholderNames() []string { return slices.Sorted(maps.Keys(c.placeholders)) }

// ParseSecret returns the secret in text, which was read from a file or a variable that a reference names; see
// defender.TrimSecret. It returns an error for a template that nothing has filled in. The error does not repeat text.
func ParseSecret(text string) (defender.Secret, error) {
	trimmed, err := defender.TrimSecret(text)
	if err == nil && reTemplate().MatchString(trimmed) {
		err = errors.New("it is a placeholder; write the secret there")
	}
	if err != nil {
		return defender.Secret{}, err
	}
	return defender.NewSecret(trimmed), nil
}
