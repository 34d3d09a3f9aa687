package slackbot

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

// maxOptions is how many options Slack takes in a menu that is sent whole.
const maxOptions = 100

// Form is an operation as a modal asks for it.
type Form struct {
	Op     tools.Operation
	fields []field
}

func NewForm(op tools.Operation) (Form, error) {
	var s schema
	if err := json.Unmarshal(op.Input, &s); err != nil {
		return Form{}, err
	}
	return Form{Op: op, fields: flattenFields(s, "", true)}, nil
}

func (f Form) fieldNamed(name string) (field, bool) {
	i := slices.IndexFunc(f.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return f.fields[i], true
}

// NeedsScan reports whether the operation changes one scan, which has to be chosen before its fields are shown.
func (f Form) NeedsScan() bool {
	id, ok := f.fieldNamed("id")
	return ok && id.source == ScansSource
}

// Sources are the lists of the tenant's that the form needs.
func (f Form) Sources() []*OptionSource {
	var out []*OptionSource
	for _, in := range f.fields {
		if in.source != nil && !slices.Contains(out, in.source) {
			out = append(out, in.source)
		}
	}
	return out
}

// modalState is what a modal of ours remembers between clicks (private_metadata). It decides nothing about who may
// do what.
type modalState struct {
	Scan   string `json:"scan,omitempty"`   // the scan that is being changed
	Change string `json:"change,omitempty"` // the change that is being reviewed or denied
	Page   int    `json:"page,omitempty"`   // of the review
}

func (m modalState) String() string {
	b, _ := json.Marshal(m) // strings and a number always marshal
	return string(b)
}

func readModalState(s string) (m modalState) {
	_ = json.Unmarshal([]byte(s), &m) // nothing remembered is nothing to go on with
	return m
}

// baseModal is a form without its inputs.
func (f Form) baseModal() slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: f.Op.Name, Title: PlainText(Truncate(f.Op.Title, 24)), Close: PlainText("Cancel"),
	}
}

// LoadingModal is what stands there until Defender has answered. A trigger opens a modal within three seconds only.
func (f Form) LoadingModal() slack.ModalViewRequest {
	view := f.baseModal()
	view.Blocks.BlockSet = TextSections("Asking Defender…")
	return view
}

// ScanPicker asks which scan is to be changed.
func (f Form) ScanPicker(lists OptionLists) slack.ModalViewRequest {
	id, _ := f.fieldNamed("id")
	view := f.baseModal()
	view.Submit = PlainText("Next")
	block := id.inputBlock(lists, nil)
	block.DispatchAction = true
	view.Blocks.BlockSet = append(TextSections("Which scan is to be changed?"), block)
	return view
}

// FullForm is the whole form, filled in with values. scan is the id of the scan that is being changed, "" for none.
func (f Form) FullForm(lists OptionLists, values map[string]any, scan string) slack.ModalViewRequest {
	view := f.baseModal()
	view.Submit = PlainText("Plan")
	view.PrivateMetadata = modalState{Scan: scan}.String()
	intro := "A person has to confirm the plan that is made of this. No secrets here: name a credential or a Key Vault secret."
	if scan != "" {
		intro = "Scan " + Truncate(FormatValue(values["scanName"]), 200) + ". Change what is to be different. " + intro
	}
	view.Blocks.BlockSet = TextSections(intro)
	for _, in := range f.fields {
		if scan != "" && in.name == "id" {
			continue
		}
		if scan != "" {
			in.required = false
		}
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, in.inputBlock(lists, values[in.name]))
	}
	return view
}

// inputBlock is the input of one field.
func (f field) inputBlock(lists OptionLists, value any) *slack.InputBlock {
	hint := f.description
	if f.example != "" && f.kind != "boolean" && len(f.enum) == 0 && f.source == nil {
		hint += " (such as " + f.example + ")"
	}
	element, note := f.inputElement(lists, value)
	block := slack.NewInputBlock(f.name, PlainText(f.name), PlainText(Truncate(hint+note, MaxTextUnits/2)), element)
	block.Optional = !f.required || f.kind == "boolean"
	return block
}

// inputElement is what a person fills in, and what there is to say about it.
func (f field) inputElement(lists OptionLists, value any) (element slack.BlockElement, note string) {
	switch given := FormatValue(value); {
	case f.source != nil:
		return f.optionMenu(lists[f.source], value), ""
	case len(f.enum) > 0:
		return f.enumMenu(given), ""
	case f.kind == "boolean":
		yes := slack.NewOptionBlockObject("true", PlainText("yes"), nil)
		box := slack.NewCheckboxGroupsBlockElement(ValueAction, yes)
		if value == true || (value == nil && f.onByDefault) {
			box.InitialOptions = []*slack.OptionBlockObject{yes}
		}
		return box, ""
	case f.kind == "integer":
		number := slack.NewNumberInputBlockElement(nil, ValueAction, false)
		number.InitialValue = given
		if f.min != nil {
			number.MinValue = strconv.Itoa(*f.min)
		}
		if f.max != nil {
			number.MaxValue = strconv.Itoa(*f.max)
		}
		return number, ""
	case PrefixLen(given, MaxTextUnits) < len(given):
		return f.textInput(""), " It is too long to be changed here; left empty, it stays as it is."
	default:
		return f.textInput(given), ""
	}
}

func (f field) textInput(initial string) slack.BlockElement {
	input := slack.NewPlainTextInputBlockElement(nil, ValueAction)
	input.InitialValue = initial
	input.MaxLength = 3000
	return input
}

func (f field) enumMenu(given string) slack.BlockElement {
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, ValueAction)
	for _, e := range f.enum {
		if len(e) > 75 {
			continue // Slack's bound; the text form takes it
		}
		option := slack.NewOptionBlockObject(e, PlainText(e), nil)
		menu.Options = append(menu.Options, option)
		if e == given {
			menu.InitialOption = option
		}
	}
	return menu
}

// optionMenu offers what the tenant has: whole when it fits, else by what is typed.
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
	for _, e := range all {
		if e.ID == FormatValue(value) {
			menu.InitialOption = e.menuOption()
		}
	}
	if external {
		none := 0
		menu.MinQueryLength = &none
	}
	return menu
}
