package slacktest

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// A checker holds JSON against the tables of Block Kit and collects what is wrong, each with a JSON pointer as
// Slack's own messages have.
type checker struct {
	surface string // "message", "modal" or "home"
	errors  []string
	blocks  map[string]bool // block ids seen
	actions map[string]bool // action ids seen in this block: they have to be unique there only
	focused int             // elements with focus_on_load
}

func (c *checker) addError(at, format string, args ...any) {
	c.errors = append(c.errors, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", fmt.Sprintf(format, args...), at))
}

// A rule says what a value may be.
type rule func(c *checker, at string, v any)

// A shape is what an object of one type may hold, beside its type.
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

// stringOf is a string of so many characters.
func stringOf(least, most int) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		if !ok {
			c.addError(at, "must be a string")
			return
		}
		c.checkLength(at, utf8.RuneCountInString(s), least, most)
	}
}

func (c *checker) checkLength(at string, n, least, most int) {
	if n < least {
		c.addError(at, "must be more than %d characters", least-1)
	}
	if n > most {
		c.addError(at, "must be less than %d characters", most+1)
	}
}

func isBoolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.addError(at, "must be a boolean")
	}
}

func integerOf(least, most int) rule {
	return func(c *checker, at string, v any) {
		n, ok := v.(float64)
		if !ok || n != float64(int(n)) || int(n) < least || int(n) > most {
			c.addError(at, "must be an integer between %d and %d", least, most)
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

// listOf is a list of so many items.
func listOf(least, most int, item rule) rule {
	return func(c *checker, at string, v any) {
		items, ok := v.([]any)
		if !ok {
			c.addError(at, "must be an array")
			return
		}
		if len(items) < least {
			c.addError(at, "no fewer than %d items allowed", least)
		}
		if len(items) > most {
			c.addError(at, "no more than %d items allowed", most)
		}
		for i, v := range items {
			item(c, fmt.Sprintf("%s/%d", at, i), v)
		}
	}
}

// objectOf is an object of one shape.
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

// typedObject is an object whose type is among the kinds.
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

// mergeFields adds fields to a copy of them.
func mergeFields(base, more map[string]rule) map[string]rule {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}
