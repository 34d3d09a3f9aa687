package slackbot

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

// most is how many options Slack takes in a menu that is sent whole.
const most = 100

// form is an operation as a modal asks for it.
type form struct {
	op     tools.Operation
	fields []field
}

func newForm(op tools.Operation) (form, error) {
	var s schema
	if err := json.Unmarshal(op.Input, &s); err != nil {
		return form{}, err
	}
	return form{op: op, fields: fieldsOf(s, "", true)}, nil
}

func (f form) find(name string) (field, bool) {
	i := slices.IndexFunc(f.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return f.fields[i], true
}

// chooses reports whether the operation changes one scan, which has to be chosen before its fields are shown.
func (f form) chooses() bool {
	id, ok := f.find("id")
	return ok && id.from == scansSource
}

// sources are the lists of the tenant's that the form needs.
func (f form) sources() []*source {
	var out []*source
	for _, in := range f.fields {
		if in.from != nil && !slices.Contains(out, in.from) {
			out = append(out, in.from)
		}
	}
	return out
}

// memo is what a modal of ours remembers between clicks (private_metadata). It decides nothing about who may
// do what.
type memo struct {
	Scan   string `json:"scan,omitempty"`   // the scan that is being changed
	Change string `json:"change,omitempty"` // the change that is being reviewed or denied
	Page   int    `json:"page,omitempty"`   // of the review
}

func (m memo) String() string {
	b, _ := json.Marshal(m) // strings and a number always marshal
	return string(b)
}

func readMemo(s string) (m memo) {
	_ = json.Unmarshal([]byte(s), &m) // nothing remembered is nothing to go on with
	return m
}

// modal is a form without its inputs.
func (f form) modal() slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: f.op.Name, Title: plain(short(f.op.Title, 24)), Close: plain("Cancel"),
	}
}

// loading is what stands there until Defender has answered. A trigger opens a modal within three seconds only.
func (f form) loading() slack.ModalViewRequest {
	view := f.modal()
	view.Blocks.BlockSet = words("Asking Defender…")
	return view
}

// choosing asks which scan is to be changed.
func (f form) choosing(lists lists) slack.ModalViewRequest {
	id, _ := f.find("id")
	view := f.modal()
	view.Submit = plain("Next")
	block := id.block(lists, nil)
	block.DispatchAction = true
	view.Blocks.BlockSet = append(words("Which scan is to be changed?"), block)
	return view
}

// asking is the whole form, filled in with values. scan is the id of the scan that is being changed, "" for none.
func (f form) asking(lists lists, values map[string]any, scan string) slack.ModalViewRequest {
	view := f.modal()
	view.Submit = plain("Plan")
	view.PrivateMetadata = memo{Scan: scan}.String()
	intro := "A person has to confirm the plan that is made of this. No secrets here: name a credential or a Key Vault secret."
	if scan != "" {
		intro = "Scan " + short(text(values["scanName"]), 200) + ". Change what is to be different. " + intro
	}
	view.Blocks.BlockSet = words(intro)
	for _, in := range f.fields {
		if scan != "" && in.name == "id" {
			continue
		}
		if scan != "" {
			in.required = false
		}
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, in.block(lists, values[in.name]))
	}
	return view
}

// block is the input of one field.
func (f field) block(lists lists, value any) *slack.InputBlock {
	hint := f.description
	if f.example != "" && f.kind != "boolean" && len(f.enum) == 0 && f.from == nil {
		hint += " (such as " + f.example + ")"
	}
	element, note := f.element(lists, value)
	block := slack.NewInputBlock(f.name, plain(f.name), plain(short(hint+note, widest/2)), element)
	block.Optional = !f.required || f.kind == "boolean"
	return block
}

// element is what a person fills in, and what there is to say about it.
func (f field) element(lists lists, value any) (element slack.BlockElement, note string) {
	switch given := text(value); {
	case f.from != nil:
		return f.menu(lists[f.from], value), ""
	case len(f.enum) > 0:
		return f.choice(given), ""
	case f.kind == "boolean":
		yes := slack.NewOptionBlockObject("true", plain("yes"), nil)
		box := slack.NewCheckboxGroupsBlockElement(valueAction, yes)
		if value == true || (value == nil && f.on) {
			box.InitialOptions = []*slack.OptionBlockObject{yes}
		}
		return box, ""
	case f.kind == "integer":
		number := slack.NewNumberInputBlockElement(nil, valueAction, false)
		number.InitialValue = given
		if f.min != nil {
			number.MinValue = strconv.Itoa(*f.min)
		}
		if f.max != nil {
			number.MaxValue = strconv.Itoa(*f.max)
		}
		return number, ""
	case fitting(given, widest) < len(given):
		return f.line(""), " It is too long to be changed here; left empty, it stays as it is."
	default:
		return f.line(given), ""
	}
}

func (f field) line(initial string) slack.BlockElement {
	input := slack.NewPlainTextInputBlockElement(nil, valueAction)
	input.InitialValue = initial
	input.MaxLength = 3000
	return input
}

func (f field) choice(given string) slack.BlockElement {
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, valueAction)
	for _, e := range f.enum {
		if len(e) > 75 {
			continue // Slack's bound; the text form takes it
		}
		option := slack.NewOptionBlockObject(e, plain(e), nil)
		menu.Options = append(menu.Options, option)
		if e == given {
			menu.InitialOption = option
		}
	}
	return menu
}

// menu offers what the tenant has: whole when it fits, else by what is typed.
func (f field) menu(all []entry, value any) slack.BlockElement {
	options, external := optionsOf(all), len(all) > most
	if external {
		options = nil
	}
	if f.kind == "array" {
		kind := slack.MultiOptTypeStatic
		if external {
			kind = slack.MultiOptTypeExternal
		}
		return slack.NewOptionsMultiSelectBlockElement(kind, nil, valueAction, options...)
	}
	kind := slack.OptTypeStatic
	if external {
		kind = slack.OptTypeExternal
	}
	menu := slack.NewOptionsSelectBlockElement(kind, nil, valueAction, options...)
	for _, e := range all {
		if e.id == text(value) {
			menu.InitialOption = e.option()
		}
	}
	if external {
		none := 0
		menu.MinQueryLength = &none
	}
	return menu
}
