package slacktest

import (
	"fmt"
	"slices"
)

// Actions of users. Each method returns when the app has acknowledged the action, or after 3 s without an
// acknowledgment. An action that Slack's client does not allow fails the test and sends nothing. So does an action
// for which the app has no URL.

// Command types a slash command into a channel. It sends text unchanged: write mentions as Slack does for a command
// with should_escape, <@U1|name>. An answer in the acknowledgment is shown in the channel.
func (s *Server) Command(user, channel, command, text string) *Ack {
	s.t.Helper()
	s.mu.Lock()
	u, c, err := s.lookUpActor(user, channel)
	if err != nil {
		s.mu.Unlock()
		return s.failAction("type "+command, err)
	}
	payload := s.commandPayload(u, c, command, text)
	s.mu.Unlock()
	return s.deliver(delivery{what: command, kind: "slash_commands", payload: payload, answers: true, apply: s.applyCommandAnswer})
}

// lookUpActor returns the user and the channel with these ids, or an error that names the missing one.
func (s *Server) lookUpActor(user, channel string) (User, *conversation, error) {
	u, ok := s.users[user]
	if !ok {
		return User{}, nil, fmt.Errorf("there is no user %s: AddUser first", user)
	}
	c, ok := s.conversations[channel]
	if !ok {
		return User{}, nil, fmt.Errorf("there is no channel %s: AddChannel first", channel)
	}
	return u, c, nil
}

// Click presses a button of a message as m shows it. The message may have changed since m was read, as it may for a
// user who reads slowly.
func (s *Server) Click(user string, m Message, actionID string) *Ack {
	s.t.Helper()
	what := fmt.Sprintf("click %s in %s", actionID, m.TS)
	action, err := buttonAction(m.Blocks, actionID)
	if err == nil && m.Ephemeral && m.To != user {
		err = fmt.Errorf("only %s can see that message", m.To)
	}
	s.mu.Lock()
	u, c, unknown := s.lookUpActor(user, m.Channel)
	if err == nil {
		err = unknown
	}
	if err != nil {
		s.mu.Unlock()
		return s.failAction(what, err)
	}
	d := delivery{what: what, kind: "interactive", payload: s.clickPayload(u, c, m, action)}
	s.mu.Unlock()
	return s.deliver(d)
}

// ClickView presses a button inside a modal or a home tab.
func (s *Server) ClickView(user string, v View, actionID string) *Ack {
	s.t.Helper()
	what := fmt.Sprintf("click %s in view %s", actionID, v.ID)
	action, err := buttonAction(v.Blocks, actionID)
	s.mu.Lock()
	open := s.findView(v.ID)
	if err == nil && (open == nil || open.user != user) {
		err = fmt.Errorf("user %s has no such view open", user)
	}
	var payload object
	if err == nil {
		payload, err = s.viewClickPayload(s.users[user], open, action)
	}
	s.mu.Unlock()
	if err != nil {
		return s.failAction(what, err)
	}
	return s.deliver(delivery{what: what, kind: "interactive", payload: payload})
}

// buttonAction returns the action that a click on the button with this action_id sends, or an error if there is no
// such button.
func buttonAction(blocks []byte, actionID string) (object, error) {
	for _, b := range decodeBlocks(blocks) {
		for _, e := range elementsOf(b) {
			if e["type"] != "button" || e["action_id"] != actionID {
				continue
			}
			action := object{"type": "button", "block_id": b["block_id"], "action_id": actionID, "text": e["text"]}
			for _, name := range []string{"value", "style", "url"} {
				if v, ok := e[name]; ok {
					action[name] = v
				}
			}
			return action, nil
		}
	}
	return nil, fmt.Errorf("there is no button %q", actionID)
}

