package slacktest

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// A checker compares JSON with the tables of Block Kit and collects the errors, each with a JSON pointer as in
// Slack's own messages.
type checker struct {
	surface string // "message", "modal" or "home"
	errors  []string
	blocks  map[string]bool // block ids seen
	actions map[string]bool // action ids seen in this block; they must be unique only within it
	focused int             // elements with focus_on_load
}

func (c *checker) addError(at, format string, args ...any) {
	c.errors = append(c.errors, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", fmt.Sprintf(format, args...), at))
}

// A rule checks one value and adds its errors to c.
type rule func(c *checker, at string, v any)

// A shape lists the required and the allowed fields of an object, besides its type.
type shape struct {
	required []string
	fields   map[string]rule
}

func (sh shape) check(c *checker, at string, o object) {
	for _, name := range sh.required {
		if _, ok := o[name]; !ok {
			c.addError(at, "missing required field: %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		r, ok := sh.fields[name]
		switch {
		case ok:
			r(c, at+"/"+name, o[name])
		case name != "type":
			c.addError(at, "unknown field: %s", name)
		}
	}
}

// stringOf returns the rule for a string of min to max characters.
func stringOf(min, max int) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		if !ok {
			c.addError(at, "must be a string")
			return
		}
		c.checkLength(at, utf8.RuneCountInString(s), min, max)
	}
}

func (c *checker) checkLength(at string, n, min, max int) {
	if n < min {
		c.addError(at, "must be more than %d characters", min-1)
	}
	if n > max {
		c.addError(at, "must be less than %d characters", max+1)
	}
}

func isBoolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.addError(at, "must be a boolean")
	}
}

func integerOf(min, max int) rule {
	return func(c *checker, at string, v any) {
		n, ok := v.(float64)
		if !ok || n != float64(int(n)) || int(n) < min || int(n) > max {
			c.addError(at, "must be an integer between %d and %d", min, max)
		}
	}
}

func oneOf(words ...string) rule {
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			c.addError(at, "must be one of %q", words)
		}
	}
}

// listOf returns the rule for a list of min to max items.
func listOf(min, max int, item rule) rule {
	return func(c *checker, at string, v any) {
		items, ok := v.([]any)
		if !ok {
			c.addError(at, "must be an array")
			return
		}
		if len(items) < min {
			c.addError(at, "no fewer than %d items allowed", min)
		}
		if len(items) > max {
			c.addError(at, "no more than %d items allowed", max)
		}
		for i, v := range items {
			item(c, fmt.Sprintf("%s/%d", at, i), v)
		}
	}
}

// objectOf returns the rule for an object of one shape.
func objectOf(sh shape) rule {
	return func(c *checker, at string, v any) {
		o, ok := v.(object)
		if !ok {
			c.addError(at, "must be an object")
			return
		}
		sh.check(c, at, o)
	}
}

// typedObject returns the rule for an object whose type is one of kinds.
func typedObject(kinds map[string]shape) rule {
	return func(c *checker, at string, v any) {
		o, _ := v.(object)
		name, _ := o["type"].(string)
		sh, ok := kinds[name]
		if !ok {
			c.addError(at, "unsupported type: %q", name)
			return
		}
		sh.check(c, at, o)
	}
}

// mergeFields returns a copy of base with more fields.
func mergeFields(base, more map[string]rule) map[string]rule {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}
