package slacktest

import "slices"

// An elementKind describes one type of element and its allowed places: beside a section ("accessory"), in a row
// ("actions"), as a field ("input"), in a context block ("context").
type elementKind struct {
	places []string
	shape  shape
	extra  func(c *checker, at string, e object)
}

var (
	allPlaces   = []string{"accessory", "actions", "input"}
	clickPlaces = []string{"accessory", "actions"}
	inputPlace  = []string{"input"}

	actionIDRule        = stringOf(1, 255)
	commonFields        = map[string]rule{"action_id": actionIDRule, "focus_on_load": isBoolean}
	choiceFields        = mergeFields(commonFields, map[string]rule{"placeholder": plainText(150), "confirm": confirmDialog})
	inputFields         = mergeFields(commonFields, map[string]rule{"placeholder": plainText(150), "dispatch_action_config": dispatchConfig})
	optionFields        = map[string]rule{"options": listOf(1, 100, optionOf(plainText)), "option_groups": listOf(1, 100, optionGroup)}
	maxSelectedField    = map[string]rule{"max_selected_items": integerOf(1, 100)}
	initialOptionField  = map[string]rule{"initial_option": optionOf(plainText)}
	initialOptionsField = map[string]rule{"initial_options": listOf(1, 100, optionOf(plainText))}
	queryField          = map[string]rule{"min_query_length": integerOf(0, 100)}
	boxFields           = mergeFields(commonFields, map[string]rule{"options": listOf(1, 10, optionOf(anyText)), "confirm": confirmDialog})
)

var elementKinds = map[string]elementKind{
	"button": {places: clickPlaces, shape: shape{[]string{"text"}, map[string]rule{
		"action_id": actionIDRule, "text": plainText(75), "url": stringOf(1, 3000), "value": stringOf(1, 2000),
		"style": oneOf("primary", "danger"), "confirm": confirmDialog, "accessibility_label": stringOf(1, 75),
	}}},
	"overflow": {places: clickPlaces, shape: shape{[]string{"options"}, map[string]rule{
		"action_id": actionIDRule, "options": listOf(1, 5, overflowOption), "confirm": confirmDialog,
	}}},
	"image": {places: []string{"accessory", "context"}, shape: shape{[]string{"image_url", "alt_text"}, map[string]rule{
		"image_url": stringOf(1, 3000), "alt_text": stringOf(1, 2000),
	}}},

	"static_select":         {allPlaces, shape{nil, mergeFields(mergeFields(choiceFields, optionFields), initialOptionField)}, checkChoices},
	"multi_static_select":   {allPlaces, shape{nil, mergeFields(mergeFields(mergeFields(choiceFields, optionFields), initialOptionsField), maxSelectedField)}, checkChoices},
	"external_select":       {allPlaces, shape{nil, mergeFields(mergeFields(choiceFields, queryField), initialOptionField)}, nil},
	"multi_external_select": {allPlaces, shape{nil, mergeFields(mergeFields(mergeFields(choiceFields, queryField), initialOptionsField), maxSelectedField)}, nil},
	"users_select":          {allPlaces, shape{nil, mergeFields(choiceFields, map[string]rule{"initial_user": stringOf(1, 255)})}, nil},
	"channels_select":       {allPlaces, shape{nil, mergeFields(choiceFields, map[string]rule{"initial_channel": stringOf(1, 255)})}, nil},
	"checkboxes":            {allPlaces, shape{[]string{"options"}, mergeFields(boxFields, map[string]rule{"initial_options": listOf(1, 10, optionOf(anyText))})}, checkChoices},
	"radio_buttons":         {allPlaces, shape{[]string{"options"}, mergeFields(boxFields, map[string]rule{"initial_option": optionOf(anyText)})}, checkChoices},
	"datepicker":            {allPlaces, shape{nil, mergeFields(choiceFields, map[string]rule{"initial_date": stringOf(10, 10)})}, nil},
	"timepicker":            {allPlaces, shape{nil, mergeFields(choiceFields, map[string]rule{"initial_time": stringOf(5, 5), "timezone": stringOf(1, 255)})}, nil},

	"plain_text_input": {inputPlace, shape{nil, mergeFields(inputFields, map[string]rule{
		"initial_value": stringOf(0, 3000), "multiline": isBoolean, "min_length": integerOf(0, 3000), "max_length": integerOf(1, 3000),
	})}, checkLengths},
	"number_input": {inputPlace, shape{[]string{"is_decimal_allowed"}, mergeFields(inputFields, map[string]rule{
		"is_decimal_allowed": isBoolean, "initial_value": stringOf(1, 100), "min_value": stringOf(1, 100), "max_value": stringOf(1, 100),
	})}, checkNumbers},
	"email_text_input": {inputPlace, shape{nil, mergeFields(inputFields, map[string]rule{"initial_value": stringOf(0, 3000)})}, nil},
	"url_text_input":   {inputPlace, shape{nil, mergeFields(inputFields, map[string]rule{"initial_value": stringOf(0, 3000)})}, nil},
}

// elementIn returns the rule for an element that may appear at this place.
func elementIn(place string) rule {
	return func(c *checker, at string, v any) {
		e, _ := v.(object)
		name, _ := e["type"].(string)
		kind, ok := elementKinds[name]
		if !ok || !slices.Contains(kind.places, place) {
			c.addError(at, "unsupported type: %q", name)
			return
		}
		kind.shape.check(c, at, e)
		if kind.extra != nil {
			kind.extra(c, at, e)
		}
		c.checkUnique(at, e)
	}
}

// checkUnique checks that an action_id is unique within its block, and that one element of a view has the focus.
func (c *checker) checkUnique(at string, e object) {
	if id, _ := e["action_id"].(string); id != "" {
		if c.actions[id] {
			c.addError(at+"/action_id", "`action_id` %q already exists for another action in this block", id)
		}
		c.actions[id] = true
	}
	if e["focus_on_load"] == true {
		if c.focused++; c.focused > 1 {
			c.addError(at+"/focus_on_load", "only one element may have the focus")
		}
	}
}
