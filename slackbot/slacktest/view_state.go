package slacktest

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// stateKeys maps an element's type to the name of its value in a view's state. The name also implies the form:
// "value" and dates are text, selected_option is one option, selected_options is a list.
var stateKeys = map[string]string{
	"plain_text_input": "value", "number_input": "value", "email_text_input": "value", "url_text_input": "value",
	"static_select": "selected_option", "external_select": "selected_option", "radio_buttons": "selected_option",
	"multi_static_select": "selected_options", "multi_external_select": "selected_options", "checkboxes": "selected_options",
	"users_select": "selected_user", "channels_select": "selected_channel",
	"datepicker": "selected_date", "timepicker": "selected_time",
}

// stateValues returns the state of the view's fields after a user has filled in some of them.
func (v *openView) stateValues(filled map[string]any) (object, error) {
	state, known := object{}, map[string]bool{}
	for _, b := range objectsIn(v.content["blocks"]) {
		id := stringField(b, "block_id")
		for _, e := range elementsOf(b) {
			key, ok := stateKeys[stringField(e, "type")]
			if !ok {
				continue
			}
			known[id] = true
			given, isGiven := filled[id]
			if !isGiven {
				given = initialValue(e)
			}
			value, err := v.fieldValue(id, e, given)
			if err != nil {
				return nil, fmt.Errorf("field %s: %w", id, err)
			}
			fields, _ := state[id].(object)
			if fields == nil {
				fields = object{}
				state[id] = fields
			}
			fields[stringField(e, "action_id")] = object{"type": e["type"], key: value}
		}
	}
	for id := range filled {
		if !known[id] {
			return nil, fmt.Errorf("there is no field in block %q", id)
		}
	}
	return state, nil
}

func (v *openView) fieldValue(blockID string, e object, given any) (any, error) {
	switch stateKeys[stringField(e, "type")] {
	case "selected_option":
		chosen, err := v.chosenOptions(blockID, e, given)
		if err != nil || len(chosen) == 0 {
			return nil, err
		}
		if len(chosen) > 1 {
			return nil, fmt.Errorf("takes one choice, not %v", given)
		}
		return chosen[0], nil
	case "selected_options":
		chosen, err := v.chosenOptions(blockID, e, given)
		if most, ok := e["max_selected_items"].(float64); ok && len(chosen) > int(most) {
			return nil, fmt.Errorf("takes %v choices at most", most)
		}
		return append([]object{}, chosen...), err
	}
	return typedValue(e, given)
}

// typedValue returns the text that a user typed into a field, or an error if the field does not allow it.
func typedValue(e object, given any) (any, error) {
	if given == nil || given == "" {
		return nil, nil
	}
	s, ok := given.(string)
	if n, isInt := given.(int); isInt {
		s, ok = strconv.Itoa(n), true
	}
	if !ok {
		return nil, fmt.Errorf("takes a string, not %T", given)
	}
	if e["type"] == "number_input" {
		return s, checkNumber(e, s)
	}
	return s, checkTyped(e, s)
}

func checkTyped(e object, s string) error {
	n, most := utf8.RuneCountInString(s), 3000.0
	if m, ok := e["max_length"].(float64); ok {
		most = m
	}
	least, _ := e["min_length"].(float64)
	if n < int(least) || n > int(most) {
		return fmt.Errorf("takes %v to %v characters, not %d", least, most, n)
	}
	return nil
}

func checkNumber(e object, s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("takes a number, not %q", s)
	}
	if e["is_decimal_allowed"] == false && n != float64(int64(n)) {
		return fmt.Errorf("takes a whole number, not %q", s)
	}
	if least, err := strconv.ParseFloat(stringField(e, "min_value"), 64); err == nil && n < least {
		return fmt.Errorf("takes %v or more", least)
	}
	if most, err := strconv.ParseFloat(stringField(e, "max_value"), 64); err == nil && n > most {
		return fmt.Errorf("takes %v or less", most)
	}
	return nil
}

// chosenOptions returns the options with the values in given; true selects the only option.
func (v *openView) chosenOptions(blockID string, e object, given any) ([]object, error) {
	offered := append(append(optionsIn(e), initialOptions(e)...), v.suggested[blockID]...)
	var picked []string
	switch g := given.(type) {
	case nil:
	case string:
		if g != "" {
			picked = []string{g}
		}
	case []string:
		picked = g
	case bool:
		if len(optionsIn(e)) != 1 {
			return nil, fmt.Errorf("has several options: pick with a string or a []string")
		}
		if g {
			picked = []string{stringField(optionsIn(e)[0], "value")}
		}
	default:
		return nil, fmt.Errorf("takes a string, a []string or a bool, not %T", given)
	}
	return optionsByValue(offered, picked)
}

func optionsByValue(offered []object, values []string) ([]object, error) {
	var chosen []object
	for _, value := range values {
		o := optionWithValue(offered, value)
		if o == nil {
			return nil, fmt.Errorf("does not offer %q", value)
		}
		chosen = append(chosen, o)
	}
	return chosen, nil
}

func optionWithValue(offered []object, value string) object {
	for _, o := range offered {
		if o["value"] == value {
			return o
		}
	}
	return nil
}

// checkRequired returns an error if a required input is empty: Slack's client does not submit then.
func (v *openView) checkRequired(values object) error {
	for _, b := range objectsIn(v.content["blocks"]) {
		if b["type"] != "input" || b["optional"] == true {
			continue
		}
		e, _ := b["element"].(object)
		fields, _ := values[stringField(b, "block_id")].(object)
		field, _ := fields[stringField(e, "action_id")].(object)
		value := field[stateKeys[stringField(e, "type")]]
		if several, ok := value.([]object); value == nil || ok && len(several) == 0 {
			return fmt.Errorf("field %v is required", b["block_id"])
		}
	}
	return nil
}
