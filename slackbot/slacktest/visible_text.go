package slacktest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// visibleFields lists the fields of a block that hold visible text, in reading order.
var visibleFields = []string{"title", "label", "text", "fields", "elements", "element", "rows", "accessory", "hint",
	"placeholder", "initial_value", "options", "option_groups", "description", "alt_text", "url"}

// visibleText returns all visible text in blocks, one text per line.
func visibleText(blocks json.RawMessage) string {
	var v any
	_ = json.Unmarshal(blocks, &v) // no blocks: no text
	return strings.Join(collectText(v), "\n")
}

func collectText(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var lines []string
		for _, item := range v {
			lines = append(lines, collectText(item)...)
		}
		return lines
	case object:
		return collectObjectText(v)
	}
	return nil
}

func collectObjectText(o object) []string {
	switch stringField(o, "type") {
	case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
		return []string{joinRichText(objectsIn(o["elements"]))} // its elements share one line
	}
	var lines []string
	for _, part := range visibleFields {
		lines = append(lines, collectText(o[part])...)
	}
	return lines
}

// joinRichText joins the elements of rich text. A mention or an emoji is shown as its id, and a date as its fallback.
func joinRichText(pieces []object) string {
	var b strings.Builder
	for _, p := range pieces {
		if t := stringField(p, "text"); t != "" {
			b.WriteString(t)
			continue
		}
		if t := stringField(p, "fallback"); t != "" {
			b.WriteString(t)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(p)) {
			if name != "type" && name != "style" {
				b.WriteString(stringField(p, name))
			}
		}
	}
	return b.String()
}
