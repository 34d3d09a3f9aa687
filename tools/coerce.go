package tools

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// coerceObject changes an object in place into the shape of the struct t, or returns a *Refusal. path is the dotted
// prefix of its fields' names, "" for the whole arguments. A null and an empty text count as left out, and so does an
// object that has nothing else. Nested fields may be given flat, with dotted names.
func coerceObject(path string, object map[string]any, t reflect.Type) error {
	known := inputFieldsOf(t)
	if err := expandDottedNames(path, object, known); err != nil {
		return err
	}
	for _, given := range slices.Sorted(maps.Keys(object)) {
		value := object[given]
		f, ok := known.byName(given)
		if !ok {
			return unknownField(path, object, known)
		}
		delete(object, given)
		if value == nil || value == "" && !f.hasDefault {
			continue
		}
		if _, there := object[f.name]; there {
			return givenTwice(path + f.name)
		}
		fitting, err := coerceValue(path+f.name, value, f)
		if err != nil {
			return err
		}
		if !f.ignored && fitting != nil {
			object[f.name] = fitting
		}
	}
	return nil
}

// expandDottedNames moves fields with dotted names into the objects that they belong to.
func expandDottedNames(path string, object map[string]any, known inputFields) error {
	for _, given := range slices.Sorted(maps.Keys(object)) {
		head, tail, dotted := strings.Cut(given, ".")
		f, ok := known.byName(head)
		if !dotted || !ok || f.kind.Kind() != reflect.Struct {
			continue
		}
		if object[head] == nil || object[head] == "" {
			object[head] = map[string]any{}
		}
		whole, err := parseText(object[head], '{', f.kind)
		if err != nil {
			return err
		}
		inner, ok := whole.(map[string]any)
		if !ok {
			return typeError(path+head, "an object", object[head])
		}
		object[head] = inner
		if _, there := inner[tail]; there {
			return repeatedField(path+given, isKnownIn(tail, f.kind))
		}
		inner[tail] = object[given]
		delete(object, given)
	}
	return nil
}

// coerceValue returns a value in the form that a field needs, or a *Refusal. It returns nil for an object whose fields all
// count as left out.
func coerceValue(name string, value any, f inputField) (any, error) {
	switch f.kind.Kind() {
	case reflect.String:
		return coerceString(name, value, f)
	case reflect.Bool:
		return toBool(name, value)
	case reflect.Int:
		return toInt(name, value)
	case reflect.Slice:
		return coerceList(name, value)
	case reflect.Struct:
		return coerceStruct(name, value, f)
	}
	return value, nil // of a field that is ignored
}

func coerceStruct(name string, value any, f inputField) (any, error) {
	value, err := parseText(value, '{', f.kind)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, typeError(name, "an object", value)
	}
	given := len(object)
	err = coerceObject(name+".", object, f.kind)
	if err == nil && given > 0 && len(object) == 0 {
		return nil, nil
	}
	return object, err
}

// coerceString returns a text. A list of texts becomes one text for a field that holds a list in its text.
func coerceString(name string, value any, f inputField) (any, error) {
	if f.joined {
		list, err := parseText(value, '[', nil)
		if err != nil {
			return nil, err
		}
		if _, ok := list.([]any); ok {
			list, err = coerceList(name, list)
			return joinTexts(list), err
		}
	}
	if _, ok := value.(string); !ok {
		return nil, typeError(name, "a string", value)
	}
	return value, nil
}

// joinTexts returns a list of texts as one text, separated by commas.
func joinTexts(list any) string {
	texts, _ := list.([]any)
	out := make([]string, len(texts))
	for i := range texts {
		out[i], _ = texts[i].(string)
	}
	return strings.Join(out, ",")
}

// coerceList returns a list of texts. A text that is no list is a list of one.
func coerceList(name string, value any) (any, error) {
	value, err := parseText(value, '[', nil)
	if err != nil {
		return nil, err
	}
	if text, ok := value.(string); ok {
		return splitIDs(text), nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, typeError(name, "a list", value)
	}
	for i := range list {
		if _, ok := list[i].(string); !ok {
			return nil, typeError(name+"["+strconv.Itoa(i)+"]", "a string", list[i])
		}
	}
	return list, nil
}

// splitIDs returns a text as a list of one, or as the ids that it consists of. Names are not split, because they may
// contain any separator.
func splitIDs(text string) []any {
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
	var ids []any
	for _, part := range parts {
		if !guidPattern().MatchString(part) && !runIDPattern().MatchString(part) {
			return []any{text}
		}
		ids = append(ids, part)
	}
	return ids
}

// toInt returns a whole number. It accepts 4.0 for 4, because some clients have no integers. Of texts it accepts only
// plain decimal digits: "4.0", "1e3", "007" and "4h" could mean something else.
func toInt(name string, value any) (any, error) {
	if text, ok := value.(string); ok {
		text = strings.TrimSpace(text)
		if n, err := strconv.ParseInt(text, 10, 32); err == nil && strconv.FormatInt(n, 10) == text {
			return int32(n), nil
		}
		return nil, refuse(name, "%s must be a whole number, not other text", name).withHint("write it in digits, such as 24")
	}
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

// toBool returns true or false. It accepts the words that people type for them.
func toBool(name string, value any) (any, error) {
	switch given := value.(type) {
	case bool:
		return given, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(given)) {
		case "true", "yes", "on":
			return true, nil
		case "false", "no", "off":
			return false, nil
		case "":
			return nil, refuse(name, "%s must be true or false, not empty", name).withHint("leave it out for its default")
		}
		return nil, refuse(name, "%s must be true or false, not other text", name).withHint("write true or false")
	}
	return nil, typeError(name, "true or false", value)
}

// typeError returns a *Refusal that names the type of a value, and not the value.
func typeError(name, want string, got any) error {
	return refuse(name, "%s must be %s, not %s", name, want, jsonType(got)).withHint("send it as the schema shows")
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
