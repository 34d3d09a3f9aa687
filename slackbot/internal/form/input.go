package form

import (
	"strconv"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
)

// ValueAction is the action_id of every input. The block_id of an input is the name of its field.
const ValueAction = "value"

// inputBlock returns the input of one field, prefilled with value.
func (f field) inputBlock(lists OptionLists, value any) *slack.InputBlock {
	hint := f.description
	if f.example != "" && f.kind != "boolean" && len(f.enum) == 0 && f.source == nil {
		hint += " (such as " + f.example + ")"
	}
	element, note := f.inputElement(lists, value)
	block := slack.NewInputBlock(f.name, blocks.PlainText(f.name), blocks.PlainText(blocks.Truncate(hint+note, blocks.MaxTextUnits/2)), element)
	block.Optional = !f.required || f.kind == "boolean"
	return block
}

// inputElement returns the element that the user fills in, and a note that is appended to its hint.
func (f field) inputElement(lists OptionLists, value any) (element slack.BlockElement, note string) {
	switch initial := FormatValue(value); {
	case f.source != nil:
		return f.optionMenu(lists[f.source], value), ""
	case len(f.enum) > 0:
		return f.enumMenu(initial), ""
	case f.kind == "boolean":
		return f.checkbox(value), ""
	case f.kind == "integer":
		return f.numberInput(initial), ""
	case blocks.PrefixLen(initial, blocks.MaxTextUnits) < len(initial):
		return f.textInput(""), " It is too long to be changed here; left empty, it stays as it is."
	default:
		return f.textInput(initial), ""
	}
}

func (f field) textInput(initial string) slack.BlockElement {
	input := slack.NewPlainTextInputBlockElement(nil, ValueAction)
	input.InitialValue = initial
	input.MaxLength = 3000
	return input
}

func (f field) numberInput(initial string) slack.BlockElement {
	number := slack.NewNumberInputBlockElement(nil, ValueAction, false)
	number.InitialValue = initial
	if f.min != nil {
		number.MinValue = strconv.Itoa(*f.min)
	}
	if f.max != nil {
		number.MaxValue = strconv.Itoa(*f.max)
	}
	return number
}

func (f field) checkbox(value any) slack.BlockElement {
	yes := slack.NewOptionBlockObject("true", blocks.PlainText("yes"), nil)
	box := slack.NewCheckboxGroupsBlockElement(ValueAction, yes)
	if value == true || (value == nil && f.onByDefault) {
		box.InitialOptions = []*slack.OptionBlockObject{yes}
	}
	return box
}

// enumMenu returns a menu of the values that the schema allows. It omits values that are too long for an option:
// command text takes them.
func (f field) enumMenu(initial string) slack.BlockElement {
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, ValueAction)
	for _, e := range f.enum {
		if len(e) > maxOptionUnits {
			continue
		}
		option := slack.NewOptionBlockObject(e, blocks.PlainText(e), nil)
		menu.Options = append(menu.Options, option)
		if e == initial {
			menu.InitialOption = option
		}
	}
	return menu
}

// optionMenu returns a menu of all. A list that is too long to be sent whole becomes an external menu: Slack then asks
// for its options as the user types.
func (f field) optionMenu(all []Option, value any) slack.BlockElement {
	options, external := MenuOptions(all), len(all) > maxOptions
	if external {
		options = nil
	}
	if f.kind == "array" {
		kind := slack.MultiOptTypeStatic
		if external {
			kind = slack.MultiOptTypeExternal
		}
		return slack.NewOptionsMultiSelectBlockElement(kind, nil, ValueAction, options...)
	}
	kind := slack.OptTypeStatic
	if external {
		kind = slack.OptTypeExternal
	}
	menu := slack.NewOptionsSelectBlockElement(kind, nil, ValueAction, options...)
	for _, o := range all {
		if o.ID == FormatValue(value) {
			menu.InitialOption = o.menuOption()
		}
	}
	if external {
		none := 0
		menu.MinQueryLength = &none
	}
	return menu
}
