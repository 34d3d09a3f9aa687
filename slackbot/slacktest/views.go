package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
)

const (
	maxViewBlocks = 100
	maxStack      = 3
	maxView       = 250_000 // bytes
)

// An openView is a modal that is open, or a home tab.
type openView struct {
	id, user, root, previous, hash string
	content                        object // as the app sent it, ids filled in
	suggested                      map[string][]object
}

var modalShape = shape{[]string{"title", "blocks"}, map[string]rule{
	"title": plain(24), "submit": plain(24), "close": plain(24), "blocks": viewBlocks,
	"private_metadata": str(0, 3000), "callback_id": str(0, 255), "external_id": str(0, 255),
	"clear_on_close": boolean, "notify_on_close": boolean, "submit_disabled": boolean,
}}

var homeShape = shape{[]string{"blocks"}, map[string]rule{
	"blocks": viewBlocks, "private_metadata": str(0, 3000), "callback_id": str(0, 255), "external_id": str(0, 255),
}}

func viewBlocks(c *checker, at string, v any) { c.allBlocks(at, v, maxViewBlocks) }

// readView checks a view that an app sent. where names the call in Violations.
func (s *Server) readView(where, kind string, raw []byte) (object, error) {
	var v object
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		return nil, s.broken(where, refuse("invalid_arguments", "[ERROR] must be a view [json-pointer:/view]"))
	}
	if len(raw) > maxView {
		return nil, s.broken(where, refuse("view_too_large"))
	}
	c := &checker{surface: kind}
	if v["type"] != kind {
		c.add("/view/type", "must be %q", kind)
	}
	if kind == "modal" {
		modalShape.check(c, "/view", v)
		if _, ok := v["submit"]; !ok && hasInput(v["blocks"]) {
			c.add("/view", "`submit` is required when an `input` is within blocks")
		}
	} else {
		homeShape.check(c, "/view", v)
	}
	if len(c.wrong) > 0 {
		return nil, s.broken(where, refuse("invalid_arguments", c.wrong...))
	}
	label(v["blocks"].([]any)) // it is one: its rule says so
	return v, nil
}

func (s *Server) viewsOpen(r *request) (object, error) {
	return s.openOver(r, func(tr *trigger) error {
		if tr.root == "" { // from outside: a new stack takes the place of an old one
			s.forget(tr.user)
		}
		return nil
	})
}

func (s *Server) viewsPush(r *request) (object, error) {
	return s.openOver(r, func(tr *trigger) error {
		if tr.root == "" || !slices.Contains(s.stacks[tr.user], tr.root) {
			return refuse("not_found")
		}
		return nil
	})
}

func (s *Server) openOver(r *request, prepare func(*trigger) error) (object, error) {
	content, err := s.readView(r.name, "modal", []byte(r.args["view"]))
	if err != nil {
		return nil, err
	}
	if err := s.freeExternalID(content, ""); err != nil {
		return nil, err
	}
	tr, err := s.spend(r)
	if err != nil {
		return nil, err
	}
	if err := prepare(tr); err != nil {
		return nil, err
	}
	v, err := s.push(tr.user, content)
	if err != nil {
		return nil, err
	}
	return object{"view": s.viewObject(v, object{})}, nil
}

// push puts a view on top of the user's stack.
func (s *Server) push(user string, content object) (*openView, error) {
	stack := s.stacks[user]
	if len(stack) >= maxStack {
		return nil, refuse("push_limit_reached")
	}
	v := &openView{id: s.id("V"), user: user, content: content}
	v.root = v.id
	if len(stack) > 0 {
		v.root, v.previous = stack[0], stack[len(stack)-1]
	}
	s.rehash(v)
	s.views[v.id] = v
	s.stacks[user] = append(stack, v.id)
	s.touch()
	return v, nil
}

// pop closes the view on top; forget closes them all.
func (s *Server) pop(user string) {
	if stack := s.stacks[user]; len(stack) > 0 {
		delete(s.views, stack[len(stack)-1])
		s.stacks[user] = stack[:len(stack)-1]
	}
	s.touch()
}

func (s *Server) forget(user string) {
	for len(s.stacks[user]) > 0 {
		s.pop(user)
	}
}

func (s *Server) rehash(v *openView) {
	s.issued++
	v.hash = fmt.Sprintf("%d.%08x", s.options.Now().Unix(), s.issued)
	v.suggested = map[string][]object{}
}

func (s *Server) freeExternalID(content object, except string) error {
	id := word(content, "external_id")
	for _, v := range s.views {
		if id != "" && v.id != except && word(v.content, "external_id") == id {
			return refuse("duplicate_external_id")
		}
	}
	return nil
}

func (s *Server) viewsUpdate(r *request) (object, error) {
	v := s.wanted(r)
	if v == nil {
		return nil, refuse("not_found")
	}
	content, err := s.readView(r.name, word(v.content, "type"), []byte(r.args["view"]))
	if err != nil {
		return nil, err
	}
	if hash := r.args["hash"]; hash != "" && hash != v.hash {
		return nil, refuse("hash_conflict")
	}
	if err := s.freeExternalID(content, v.id); err != nil {
		return nil, err
	}
	v.content = content
	s.rehash(v)
	return object{"view": s.viewObject(v, object{})}, nil
}

// wanted is the view that an update means.
func (s *Server) wanted(r *request) *openView {
	if id := r.args["view_id"]; id != "" {
		return s.view(id)
	}
	for _, v := range s.views {
		if id := r.args["external_id"]; id != "" && word(v.content, "external_id") == id {
			return v
		}
	}
	return nil
}

// view is an open modal or a home tab by its id, or nil.
func (s *Server) view(id string) *openView {
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
		return nil, s.broken(r.name, refuse("invalid_arguments", "[ERROR] unknown user [json-pointer:/user_id]"))
	}
	content, err := s.readView(r.name, "home", []byte(r.args["view"]))
	if err != nil {
		return nil, err
	}
	v := s.homes[user]
	if hash := r.args["hash"]; hash != "" && (v == nil || hash != v.hash) {
		return nil, refuse("hash_conflict")
	}
	if v == nil {
		v = &openView{id: s.id("V"), user: user}
		v.root = v.id
		s.homes[user] = v
	}
	v.content = content
	s.rehash(v)
	return object{"view": s.viewObject(v, object{})}, nil
}
