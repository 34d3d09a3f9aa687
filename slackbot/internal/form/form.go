// Package form turns the JSON schema of an operation into a Slack modal and into command text, and turns what a user
// filled in or typed back into arguments of the operation.
//
//	tools.Operation -> New -> Form -> FirstModal, ScanPicker, FullForm
//	submitted modal -> ParseSubmission -> arguments
//	text behind a slash command -> ParseArguments -> arguments
//
// It reads no tenant: the lists from which a user picks are passed in as OptionLists.
//
// The invariant: a form asks for no secret and repeats none. Arguments are passed on as the user gave them, and only
// tools.Service decides whether they are valid, so that Slack and MCP accept and refuse the same.
package form

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scanwarden/tools"
)

// Form holds the inputs of one operation, in the order of its schema. Make one with New.
type Form struct {
	Op     tools.Operation
	fields []field
}

// New returns the form of op. It returns an error if the input schema of op cannot be parsed.
func New(op tools.Operation) (Form, error) {
	var s schema
	if err := json.Unmarshal(op.Input, &s); err != nil {
		return Form{}, err
	}
	return Form{Op: op, fields: flattenFields(s, "", true)}, nil
}

func (f Form) fieldNamed(name string) (field, bool) {
	i := slices.IndexFunc(f.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return f.fields[i], true
}

// NeedsScan reports whether the operation changes one scan. The user then picks the scan before its fields are shown.
func (f Form) NeedsScan() bool {
	id, ok := f.fieldNamed("id")
	return ok && id.source == ScansSource
}

// Sources returns the lists that FullForm needs, each once.
func (f Form) Sources() []*OptionSource {
	var out []*OptionSource
	for _, in := range f.fields {
		if in.source != nil && !slices.Contains(out, in.source) {
			out = append(out, in.source)
		}
	}
	return out
}

// FieldHelp returns one line for each field: its name, its description and the values it takes.
func (f Form) FieldHelp() string {
	var s strings.Builder
	for _, in := range f.fields {
		fmt.Fprintf(&s, "• %s: %s", in.name, in.description)
		if len(in.enum) > 0 {
			fmt.Fprintf(&s, " (%s)", strings.Join(in.enum, ", "))
		}
		s.WriteString("\n")
	}
	return s.String()
}

// Example returns a text that ParseArguments accepts, made of the examples in the schema.
func (f Form) Example() string {
	var parts []string
	for _, in := range f.fields {
		switch {
		case in.source == ScansSource:
			parts = append(parts, quoteWord(in.example))
		case in.required || (f.NeedsScan() && in.name == "intervalInHours") || in.name == "credential":
			parts = append(parts, in.name+"="+quoteWord(in.example))
		}
	}
	return strings.Join(parts, " ")
}

func quoteWord(s string) string {
	if strings.ContainsAny(s, " \t=") {
		return `"` + s + `"`
	}
	return s
}
