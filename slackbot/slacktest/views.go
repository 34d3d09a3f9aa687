package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
)

const (
	maxViewBlocks = 100
	maxViewStack  = 3
	maxViewBytes  = 250_000 // bytes
)

// An openView is an open modal or a home tab.
type openView struct {
	id, user, root, previous, hash string
	content                        object // the app's view with missing ids filled in
	suggested                      map[string][]object
}

var modalShape = shape{[]string{"title", "blocks"}, map[string]rule{
	"title": plainText(24), "submit": plainText(24), "close": plainText(24), "blocks": viewBlocks,
	"private_metadata": stringOf(0, 3000), "callback_id": stringOf(0, 255), "external_id": stringOf(0, 255),
	"clear_on_close": isBoolean, "notify_on_close": isBoolean, "submit_disabled": isBoolean,
}}

var homeShape = shape{[]string{"blocks"}, map[string]rule{
	"blocks": viewBlocks, "private_metadata": stringOf(0, 3000), "callback_id": stringOf(0, 255), "external_id": stringOf(0, 255),
}}

func viewBlocks(c *checker, at string, v any) { c.checkBlocks(at, v, maxViewBlocks) }

// readView checks and returns a view that an app sent. where names the call in Violations.
func (s *Server) readView(where, kind string, raw []byte) (object, error) {
	var v object
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		return nil, s.recordViolation(where, newAPIError("invalid_arguments", "[ERROR] must be a view [json-pointer:/view]"))
	}
	if len(raw) > maxViewBytes {
		return nil, s.recordViolation(where, newAPIError("view_too_large"))
	}
	c := &checker{surface: kind}
	if v["type"] != kind {
		c.addError("/view/type", "must be %q", kind)
	}
	if kind == "modal" {
		modalShape.check(c, "/view", v)
		if _, ok := v["submit"]; !ok && hasInput(v["blocks"]) {
			c.addError("/view", "`submit` is required when an `input` is within blocks")
		}
	} else {
		homeShape.check(c, "/view", v)
	}
	if len(c.errors) > 0 {
		return nil, s.recordViolation(where, newAPIError("invalid_arguments", c.errors...))
	}
	assignIDs(v["blocks"].([]any)) // its rule has checked the type
	return v, nil
}

func (s *Server) viewsOpen(r *request) (object, error) {
	return s.openWithTrigger(r, func(tr *trigger) error {
		if tr.root == "" { // not from a modal: a new stack replaces the old one
			s.closeAllViews(tr.user)
		}
		return nil
	})
}

func (s *Server) viewsPush(r *request) (object, error) {
	return s.openWithTrigger(r, func(tr *trigger) error {
		if tr.root == "" || !slices.Contains(s.stacks[tr.user], tr.root) {
			return newAPIError("not_found")
		}
		return nil
	})
}

func (s *Server) openWithTrigger(r *request, prepare func(*trigger) error) (object, error) {
	content, err := s.readView(r.name, "modal", []byte(r.args["view"]))
	if err != nil {
		return nil, err
	}
	if err := s.checkExternalID(content, ""); err != nil {
		return nil, err
	}
	tr, err := s.useTrigger(r)
	if err != nil {
		return nil, err
	}
	if err := prepare(tr); err != nil {
		return nil, err
	}
	v, err := s.pushView(tr.user, content)
	if err != nil {
		return nil, err
	}
	return object{"view": s.viewObject(v, object{})}, nil
}

// pushView puts a view on top of the user's stack.
func (s *Server) pushView(user string, content object) (*openView, error) {
	stack := s.stacks[user]
	if len(stack) >= maxViewStack {
		return nil, newAPIError("push_limit_reached")
	}
	v := &openView{id: s.nextID("V"), user: user, content: content}
	v.root = v.id
	if len(stack) > 0 {
		v.root, v.previous = stack[0], stack[len(stack)-1]
	}
	s.renewHash(v)
	s.views[v.id] = v
	s.stacks[user] = append(stack, v.id)
	s.notifyWaiters()
	return v, nil
}

// popView closes the view on top of the user's stack.
func (s *Server) popView(user string) {
	if stack := s.stacks[user]; len(stack) > 0 {
		delete(s.views, stack[len(stack)-1])
		s.stacks[user] = stack[:len(stack)-1]
	}
	s.notifyWaiters()
}

func (s *Server) closeAllViews(user string) {
	for len(s.stacks[user]) > 0 {
		s.popView(user)
	}
}

func (s *Server) renewHash(v *openView) {
	s.issued++
	v.hash = fmt.Sprintf("%d.%08x", s.options.Now().Unix(), s.issued)
	v.suggested = map[string][]object{}
}

func (s *Server) checkExternalID(content object, except string) error {
	id := stringField(content, "external_id")
	for _, v := range s.views {
		if id != "" && v.id != except && stringField(v.content, "external_id") == id {
			return newAPIError("duplicate_external_id")
		}
	}
	return nil
}

func (s *Server) viewsUpdate(r *request) (object, error) {
	v := s.viewToUpdate(r)
	if v == nil {
		return nil, newAPIError("not_found")
	}
	content, err := s.readView(r.name, stringField(v.content, "type"), []byte(r.args["view"]))
	if err != nil {
		return nil, err
	}
	if hash := r.args["hash"]; hash != "" && hash != v.hash {
		return nil, newAPIError("hash_conflict")
	}
	if err := s.checkExternalID(content, v.id); err != nil {
		return nil, err
	}
	v.content = content
	s.renewHash(v)
	return object{"view": s.viewObject(v, object{})}, nil
}

// viewToUpdate returns the view that an update names, or nil.
func (s *Server) viewToUpdate(r *request) *openView {
	if id := r.args["view_id"]; id != "" {
		return s.findView(id)
	}
	for _, v := range s.views {
		if id := r.args["external_id"]; id != "" && stringField(v.content, "external_id") == id {
			return v
		}
	}
	return nil
}

// findView returns an open modal or a home tab by its id, or nil.
func (s *Server) findView(id string) *openView {
	for _, v := range s.homes {
		if v.id == id {
			return v
		}
	}
	return s.views[id]
}

func (s *Server) viewsPublish(r *request) (object, error) {
	user := r.args["user_id"]
	if _, ok := s.users[user]; !ok {
		return nil, s.recordViolation(r.name, newAPIError("invalid_arguments", "[ERROR] unknown user [json-pointer:/user_id]"))
	}
	content, err := s.readView(r.name, "home", []byte(r.args["view"]))
	if err != nil {
		return nil, err
	}
	v := s.homes[user]
	if hash := r.args["hash"]; hash != "" && (v == nil || hash != v.hash) {
		return nil, newAPIError("hash_conflict")
	}
	if v == nil {
		v = &openView{id: s.nextID("V"), user: user}
		v.root = v.id
		s.homes[user] = v
	}
	v.content = content
	s.renewHash(v)
	return object{"view": s.viewObject(v, object{})}, nil
}
