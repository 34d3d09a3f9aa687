package tools

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// inputField describes a field of an input struct.
type inputField struct {
	name       string
	also       string // a second accepted spelling, from the struct tag "also"; may be ""
	kind       reflect.Type
	joined     bool // a text that may be given as a list; tag input:"joined"
	ignored    bool // accepted and not read; tag input:"ignored"
	hasDefault bool // leaving it out has an effect, so that an empty text is refused; tag "defaults" of its embedded struct
}

type inputFields []inputField

// inputFieldsOf returns the fields of an input struct, those of embedded structs in their places.
func inputFieldsOf(t reflect.Type) inputFields {
	var out inputFields
	var defaults []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			defaults = append(defaults, f.Tag.Get("defaults"))
			continue // an embedded struct: VisibleFields lists its fields as well
		}
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		how := f.Tag.Get("input")
		out = append(out, inputField{
			name: name, also: f.Tag.Get("also"), kind: kind,
			joined: how == "joined", ignored: how == "ignored", hasDefault: slices.Contains(defaults, name),
		})
	}
	return out
}

// byName returns the field with this name or second spelling, and reports whether there is one.
func (fs inputFields) byName(name string) (inputField, bool) {
	i := slices.IndexFunc(fs, func(f inputField) bool { return name != "" && (f.name == name || f.also == name) })
	if i < 0 {
		return inputField{}, false
	}
	return fs[i], true
}

// isKnownIn reports whether each part of a dotted name is the name of a field of t, at any depth. t may be nil.
func isKnownIn(name string, t reflect.Type) bool {
	if t == nil {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if !hasField(part, t) {
			return false
		}
	}
	return true
}

func hasField(name string, t reflect.Type) bool {
	fields := inputFieldsOf(t)
	if _, ok := fields.byName(name); ok {
		return true
	}
	return slices.ContainsFunc(fields, func(f inputField) bool { return f.kind.Kind() == reflect.Struct && hasField(name, f.kind) })
}

func givenTwice(name string) *Refusal {
	return refuse(name, "%s is given twice", name).withHint("send it once")
}

// repeatedField refuses a name that an object has twice. It repeats only a known name: another may hold what was meant as
// a value.
func repeatedField(name string, known bool) *Refusal {
	if !known {
		return refuse("", "a field is given twice").withHint("send it once")
	}
	return refuse(name, "%s is given twice", quote(name)).withHint("send it once")
}

// unknownField returns a *Refusal that lists the unknown fields of an object and the known ones. It does not repeat
// unknown names below scanAuthenticationParams, nor what stands behind a dot: a secret may be there.
func unknownField(path string, object map[string]any, known inputFields) error {
	var unknown, valid []string
	hint := ""
	for _, given := range slices.Sorted(maps.Keys(object)) {
		if _, ok := known.byName(given); ok {
			continue
		}
		first, _, _ := strings.Cut(given, ".")
		unknown = append(unknown, path+first)
		if near := known.closestName(given); near != "" && hint == "" {
			hint = "did you mean " + path + near + "? "
		}
	}
	for _, f := range known {
		if !f.ignored {
			valid = append(valid, path+f.name)
		}
	}
	hint += "the fields are " + strings.Join(valid, ", ")
	if path == authenticationPath+"." {
		return refuse(authenticationPath, "%s has %s that it does not know", authenticationPath, plural(uint64(len(unknown)), "field", "fields")).
			withHint("%s", hint)
	}
	r := refuse(truncate(unknown[0], 80), "unknown: %s", joinLimited(quoteAll(unknown), 5)).withHint("%s", hint)
	r.typedField = true
	return r
}

// closestName returns the name of the field that differs from given by letter case, or by one or two letters; "" if
// there is none.
func (fs inputFields) closestName(given string) string {
	best, least := "", 3
	for _, f := range fs {
		distance := EditDistance(strings.ToLower(given), strings.ToLower(f.name))
		if distance < least && distance < len(f.name)-1 {
			best, least = f.name, distance
		}
	}
	return best
}

// EditDistance returns Levenshtein's distance: the number of single-letter edits between two names. It returns 64 for
// texts that are too long to be names.
func EditDistance(a, b string) int {
	const maxLength = 64
	if len(a) > maxLength || len(b) > maxLength {
		return maxLength
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
