package tools

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// inputField describes a field of an input struct.
type inputField struct {
	name string
	also string // a second accepted spelling, from the struct tag "also"; may be ""
	kind reflect.Type
}

type inputFields []inputField

// inputFieldsOf returns the fields of an input struct, those of embedded structs in their places.
func inputFieldsOf(t reflect.Type) inputFields {
	var out inputFields
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue // an embedded struct: VisibleFields lists its fields as well
		}
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		out = append(out, inputField{name, f.Tag.Get("also"), kind})
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

// coerceObject changes an object in place into the shape of the struct t, or returns a *Refusal. path is the dotted
// prefix of its fields' names, "" for the whole arguments.
func coerceObject(path string, object map[string]any, t reflect.Type) error {
	known := inputFieldsOf(t)
	if err := expandDottedNames(object, known); err != nil {
		return err
	}
	for _, given := range slices.Sorted(maps.Keys(object)) {
		value := object[given]
		f, ok := known.byName(given)
		if !ok {
			return unknownField(path, object, known)
		}
		delete(object, given)
		if value == nil {
			continue
		}
		if _, there := object[f.name]; there {
			return refuse(path+f.name, "%s is given twice", path+f.name).withHint("send it once")
		}
		fitting, err := coerceValue(path+f.name, value, f.kind)
		if err != nil {
			return err
		}
		object[f.name] = fitting
	}
	return nil
}

// expandDottedNames moves fields with dotted names into the objects that they belong to.
func expandDottedNames(object map[string]any, known inputFields) error {
	for _, given := range slices.Sorted(maps.Keys(object)) {
		head, tail, dotted := strings.Cut(given, ".")
		if f, ok := known.byName(head); !dotted || !ok || f.kind.Kind() != reflect.Struct {
			continue
		}
		if object[head] == nil {
			object[head] = map[string]any{}
		}
		inner, ok := object[head].(map[string]any)
		if !ok {
			return typeError(head, "an object", object[head])
		}
		if _, there := inner[tail]; there {
			return refuse(given, "%s is given twice", quote(given)).withHint("send it once")
		}
		inner[tail] = object[given]
		delete(object, given)
	}
	return nil
}

// coerceValue returns a value in the form that kind needs, or a *Refusal.
func coerceValue(name string, value any, kind reflect.Type) (any, error) {
	switch kind.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			return nil, typeError(name, "a string", value)
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			return nil, typeError(name, "true or false", value)
		}
	case reflect.Int:
		return toInt(name, value)
	case reflect.Slice:
		return coerceList(name, value, kind.Elem())
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return nil, typeError(name, "an object", value)
		}
		return object, coerceObject(name+".", object, kind)
	}
	return value, nil
}

// toInt returns a whole number. It accepts 4.0 for 4, because some clients have no integers.
func toInt(name string, value any) (any, error) {
	n, ok := value.(json.Number)
	if !ok {
		return nil, typeError(name, "a whole number", value)
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if whole := int32(f); err == nil && float64(whole) == f {
		return whole, nil
	}
	return nil, refuse(name, "%s must be a whole number, not %s", name, truncate(n.String(), 20))
}

func coerceList(name string, value any, kind reflect.Type) (any, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, typeError(name, "a list", value)
	}
	for i := range list {
		var err error
		if list[i], err = coerceValue(name+"["+strconv.Itoa(i)+"]", list[i], kind); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func typeError(name, want string, got any) error {
	return refuse(name, "%s must be %s, not %s", name, want, jsonType(got))
}

func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "null"
	}
}

// unknownField returns a *Refusal that lists the unknown fields of an object and the known ones.
func unknownField(path string, object map[string]any, known inputFields) error {
	var unknown, valid []string
	hint := ""
	for _, given := range slices.Sorted(maps.Keys(object)) {
		if _, ok := known.byName(given); ok {
			continue
		}
		unknown = append(unknown, path+given)
		if near := known.closestName(given); near != "" && hint == "" {
			hint = "did you mean " + path + near + "? "
		}
	}
	for _, f := range known {
		valid = append(valid, path+f.name)
	}
	return refuse(truncate(unknown[0], 80), "unknown: %s", joinLimited(quoteAll(unknown), 5)).
		withHint("%sthe fields are %s", hint, strings.Join(valid, ", "))
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
