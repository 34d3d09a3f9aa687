package form

import (
	"fmt"
	"strconv"
	"strings"
)

// field is one input of an operation. Nested fields have dotted names.
type field struct {
	name        string
	kind        string // "string", "integer", "boolean" or "array" (of strings)
	enum        []string
	required    bool
	description string
	example     string
	min, max    *int
	onByDefault bool          // for a boolean
	source      *OptionSource // the list from which the user picks; nil if the user types
}

// parse returns text as the type that the schema asks for. Text that does not parse is returned unchanged, so that
// tools.Service refuses it and names the field.
func (f field) parse(text string) any {
	switch f.kind {
	case "integer":
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			return n
		}
	case "boolean":
		switch strings.ToLower(text) {
		case "true", "yes", "on":
			return true
		case "false", "no", "off":
			return false
		}
	case "array":
		var list []string
		for _, item := range strings.Split(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list
	}
	return text
}

// FormatValue returns a JSON value in the form in which a user types it. It returns "" for nil.
func FormatValue(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, FormatValue(e))
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}

// FormatTimestamp returns an RFC 3339 timestamp in UTC to the minute, and "never" for an empty one.
func FormatTimestamp(timestamp string) string {
	if len(timestamp) < len("2006-01-02T15:04") {
		return "never"
	}
	return strings.Replace(timestamp[:16], "T", " ", 1) + " UTC"
}
