package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// ErrNoResponse is an act that the app did not acknowledge in time, or could not because no socket was open.
var ErrNoResponse = errors.New("slacktest: the app did not respond")

// An Ack is what came of something that a person did.
type Ack struct {
	Status      int             // of HTTP; 200 for an acknowledged envelope; 0 if nothing came back
	Body        json.RawMessage // nil when empty; text that is not JSON is here as a JSON string
	Elapsed     time.Duration   // from sending to acknowledgement
	Err         error           // ErrNoResponse, or what is wrong with the acknowledgement
	TriggerID   string
	ResponseURL string
	Sent        RawRequest // over HTTP: the request as it was sent, to vary and send again with SendRaw

	delivery delivery
	envelope []byte // over a socket: the same
}

// Errors are those of a response_action "errors", by block_id.
func (a *Ack) Errors() map[string]string {
	var body struct {
		Errors map[string]string `json:"errors"`
	}
	_ = json.Unmarshal(a.Body, &body) // other answers have none
	return body.Errors
}

// Options are those that a suggestion was answered with, out of their groups.
func (a *Ack) Options() []Option {
	var body object
	_ = json.Unmarshal(a.Body, &body) // other answers have none
	return toOptions(optionsIn(body))
}

// A delivery is one thing that the app is told, and what happens with its answer.
type delivery struct {
	what    string // for messages
	kind    string // of the envelope
	payload object
	answers bool // an answer may come with the acknowledgement
	lenient bool // a bad answer is the test's business
	view    *openView
	block   string
	apply   func(delivery, *Ack) error // called with the lock
}

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

// applyAck lets the answer take effect, as Slack's client does.
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

// isEmpty reports whether the acknowledgement has no answer in it.
func (a *Ack) isEmpty() bool { return a.Body == nil || string(a.Body) == "{}" }

// applyCommandAnswer shows the answer to a command: text as it is, or a message.
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

// applySubmitAnswer does what a response_action says; without one the view closes.
func (s *Server) applySubmitAnswer(d delivery, a *Ack) error {
	var answer struct {
		Action string            `json:"response_action"`
		View   json.RawMessage   `json:"view"`
		Errors map[string]string `json:"errors"`
	}
	if !a.isEmpty() {
		if err := json.Unmarshal(a.Body, &answer); err != nil {
			return fmt.Errorf("the answer is no response_action: %w", err)
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

// closeView takes a view from its user's stack, wherever it stands.
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

// checkFieldErrors wants errors at input blocks only; otherwise Slack shows "trouble connecting" and no error.
func checkFieldErrors(v *openView, errs map[string]string) error {
	if len(errs) == 0 {
		return errors.New(`response_action "errors" without errors`)
	}
	for id, text := range errs {
		isInput := func(b object) bool { return b["type"] == "input" && b["block_id"] == id }
		if !slices.ContainsFunc(objectsIn(v.content["blocks"]), isInput) {
			return fmt.Errorf("error at %q, which is no input block", id)
		}
		if text == "" {
			return fmt.Errorf("empty error at %q", id)
		}
	}
	return nil
}

// applySuggestAnswer checks the options offered, and remembers them for Submit.
func (s *Server) applySuggestAnswer(d delivery, a *Ack) error {
	var answer any
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return fmt.Errorf("the answer is no list of options: %w", err)
	}
	c := &checker{}
	objectOf(shape{nil, map[string]rule{"options": listOf(0, 100, optionOf(plainText)), "option_groups": listOf(0, 100, optionGroup)}})(c, "", answer)
	if len(c.errors) > 0 {
		return newAPIError("invalid options", c.errors...)
	}
	d.view.suggested[d.block] = optionsIn(answer.(object)) // it is one: its rule says so
	return nil
}
