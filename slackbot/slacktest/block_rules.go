package slacktest

import (
	"fmt"
	"slices"
)

// A blockKind describes one type of block and the surfaces that accept it.
type blockKind struct {
	surfaces []string
	shape    shape
	extra    func(c *checker, at string, b object)
}

var (
	allSurfaces = []string{"message", "modal", "home"}
	messageOnly = []string{"message"}

	blockIDRule = stringOf(1, 255)
)

var blockKinds = map[string]blockKind{
	"divider": {surfaces: allSurfaces, shape: shape{nil, map[string]rule{"block_id": blockIDRule}}},
	"header": {surfaces: allSurfaces, shape: shape{[]string{"text"}, map[string]rule{
		"block_id": blockIDRule, "text": plainText(150),
	}}},
	"section": {surfaces: allSurfaces, shape: shape{nil, map[string]rule{
		"block_id": blockIDRule, "text": anyText(3000), "fields": listOf(1, 10, anyText(2000)), "accessory": elementIn("accessory"), "expand": isBoolean,
	}}, extra: checkSection},
	"context": {surfaces: allSurfaces, shape: shape{[]string{"elements"}, map[string]rule{
		"block_id": blockIDRule, "elements": listOf(1, 10, contextElement),
	}}},
	"actions": {surfaces: allSurfaces, shape: shape{[]string{"elements"}, map[string]rule{
		"block_id": blockIDRule, "elements": listOf(1, 25, elementIn("actions")),
	}}},
	"input": {surfaces: allSurfaces, shape: shape{[]string{"label", "element"}, map[string]rule{
		"block_id": blockIDRule, "label": plainText(2000), "element": elementIn("input"), "hint": plainText(2000),
		"optional": isBoolean, "dispatch_action": isBoolean,
	}}},
	"image": {surfaces: allSurfaces, shape: shape{[]string{"image_url", "alt_text"}, map[string]rule{
		"block_id": blockIDRule, "image_url": stringOf(1, 3000), "alt_text": stringOf(1, 2000), "title": plainText(2000),
	}}},
	"rich_text": {surfaces: allSurfaces, shape: shape{[]string{"elements"}, map[string]rule{
		"block_id": blockIDRule, "elements": listOf(1, 1000, richTextBlock),
	}}},
	"markdown": {surfaces: messageOnly, shape: shape{[]string{"text"}, map[string]rule{
		"block_id": blockIDRule, "text": stringOf(1, 12000),
	}}},
	"table": {surfaces: messageOnly, shape: shape{[]string{"rows"}, map[string]rule{
		"block_id": blockIDRule, "rows": listOf(1, 100, listOf(1, 20, tableCell)), "column_settings": listOf(0, 20, columnSetting),
	}}},
	"alert": {surfaces: []string{"modal"}, shape: shape{[]string{"text"}, map[string]rule{
		"block_id": blockIDRule, "text": anyText(3000), "level": oneOf("default", "info", "warning", "error", "success"),
	}}},
}

// checkBlocks checks the blocks of a surface that accepts at most max blocks.
func (c *checker) checkBlocks(at string, v any, max int) {
	c.blocks = map[string]bool{}
	listOf(1, max, (*checker).checkBlock)(c, at, v)
}

func (c *checker) checkBlock(at string, v any) {
	b, _ := v.(object)
	name, _ := b["type"].(string)
	kind, ok := blockKinds[name]
	if !ok || !slices.Contains(kind.surfaces, c.surface) {
		c.addError(at, "unsupported block: %q", name)
		return
	}
	if id, _ := b["block_id"].(string); id != "" {
		if c.blocks[id] {
			c.addError(at+"/block_id", "`block_id` %q already exists", id)
		}
		c.blocks[id] = true
	}
	c.actions = map[string]bool{}
	kind.shape.check(c, at, b)
	if kind.extra != nil {
		kind.extra(c, at, b)
	}
}

func checkSection(c *checker, at string, b object) {
	_, hasText := b["text"]
	_, hasFields := b["fields"]
	if !hasText && !hasFields {
		c.addError(at, "must have text or fields")
	}
}

// contextElement checks an element of a context block: a text or an image.
func contextElement(c *checker, at string, v any) {
	if o, _ := v.(object); o["type"] == "image" {
		elementIn("context")(c, at, v)
		return
	}
	anyText(3000)(c, at, v)
}

// hasInput reports whether there is an input block. A modal with one must have a submit button.
func hasInput(blocks any) bool {
	return slices.ContainsFunc(objectsIn(blocks), func(b object) bool { return b["type"] == "input" })
}

// assignIDs gives ids to the blocks and elements that have none, as Slack does.
func assignIDs(blocks []any) {
	fillMissingIDs(objectsIn(blocks), "block_id")
	for _, b := range objectsIn(blocks) {
		fillMissingIDs(elementsOf(b), "action_id")
	}
}

// fillMissingIDs sets field to a new unique id in each object that does not have it.
func fillMissingIDs(all []object, field string) {
	taken := map[string]bool{}
	for _, o := range all {
		taken[stringField(o, field)] = true
	}
	for _, o := range all {
		if stringField(o, field) != "" {
			continue
		}
		id := ""
		for n := 0; taken[id]; n++ { // the first round finds "" taken, by o itself
			id = fmt.Sprintf("%s_%d", field, n)
		}
		o[field], taken[id] = id, true
	}
}

// elementsOf returns a block's interactive elements.
func elementsOf(b object) []object {
	all := []object{}
	for _, field := range []string{"accessory", "element"} {
		if e, ok := b[field].(object); ok {
			all = append(all, e)
		}
	}
	if b["type"] == "actions" {
		all = append(all, objectsIn(b["elements"])...)
	}
	return slices.DeleteFunc(all, func(e object) bool { return e["type"] == "image" })
}
