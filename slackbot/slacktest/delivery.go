package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// ErrNoResponse means that the app did not acknowledge an action in time, or that no socket was open to send it.
var ErrNoResponse = errors.New("slacktest: the app did not respond")

// An Ack is the app's response to an action of a user.
type Ack struct {
	Status      int             // HTTP status; 200 for an acknowledged envelope; 0 if there was no answer
	Body        json.RawMessage // nil when empty; text that is not JSON is encoded as a JSON string
	Elapsed     time.Duration   // from sending to acknowledgment
	Err         error           // ErrNoResponse, or the rule that the acknowledgment breaks
	TriggerID   string
	ResponseURL string
	Sent        RawRequest // over HTTP: the request as it was sent, which SendRaw can send again with changes

	delivery delivery
	envelope []byte // over a socket: the envelope as it was sent
}

// Errors returns the errors of a response_action "errors" by block_id, and nil for another answer.
func (a *Ack) Errors() map[string]string {
	var body struct {
		Errors map[string]string `json:"errors"`
	}
	_ = json.Unmarshal(a.Body, &body) // other answers have none
	return body.Errors
}

// Options returns the options in the answer to [Server.Suggest], without their groups.
func (a *Ack) Options() []Option {
	var body object
	_ = json.Unmarshal(a.Body, &body) // other answers have none
	return toOptions(optionsIn(body))
}

// A delivery is one command, interaction or event for the app, and what its answer changes.
type delivery struct {
	what    string // names the action in error texts
	kind    string // type of the envelope
	payload object
	answers bool // an answer may come with the acknowledgment
	lenient bool // a wrong answer is no violation: the test checks it
	view    *openView
	block   string
	apply   func(delivery, *Ack) error // is called with the lock held
}

// deliver sends d to the app, waits for the acknowledgment and applies the answer.
func (s *Server) deliver(d delivery) *Ack {
	a := &Ack{delivery: d, TriggerID: stringField(d.payload, "trigger_id"), ResponseURL: stringField(d.payload, "response_url")}
	if s.options.AppToken != "" {
		a.envelope = s.newEnvelope(d)
		s.sendOverSocket(a)
	} else {
		s.sendOverHTTP(a)
	}
	return s.applyAck(a)
}

// applyAck applies the app's answer to the workspace, as Slack's client does.
func (s *Server) applyAck(a *Ack) *Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := a.delivery
	if a.Err == nil && a.Status != http.StatusOK {
		a.Err = fmt.Errorf("slacktest: the app answered %d", a.Status)
	}
	if a.Err == nil && d.apply != nil {
		a.Err = d.apply(d, a)
	}
	if a.Err != nil && !d.lenient {
		s.addViolation("%s: %v", d.what, a.Err)
	}
	s.notifyWaiters()
	return a
}

// isEmpty reports whether the acknowledgment has no answer.
func (a *Ack) isEmpty() bool { return a.Body == nil || string(a.Body) == "{}" }

// applyCommandAnswer shows the answer to a command: plain text, or a message.
func (s *Server) applyCommandAnswer(d delivery, a *Ack) error {
	if a.isEmpty() {
		return nil
	}
	args := map[string]string{}
	if err := json.Unmarshal(a.Body, new(object)); err != nil {
		var text string
		if err := json.Unmarshal(a.Body, &text); err != nil {
			return fmt.Errorf("the answer is neither text nor a message: %s", a.Body)
		}
		args["text"] = text
	} else if args, err = parseArguments(a.Body); err != nil {
		return err
	}
	h := &responseURL{user: stringField(d.payload, "user_id"), channel: stringField(d.payload, "channel_id")}
	return s.showAnswer(h, "the answer to "+d.what, args)
}

// applySubmitAnswer applies the response_action of an answer. An answer without one closes the view.
func (s *Server) applySubmitAnswer(d delivery, a *Ack) error {
	var answer struct {
		Action string            `json:"response_action"`
		View   json.RawMessage   `json:"view"`
		Errors map[string]string `json:"errors"`
	}
	if !a.isEmpty() {
		if err := json.Unmarshal(a.Body, &answer); err != nil {
			return fmt.Errorf("the answer is not a response_action: %w", err)
		}
	}
	switch answer.Action {
	case "":
		if !a.isEmpty() {
			return fmt.Errorf("the answer has no response_action: %s", a.Body)
		}
		s.closeView(d.view)
		return nil
	case "clear":
		s.closeAllViews(d.view.user)
		return nil
	case "errors":
		return checkFieldErrors(d.view, answer.Errors)
	case "update", "push":
		return s.applyViewAnswer(d, answer.Action, answer.View)
	}
	return fmt.Errorf("unknown response_action %q", answer.Action)
}

// closeView removes a view from its user's stack at any position.
func (s *Server) closeView(v *openView) {
	delete(s.views, v.id)
	s.stacks[v.user] = slices.DeleteFunc(s.stacks[v.user], func(id string) bool { return id == v.id })
}

func (s *Server) applyViewAnswer(d delivery, action string, raw json.RawMessage) error {
	content, err := s.readView("response_action "+action, "modal", raw)
	if err != nil {
		return err
	}
	if action == "push" {
		_, err = s.pushView(d.view.user, content)
		return err
	}
	d.view.content = content
	s.renewHash(d.view)
	return nil
}

// checkFieldErrors returns an error unless all errors belong to input blocks. For others Slack shows "trouble
// connecting" and no error.
func checkFieldErrors(v *openView, errs map[string]string) error {
	if len(errs) == 0 {
		return errors.New(`response_action "errors" without errors`)
	}
	for id, text := range errs {
		isInput := func(b object) bool { return b["type"] == "input" && b["block_id"] == id }
		if !slices.ContainsFunc(objectsIn(v.content["blocks"]), isInput) {
			return fmt.Errorf("error at %q, which is not an input block", id)
		}
		if text == "" {
			return fmt.Errorf("empty error at %q", id)
		}
	}
	return nil
}

// applySuggestAnswer checks the options offered and keeps them for Submit.
func (s *Server) applySuggestAnswer(d delivery, a *Ack) error {
	var answer any
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return fmt.Errorf("the answer is not a list of options: %w", err)
	}
	c := &checker{}
	objectOf(shape{nil, map[string]rule{"options": listOf(0, 100, optionOf(plainText)), "option_groups": listOf(0, 100, optionGroup)}})(c, "", answer)
	if len(c.errors) > 0 {
		return newAPIError("invalid options", c.errors...)
	}
	d.view.suggested[d.block] = optionsIn(answer.(object)) // its rule has checked the type
	return nil
}
