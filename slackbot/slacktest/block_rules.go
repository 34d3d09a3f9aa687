package slacktest

import (
	"fmt"
	"slices"
)

// A blockKind is one type of block and the surfaces that take it.
type blockKind struct {
	surfaces []string
	shape    shape
	more     func(c *checker, at string, b object)
}

var (
	everywhere = []string{"message", "modal", "home"}
	inMessages = []string{"message"}

	blockID = str(1, 255)
)

var blockKinds = map[string]blockKind{
	"divider": {surfaces: everywhere, shape: shape{nil, map[string]rule{"block_id": blockID}}},
	"header": {surfaces: everywhere, shape: shape{[]string{"text"}, map[string]rule{
		"block_id": blockID, "text": plain(150),
	}}},
	"section": {surfaces: everywhere, shape: shape{nil, map[string]rule{
		"block_id": blockID, "text": text(3000), "fields": many(1, 10, text(2000)), "accessory": element("accessory"), "expand": boolean,
	}}, more: checkSection},
	"context": {surfaces: everywhere, shape: shape{[]string{"elements"}, map[string]rule{
		"block_id": blockID, "elements": many(1, 10, smallPrint),
	}}},
	"actions": {surfaces: everywhere, shape: shape{[]string{"elements"}, map[string]rule{
		"block_id": blockID, "elements": many(1, 25, element("actions")),
	}}},
	"input": {surfaces: everywhere, shape: shape{[]string{"label", "element"}, map[string]rule{
		"block_id": blockID, "label": plain(2000), "element": element("input"), "hint": plain(2000),
		"optional": boolean, "dispatch_action": boolean,
	}}},
	"image": {surfaces: everywhere, shape: shape{[]string{"image_url", "alt_text"}, map[string]rule{
		"block_id": blockID, "image_url": str(1, 3000), "alt_text": str(1, 2000), "title": plain(2000),
	}}},
	"rich_text": {surfaces: everywhere, shape: shape{[]string{"elements"}, map[string]rule{
		"block_id": blockID, "elements": many(1, 1000, richText),
	}}},
	"markdown": {surfaces: inMessages, shape: shape{[]string{"text"}, map[string]rule{
		"block_id": blockID, "text": str(1, 12000),
	}}},
	"table": {surfaces: inMessages, shape: shape{[]string{"rows"}, map[string]rule{
		"block_id": blockID, "rows": many(1, 100, many(1, 20, cell)), "column_settings": many(0, 20, columnSetting),
	}}},
	"alert": {surfaces: []string{"modal"}, shape: shape{[]string{"text"}, map[string]rule{
		"block_id": blockID, "text": text(3000), "level": oneOf("default", "info", "warning", "error", "success"),
	}}},
}

// blocks checks the blocks of a surface that takes at most so many.
func (c *checker) allBlocks(at string, v any, most int) {
	c.blocks = map[string]bool{}
	many(1, most, (*checker).block)(c, at, v)
}

func (c *checker) block(at string, v any) {
	b, _ := v.(object)
	name, _ := b["type"].(string)
	kind, ok := blockKinds[name]
	if !ok || !slices.Contains(kind.surfaces, c.surface) {
		c.add(at, "unsupported block: %q", name)
		return
	}
	if id, _ := b["block_id"].(string); id != "" {
		if c.blocks[id] {
			c.add(at+"/block_id", "`block_id` %q already exists", id)
		}
		c.blocks[id] = true
	}
	c.actions = map[string]bool{}
	kind.shape.check(c, at, b)
	if kind.more != nil {
		kind.more(c, at, b)
	}
}

func checkSection(c *checker, at string, b object) {
	_, hasText := b["text"]
	_, hasFields := b["fields"]
	if !hasText && !hasFields {
		c.add(at, "must have text or fields")
	}
}

// smallPrint is what a context block holds: texts and images.
func smallPrint(c *checker, at string, v any) {
	if o, _ := v.(object); o["type"] == "image" {
		element("context")(c, at, v)
		return
	}
	text(3000)(c, at, v)
}

// hasInput reports whether there is an input block, for which a modal has to have a submit button.
func hasInput(blocks any) bool {
	return slices.ContainsFunc(objects(blocks), func(b object) bool { return b["type"] == "input" })
}

// label gives ids to the blocks and elements without one, as Slack does.
func label(blocks []any) {
	name(objects(blocks), "block_id")
	for _, b := range objects(blocks) {
		name(elementsOf(b), "action_id")
	}
}

// name fills in a field with ids that differ from those that are there.
func name(all []object, field string) {
	taken := map[string]bool{}
	for _, o := range all {
		taken[word(o, field)] = true
	}
	for _, o := range all {
		if word(o, field) != "" {
			continue
		}
		id := ""
		for n := 0; taken[id]; n++ { // the first turn finds "" taken: by o
			id = fmt.Sprintf("%s_%d", field, n)
		}
		o[field], taken[id] = id, true
	}
}

// elementsOf are a block's interactive elements.
func elementsOf(b object) []object {
	all := []object{}
	for _, field := range []string{"accessory", "element"} {
		if e, ok := b[field].(object); ok {
			all = append(all, e)
		}
	}
	if b["type"] == "actions" {
		all = append(all, objects(b["elements"])...)
	}
	return slices.DeleteFunc(all, func(e object) bool { return e["type"] == "image" })
}
