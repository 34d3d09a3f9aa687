package form

import (
	"strings"

	"github.com/slack-go/slack"
)

// ParseSubmission returns the arguments that a submitted modal changes, and the names of the inputs that it had. An
// input that still holds its initial value is not an argument. The ID of a scan comes from private_metadata.
func (f Form) ParseSubmission(view slack.View) (args map[string]any, shown []string) {
	args = map[string]any{}
	if scan := readModalState(view.PrivateMetadata).Scan; scan != "" {
		args["id"] = scan
	}
	initial := initialValues(view.Blocks)
	if view.State == nil {
		return args, shown
	}
	for _, in := range f.fields {
		act, ok := view.State.Values[in.name][ValueAction]
		if !ok {
			continue
		}
		shown = append(shown, in.name)
		value, before := in.submittedValue(act), initial[in.name]
		if same := before != nil && *before == value; value != "" && !same {
			args[in.name] = in.parse(value)
		}
		if list := selectedValues(act); in.kind == "array" && len(list) > 0 {
			args[in.name] = list
		}
	}
	return args, shown
}

// submittedValue returns what an input holds, as text. It returns "" for an empty input.
func (f field) submittedValue(act slack.BlockAction) string {
	switch {
	case f.kind == "boolean" && act.SelectedOption.Value == "":
		if len(act.SelectedOptions) > 0 {
			return "true"
		}
		return "false"
	case act.SelectedOption.Value != "":
		return act.SelectedOption.Value
	default:
		return strings.TrimSpace(act.Value)
	}
}

func selectedValues(act slack.BlockAction) (list []string) {
	for _, o := range act.SelectedOptions {
		list = append(list, o.Value)
	}
	return list
}

// initialValues returns what the inputs of a modal held when it was shown, by field. Slack sends the modal back with
// its answers, so nothing is stored, and a change that another user made meanwhile does not count as a request.
func initialValues(blocks slack.Blocks) map[string]*string {
	out := map[string]*string{}
	for _, block := range blocks.BlockSet {
		in, ok := block.(*slack.InputBlock)
		if !ok {
			continue
		}
		var initial string
		switch e := in.Element.(type) {
		case *slack.PlainTextInputBlockElement:
			initial = strings.TrimSpace(e.InitialValue)
		case *slack.NumberInputBlockElement:
			initial = e.InitialValue
		case *slack.SelectBlockElement:
			if e.InitialOption != nil {
				initial = e.InitialOption.Value
			}
		case *slack.CheckboxGroupsBlockElement:
			initial = "false"
			if len(e.InitialOptions) > 0 {
				initial = "true"
			}
		}
		out[in.BlockID] = &initial
	}
	return out
}
