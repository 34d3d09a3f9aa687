package slacktest

import (
	"encoding/json"
	"strings"
)

// A View is a modal or a home tab as a user sees it.
type View struct {
	ID, Type, CallbackID, Title, Hash, ExternalID, PrivateMetadata string
	SubmitText, CloseText                                          string // "" if there is no such button
	Blocks                                                         json.RawMessage
}

// All returns all visible text of the view, the title first.
func (v View) All() string { return strings.TrimSpace(v.Title + "\n" + visibleText(v.Blocks)) }

// Buttons returns the view's buttons from top to bottom, without submit and close.
func (v View) Buttons() []Button { return buttonsIn(v.Blocks) }

// An Input is a field of a form.
type Input struct {
	BlockID, ActionID, Type, Label, Hint string
	Optional                             bool
	Initial                              any // string, []string or nil; for options their values
	Options                              []Option
}

// An Option is an option of a select, checkbox or radio button.
type Option struct{ Text, Value string }

// Inputs returns the view's input blocks from top to bottom.
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
		BlockID: stringField(b, "block_id"), ActionID: stringField(e, "action_id"), Type: stringField(e, "type"),
		Label: stringField(labelText, "text"), Hint: stringField(hint, "text"), Optional: b["optional"] == true,
		Initial: initialValue(e), Options: toOptions(optionsIn(e)),
	}
}

func initialValue(e object) any {
	for _, name := range []string{"initial_value", "initial_user", "initial_channel", "initial_date", "initial_time"} {
		if s := stringField(e, name); s != "" {
			return s
		}
	}
	if o, ok := e["initial_option"].(object); ok {
		return stringField(o, "value")
	}
	var values []string
	for _, o := range objectsIn(e["initial_options"]) {
		values = append(values, stringField(o, "value"))
	}
	if values == nil {
		return nil
	}
	return values
}

func toOptions(offered []object) []Option {
	var all []Option
	for _, o := range offered {
		t, _ := o["text"].(object)
		all = append(all, Option{Text: stringField(t, "text"), Value: stringField(o, "value")})
	}
	return all
}

// View returns the modal on top of the user's stack, and false if none is open.
func (s *Server) View(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stack := s.stacks[user]
	if len(stack) == 0 {
		return View{}, false
	}
	return s.views[stack[len(stack)-1]].toView(), true
}

// Home returns the user's home tab, and false if the app has not published one.
func (s *Server) Home(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.homes[user]
	if !ok {
		return View{}, false
	}
	return v.toView(), true
}

func (v *openView) toView() View {
	shown := func(name string) string {
		t, _ := v.content[name].(object)
		return stringField(t, "text")
	}
	return View{
		ID: v.id, Type: stringField(v.content, "type"), CallbackID: stringField(v.content, "callback_id"), Title: shown("title"),
		Hash: v.hash, ExternalID: stringField(v.content, "external_id"), PrivateMetadata: stringField(v.content, "private_metadata"),
		SubmitText: shown("submit"), CloseText: shown("close"), Blocks: mustEncode(v.content["blocks"]),
	}
}

// viewObject returns the view as it appears in answers and payloads, with the values of its fields.
func (s *Server) viewObject(v *openView, values object) object {
	o := object{
		"id": v.id, "team_id": s.options.Team, "type": v.content["type"], "blocks": v.content["blocks"],
		"private_metadata": stringField(v.content, "private_metadata"), "callback_id": stringField(v.content, "callback_id"),
		"external_id": stringField(v.content, "external_id"), "state": object{"values": values}, "hash": v.hash,
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
