package slacktest

import (
	"reflect"
	"strconv"
)

// checkChoices checks that there are either options or option groups, that values are unique, and that initial
// options are offered.
func checkChoices(c *checker, at string, e object) {
	_, flat := e["options"]
	_, grouped := e["option_groups"]
	if flat == grouped {
		c.addError(at, "must have either options or option_groups")
	}
	offered := optionsIn(e)
	seen := map[any]bool{}
	for _, o := range offered {
		if seen[o["value"]] {
			c.addError(at, "option values must be unique: %v", o["value"])
		}
		seen[o["value"]] = true
	}
	for _, o := range initialOptions(e) {
		if !isOffered(offered, o) {
			c.addError(at, "initial option must be one of the options: %v", o["value"])
		}
	}
}

func isOffered(offered []object, o object) bool {
	for _, have := range offered {
		if reflect.DeepEqual(have, o) { // Slack compares the whole option, its text included
			return true
		}
	}
	return false
}

// optionsIn returns the options of an element or of an answer with options, without their groups.
func optionsIn(e object) []object {
	all := objectsIn(e["options"])
	for _, g := range objectsIn(e["option_groups"]) {
		all = append(all, objectsIn(g["options"])...)
	}
	return all
}

func initialOptions(e object) []object {
	if o, ok := e["initial_option"].(object); ok {
		return []object{o}
	}
	return objectsIn(e["initial_options"])
}

// objectsIn returns the objects in a list. It skips all other values.
func objectsIn(v any) []object {
	items, _ := v.([]any)
	var all []object
	for _, item := range items {
		if o, ok := item.(object); ok {
			all = append(all, o)
		}
	}
	return all
}

func checkLengths(c *checker, at string, e object) {
	least, hasLeast := e["min_length"].(float64)
	most, hasMost := e["max_length"].(float64)
	if hasLeast && hasMost && least > most {
		c.addError(at, "min_length must not be more than max_length")
	}
	initial, _ := e["initial_value"].(string)
	if hasMost && len([]rune(initial)) > int(most) {
		c.addError(at+"/initial_value", "must be less than %d characters", int(most)+1)
	}
}

// checkNumbers checks the bounds and the initial value of a number_input, which are numbers written as strings.
func checkNumbers(c *checker, at string, e object) {
	numbers := map[string]float64{}
	for _, name := range []string{"min_value", "max_value", "initial_value"} {
		s, ok := e[name].(string)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || e["is_decimal_allowed"] == false && n != float64(int64(n)) {
			c.addError(at+"/"+name, "must be a number that the field allows")
			continue
		}
		numbers[name] = n
	}
	least, hasLeast := numbers["min_value"]
	most, hasMost := numbers["max_value"]
	initial, hasInitial := numbers["initial_value"]
	if hasLeast && hasMost && least > most || hasInitial && (hasLeast && initial < least || hasMost && initial > most) {
		c.addError(at, "min_value, initial_value and max_value must be in order")
	}
}
