package slacktest

import (
	"encoding/json"
	"strings"
)

// A View is a modal or a home tab as a person sees it.
type View struct {
	ID, Type, CallbackID, Title, Hash, ExternalID, PrivateMetadata string
	SubmitText, CloseText                                          string // "" when there is no such button
	Blocks                                                         json.RawMessage
}

// All is every word of the view, the title first.
func (v View) All() string { return strings.TrimSpace(v.Title + "\n" + words(v.Blocks)) }

// Buttons are the view's buttons from top to bottom, without submit and close.
func (v View) Buttons() []Button { return buttons(v.Blocks) }

// An Input is a field of a form.
type Input struct {
	BlockID, ActionID, Type, Label, Hint string
	Optional                             bool
	Initial                              any // string, []string, or nil; of choices their values
	Options                              []Option
}

// An Option is a choice.
type Option struct{ Text, Value string }

// Inputs are the view's input blocks from top to bottom.
func (v View) Inputs() []Input {
	var inputs []Input
	for _, b := range decodeBlocks(v.Blocks) {
		if b["type"] == "input" {
			inputs = append(inputs, newInput(b))
		}
	}
	return inputs
}

func newInput(b object) Input {
	e, _ := b["element"].(object)
	labelText, _ := b["label"].(object)
	hint, _ := b["hint"].(object)
	return Input{
		BlockID: word(b, "block_id"), ActionID: word(e, "action_id"), Type: word(e, "type"),
		Label: word(labelText, "text"), Hint: word(hint, "text"), Optional: b["optional"] == true,
		Initial: initial(e), Options: options(offers(e)),
	}
}

func initial(e object) any {
	for _, name := range []string{"initial_value", "initial_user", "initial_channel", "initial_date", "initial_time"} {
		if s := word(e, name); s != "" {
			return s
		}
	}
	if o, ok := e["initial_option"].(object); ok {
		return word(o, "value")
	}
	var values []string
	for _, o := range objects(e["initial_options"]) {
		values = append(values, word(o, "value"))
	}
	if values == nil {
		return nil
	}
	return values
}

func options(offered []object) []Option {
	var all []Option
	for _, o := range offered {
		t, _ := o["text"].(object)
		all = append(all, Option{Text: word(t, "text"), Value: word(o, "value")})
	}
	return all
}

// View is the modal on top of the user's stack, if one is open.
func (s *Server) View(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stack := s.stacks[user]
	if len(stack) == 0 {
		return View{}, false
	}
	return s.views[stack[len(stack)-1]].public(), true
}

// Home is the user's home tab, if the app published one.
func (s *Server) Home(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.homes[user]
	if !ok {
		return View{}, false
	}
	return v.public(), true
}

func (v *openView) public() View {
	shown := func(name string) string {
		t, _ := v.content[name].(object)
		return word(t, "text")
	}
	return View{
		ID: v.id, Type: word(v.content, "type"), CallbackID: word(v.content, "callback_id"), Title: shown("title"),
		Hash: v.hash, ExternalID: word(v.content, "external_id"), PrivateMetadata: word(v.content, "private_metadata"),
		SubmitText: shown("submit"), CloseText: shown("close"), Blocks: encode(v.content["blocks"]),
	}
}

// viewObject is the view in answers and payloads, with the values of its fields.
func (s *Server) viewObject(v *openView, values object) object {
	o := object{
		"id": v.id, "team_id": s.options.Team, "type": v.content["type"], "blocks": v.content["blocks"],
		"private_metadata": word(v.content, "private_metadata"), "callback_id": word(v.content, "callback_id"),
		"external_id": word(v.content, "external_id"), "state": object{"values": values}, "hash": v.hash,
		"title": v.content["title"], "submit": v.content["submit"], "close": v.content["close"],
		"clear_on_close": v.content["clear_on_close"] == true, "notify_on_close": v.content["notify_on_close"] == true,
		"root_view_id": v.root, "previous_view_id": nil, "app_id": appID, "bot_id": botID,
		"app_installed_team_id": s.options.Team,
	}
	if v.previous != "" {
		o["previous_view_id"] = v.previous
	}
	return o
}
