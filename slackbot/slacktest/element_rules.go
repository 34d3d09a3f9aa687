package slacktest

import "slices"

// An elementKind is one type of element, and where it may stand: beside a section ("accessory"), in a row
// ("actions"), as a field ("input"), among small print ("context").
type elementKind struct {
	places []string
	shape  shape
	more   func(c *checker, at string, e object)
}

var (
	anywhere = []string{"accessory", "actions", "input"}
	clicked  = []string{"accessory", "actions"}
	fieldOf  = []string{"input"}

	actionID = str(1, 255)
	common   = map[string]rule{"action_id": actionID, "focus_on_load": boolean}
	choosing = plus(common, map[string]rule{"placeholder": plain(150), "confirm": confirm})
	typing   = plus(common, map[string]rule{"placeholder": plain(150), "dispatch_action_config": dispatchConfig})
	static   = map[string]rule{"options": many(1, 100, option(plain)), "option_groups": many(1, 100, optionGroup)}
	several  = map[string]rule{"max_selected_items": whole(1, 100)}
	first    = map[string]rule{"initial_option": option(plain)}
	firstFew = map[string]rule{"initial_options": many(1, 100, option(plain))}
	queried  = map[string]rule{"min_query_length": whole(0, 100)}
	drawn    = plus(common, map[string]rule{"options": many(1, 10, option(text)), "confirm": confirm})
)

var elementKinds = map[string]elementKind{
	"button": {places: clicked, shape: shape{[]string{"text"}, map[string]rule{
		"action_id": actionID, "text": plain(75), "url": str(1, 3000), "value": str(1, 2000),
		"style": oneOf("primary", "danger"), "confirm": confirm, "accessibility_label": str(1, 75),
	}}},
	"overflow": {places: clicked, shape: shape{[]string{"options"}, map[string]rule{
		"action_id": actionID, "options": many(1, 5, overflowOption), "confirm": confirm,
	}}},
	"image": {places: []string{"accessory", "context"}, shape: shape{[]string{"image_url", "alt_text"}, map[string]rule{
		"image_url": str(1, 3000), "alt_text": str(1, 2000),
	}}},

	"static_select":         {anywhere, shape{nil, plus(plus(choosing, static), first)}, checkChoices},
	"multi_static_select":   {anywhere, shape{nil, plus(plus(plus(choosing, static), firstFew), several)}, checkChoices},
	"external_select":       {anywhere, shape{nil, plus(plus(choosing, queried), first)}, nil},
	"multi_external_select": {anywhere, shape{nil, plus(plus(plus(choosing, queried), firstFew), several)}, nil},
	"users_select":          {anywhere, shape{nil, plus(choosing, map[string]rule{"initial_user": str(1, 255)})}, nil},
	"channels_select":       {anywhere, shape{nil, plus(choosing, map[string]rule{"initial_channel": str(1, 255)})}, nil},
	"checkboxes":            {anywhere, shape{[]string{"options"}, plus(drawn, map[string]rule{"initial_options": many(1, 10, option(text))})}, checkChoices},
	"radio_buttons":         {anywhere, shape{[]string{"options"}, plus(drawn, map[string]rule{"initial_option": option(text)})}, checkChoices},
	"datepicker":            {anywhere, shape{nil, plus(choosing, map[string]rule{"initial_date": str(10, 10)})}, nil},
	"timepicker":            {anywhere, shape{nil, plus(choosing, map[string]rule{"initial_time": str(5, 5), "timezone": str(1, 255)})}, nil},

	"plain_text_input": {fieldOf, shape{nil, plus(typing, map[string]rule{
		"initial_value": str(0, 3000), "multiline": boolean, "min_length": whole(0, 3000), "max_length": whole(1, 3000),
	})}, checkLengths},
	"number_input": {fieldOf, shape{[]string{"is_decimal_allowed"}, plus(typing, map[string]rule{
		"is_decimal_allowed": boolean, "initial_value": str(1, 100), "min_value": str(1, 100), "max_value": str(1, 100),
	})}, checkNumbers},
	"email_text_input": {fieldOf, shape{nil, plus(typing, map[string]rule{"initial_value": str(0, 3000)})}, nil},
	"url_text_input":   {fieldOf, shape{nil, plus(typing, map[string]rule{"initial_value": str(0, 3000)})}, nil},
}

// element is one that may stand at this place.
func element(place string) rule {
	return func(c *checker, at string, v any) {
		e, _ := v.(object)
		name, _ := e["type"].(string)
		kind, ok := elementKinds[name]
		if !ok || !slices.Contains(kind.places, place) {
			c.add(at, "unsupported type: %q", name)
			return
		}
		kind.shape.check(c, at, e)
		if kind.more != nil {
			kind.more(c, at, e)
		}
		c.once(at, e)
	}
}

// once checks what may be there once only: an action_id within its block, the focus within a view.
func (c *checker) once(at string, e object) {
	if id, _ := e["action_id"].(string); id != "" {
		if c.actions[id] {
			c.add(at+"/action_id", "`action_id` %q already exists for another action in this block", id)
		}
		c.actions[id] = true
	}
	if e["focus_on_load"] == true {
		if c.focused++; c.focused > 1 {
			c.add(at+"/focus_on_load", "only one element may have the focus")
		}
	}
}
