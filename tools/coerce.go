package tools

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// inputField is a field of an input struct.
type inputField struct {
	name string
	also string // a second spelling that is taken: the struct tag "also"
	kind reflect.Type
}

type inputFields []inputField

// inputFieldsOf lists the fields of an input struct, those of embedded structs in their places.
func inputFieldsOf(t reflect.Type) inputFields {
	var out inputFields
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue // an embedded struct: its fields are visited by themselves
		}
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		out = append(out, inputField{name, f.Tag.Get("also"), kind})
	}
	return out
}

// byName returns the field that goes by the name.
func (fs inputFields) byName(name string) (inputField, bool) {
	i := slices.IndexFunc(fs, func(f inputField) bool { return name != "" && (f.name == name || f.also == name) })
	if i < 0 {
		return inputField{}, false
	}
	return fs[i], true
}

// coerceObject brings an object into the shape of the struct t, or says what is wrong with it. path is where the
// object stands, "" for the whole.
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
			return refuse(path+f.name, "%s is there twice", path+f.name).withHint("send it once")
		}
		fitting, err := coerceValue(path+f.name, value, f.kind)
		if err != nil {
			return err
		}
		object[f.name] = fitting
	}
	return nil
}

// expandDottedNames moves fields with dotted names to where they belong.
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
			return refuse(given, "%s is there twice", quote(given)).withHint("send it once")
		}
		inner[tail] = object[given]
		delete(object, given)
	}
	return nil
}

// coerceValue returns value as the kind needs it, or refuses it.
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

// toInt takes 4.0 for 4, because some clients have no integers.
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

// unknownField names all fields that are not known, and those that are.
func unknownField(path string, object map[string]any, known inputFields) error {
	var strange, valid []string
	hint := ""
	for _, given := range slices.Sorted(maps.Keys(object)) {
		if _, ok := known.byName(given); ok {
			continue
		}
		strange = append(strange, path+given)
		if near := known.closestName(given); near != "" && hint == "" {
			hint = "did you mean " + path + near + "? "
		}
	}
	for _, f := range known {
		valid = append(valid, path+f.name)
	}
	return refuse(truncate(strange[0], 80), "unknown: %s", joinLimited(quoteAll(strange), 5)).
		withHint("%sthe fields are %s", hint, strings.Join(valid, ", "))
}

// closestName is the field that differs from given by letter case, or by one or two letters; "" is none.
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

// EditDistance is Levenshtein's: the number of single-letter edits between two names. Texts that are too long to
// be names are 64 apart.
func EditDistance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
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
