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

// parse returns text as the operation takes it. Only a list is taken apart, at its commas: tools.Service reads numbers, true
// and false, and JSON text, so that Slack and MCP accept the same.
func (f field) parse(text string) any {
	if f.kind != "array" || strings.HasPrefix(strings.TrimSpace(text), "[") {
		return text
	}
	var list []string
	for _, item := range strings.Split(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
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
