package form

import (
	"encoding/json"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
)

// modalState is what a form keeps between clicks, in private_metadata. No permission depends on it.
type modalState struct {
	Scan string `json:"scan,omitempty"` // the ID of the scan that is being changed
}

func (m modalState) String() string {
	b, _ := json.Marshal(m) // a string always marshals
	return string(b)
}

// readModalState returns the zero state for text that is not one.
func readModalState(s string) (m modalState) {
	_ = json.Unmarshal([]byte(s), &m)
	return m
}

// baseModal returns a modal without blocks. Its callback_id is the name of the operation.
func (f Form) baseModal() slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: f.Op.Name, Title: blocks.PlainText(blocks.Truncate(f.Op.Title, 24)),
		Close: blocks.PlainText("Cancel"),
	}
}

// LoadingModal returns the modal that is shown until Defender has answered: a trigger_id opens a modal only within
// three seconds.
func (f Form) LoadingModal() slack.ModalViewRequest {
	view := f.baseModal()
	view.Blocks.BlockSet = blocks.TextSections("Asking Defender…")
	return view
}

// FirstModal returns the modal that a command opens: LoadingModal while lists is nil, then ScanPicker or FullForm.
func (f Form) FirstModal(lists OptionLists) slack.ModalViewRequest {
	if lists == nil {
		return f.LoadingModal()
	}
	if f.NeedsScan() {
		return f.ScanPicker(lists)
	}
	return f.FullForm(lists, nil, "")
}

// ScanPicker returns the modal that asks which scan is to be changed.
func (f Form) ScanPicker(lists OptionLists) slack.ModalViewRequest {
	id, _ := f.fieldNamed("id")
	view := f.baseModal()
	view.Submit = blocks.PlainText("Next")
	block := id.inputBlock(lists, nil)
	block.DispatchAction = true
	view.Blocks.BlockSet = append(blocks.TextSections("Which scan is to be changed?"), block)
	return view
}

// FullForm returns the modal with all inputs, prefilled with values. scan is the ID of the scan that is being changed,
// or "" for an operation that has none.
func (f Form) FullForm(lists OptionLists, values map[string]any, scan string) slack.ModalViewRequest {
	view := f.baseModal()
	view.Submit = blocks.PlainText("Plan")
	view.PrivateMetadata = modalState{Scan: scan}.String()
	intro := "A person has to confirm the plan that is made of this. No secrets here: name a credential or a Key Vault secret."
	if scan != "" {
		intro = "Scan " + blocks.Truncate(FormatValue(values["scanName"]), 200) + ". Change what is to be different. " + intro
	}
	view.Blocks.BlockSet = blocks.TextSections(intro)
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
