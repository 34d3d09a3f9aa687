package slacktest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// reading is the order in which a person meets the parts of a block; other parts hold no words.
var reading = []string{"title", "label", "text", "fields", "elements", "element", "rows", "accessory", "hint",
	"placeholder", "initial_value", "options", "option_groups", "description", "alt_text", "url"}

// words are all the words in blocks, one text a line.
func words(blocks json.RawMessage) string {
	var v any
	_ = json.Unmarshal(blocks, &v) // no blocks, no words
	return strings.Join(read(v), "\n")
}

func read(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var lines []string
		for _, item := range v {
			lines = append(lines, read(item)...)
		}
		return lines
	case object:
		return readObject(v)
	}
	return nil
}

func readObject(o object) []string {
	switch word(o, "type") {
	case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
		return []string{sentence(objects(o["elements"]))} // its pieces stand on one line
	}
	var lines []string
	for _, part := range reading {
		lines = append(lines, read(o[part])...)
	}
	return lines
}

// sentence joins the pieces of rich text; a mention or an emoji shows as its id.
func sentence(pieces []object) string {
	var b strings.Builder
	for _, p := range pieces {
		if t := word(p, "text"); t != "" {
			b.WriteString(t)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(p)) {
			if name != "type" && name != "style" {
				b.WriteString(word(p, name))
			}
		}
	}
	return b.String()
}