// Submit fills in a modal and presses its submit button. values are keyed by block_id: a string for text, numbers,
// dates and one option (by the option's value), a bool for a single checkbox, a []string for several options. A
// field without a value keeps its initial value; "" clears it. The options of an external select are those of the
// last [Server.Suggest] and the initial one.
func (s *Server) Submit(user string, v View, values map[string]any) *Ack {
	s.t.Helper()
	s.mu.Lock()
	open, err := s.topView(user, v)
	var payload object
	if err == nil && open.content["submit"] == nil {
		err = fmt.Errorf("the view has no submit button")
	}
	if err == nil {
		payload, err = s.submitPayload(s.users[user], open, values)
	}
	s.mu.Unlock()
	what := "submit " + v.CallbackID
	if err != nil {
		return s.failAction(what, err)
	}
	return s.deliver(delivery{what: what, kind: "interactive", payload: payload, answers: true, view: open, apply: s.applySubmitAnswer})
}

// topView returns the user's open view if v is on top of the user's stack, and an error otherwise.
func (s *Server) topView(user string, v View) (*openView, error) {
	stack := s.stacks[user]
	if len(stack) == 0 || stack[len(stack)-1] != v.ID {
		return nil, fmt.Errorf("view %s is not on top for user %s", v.ID, user)
	}
	return s.views[v.ID], nil
}

// CloseView closes a modal by its close button. The app receives view_closed only with notify_on_close; otherwise
// the Ack is empty.
func (s *Server) CloseView(user string, v View) *Ack {
	s.t.Helper()
	s.mu.Lock()
	open, err := s.topView(user, v)
	if err != nil {
		s.mu.Unlock()
		return s.failAction("close "+v.CallbackID, err)
	}
	payload := s.closePayload(s.users[user], open)
	sendsClosed := open.content["notify_on_close"] == true
	s.popView(user)
	if open.content["clear_on_close"] == true {
		s.closeAllViews(user)
	}
	s.mu.Unlock()
	if !sendsClosed {
		return &Ack{}
	}
	return s.deliver(delivery{what: "close " + v.CallbackID, kind: "interactive", payload: payload})
}

// Suggest types into an external select. [Ack.Options] returns the options that the app offers then.
func (s *Server) Suggest(user string, v View, blockID, query string) *Ack {
	s.t.Helper()
	s.mu.Lock()
	open := s.findView(v.ID)
	var payload object
	err := fmt.Errorf("user %s has no such view open", user)
	if open != nil && open.user == user {
		payload, err = s.suggestPayload(s.users[user], open, blockID, query)
	}
	s.mu.Unlock()
	what := fmt.Sprintf("type %q into %s", query, blockID)
	if err != nil {
		return s.failAction(what, err)
	}
	return s.deliver(delivery{what: what, kind: "interactive", payload: payload, answers: true, view: open, block: blockID,
		apply: s.applySuggestAnswer})
}

// OpenHome opens the app's home tab, which sends an app_home_opened event.
func (s *Server) OpenHome(user string) *Ack {
	s.t.Helper()
	s.mu.Lock()
	if _, ok := s.users[user]; !ok {
		s.mu.Unlock()
		return s.failAction("open the home tab", fmt.Errorf("there is no user %s: AddUser first", user))
	}
	payload := s.homePayload(s.users[user])
	s.mu.Unlock()
	return s.deliver(delivery{what: "open the home tab", kind: "events_api", payload: payload})
}

// failAction fails the test for an action that Slack's client does not allow, and returns an Ack with the error.
func (s *Server) failAction(what string, err error) *Ack {
	s.t.Helper()
	err = fmt.Errorf("slacktest: cannot %s: %w", what, err)
	s.t.Errorf("%v", err)
	return &Ack{Err: err}
}

// externalSelect returns the block's element if it loads its options from the app, and an error otherwise.
func (v *openView) externalSelect(blockID string) (object, error) {
	for _, b := range objectsIn(v.content["blocks"]) {
		for _, e := range elementsOf(b) {
			if b["block_id"] == blockID && slices.Contains([]string{"external_select", "multi_external_select"}, stringField(e, "type")) {
				return e, nil
			}
		}
	}
	return nil, fmt.Errorf("there is no external select in block %q", blockID)
}
