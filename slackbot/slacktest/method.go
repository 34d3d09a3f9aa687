package slacktest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// A method is one of the Web API.
type method struct {
	scope   string // "" needs none
	json    bool   // takes its arguments as JSON too
	byApp   bool   // wants the app-level token
	perform func(*request) (object, error)
}

func (s *Server) table() map[string]method {
	return map[string]method{
		"api.test":              {perform: func(*request) (object, error) { return object{}, nil }, json: true},
		"apps.connections.open": {perform: s.openConnection, byApp: true},
		"auth.test":             {perform: s.authTest, json: true},
		"chat.delete":           {perform: s.deleteMessage, scope: "chat:write", json: true},
		"chat.getPermalink":     {perform: s.permalink},
		"chat.postEphemeral":    {perform: s.postEphemeral, scope: "chat:write", json: true},
		"chat.postMessage":      {perform: s.postMessage, scope: "chat:write", json: true},
		"chat.update":           {perform: s.updateMessage, scope: "chat:write", json: true},
		"conversations.info":    {perform: s.channelInfo, scope: "channels:read"},
		"conversations.members": {perform: s.channelMembers, scope: "channels:read"},
		"conversations.open":    {perform: s.openDM, scope: "im:write", json: true},
		"team.info":             {perform: s.teamInfo, scope: "team:read"},
		"usergroups.list":       {perform: s.listGroups, scope: "usergroups:read"},
		"usergroups.users.list": {perform: s.groupMembers, scope: "usergroups:read"},
		"users.info":            {perform: s.userInfo, scope: "users:read"},
		"users.list":            {perform: s.listUsers, scope: "users:read"},
		"users.lookupByEmail":   {perform: s.userByEmail, scope: "users:read.email"},
		"views.open":            {perform: s.viewsOpen, json: true},
		"views.publish":         {perform: s.viewsPublish, json: true},
		"views.push":            {perform: s.viewsPush, json: true},
		"views.update":          {perform: s.viewsUpdate, json: true},
	}
}

// A refusal is an answer with ok:false.
type refusal struct {
	code   string
	detail []string // into response_metadata.messages
	more   object
}

func (r *refusal) Error() string { return strings.Join(append([]string{r.code}, r.detail...), ": ") }

func refuse(code string, detail ...string) error { return &refusal{code: code, detail: detail} }

func (r *refusal) object() object {
	o := object{"ok": false, "error": r.code}
	if len(r.detail) > 0 {
		o["response_metadata"] = object{"messages": r.detail}
		o["errors"] = r.detail
	}
	for name, v := range r.more {
		o[name] = v
	}
	return o
}

func (s *Server) serveMethod(w http.ResponseWriter, hr *http.Request) {
	r, err := s.read(hr, hr.PathValue("method"))
	if err != nil {
		writeJSON(w, http.StatusOK, (&refusal{code: "invalid_form_data", detail: []string{err.Error()}}).object())
		return
	}
	if len(s.options.Scopes) > 0 {
		// As Slack does on every answer of the Web API (docs.slack.dev, "Permission scopes").
		w.Header().Set("X-OAuth-Scopes", strings.Join(s.options.Scopes, ","))
	}
	perform := func() reply { return s.call(r) }
	s.answer(w, r, perform)
}

// call does what a call asks for.
func (s *Server) call(r *request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.dispatch(r)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return reply{status: http.StatusOK, code: refused.code, body: refused.object()}
	}
	o["ok"] = true
	s.touch()
	return reply{status: http.StatusOK, body: o}
}

func (s *Server) dispatch(r *request) (object, error) {
	m, ok := s.methods[r.name]
	if !ok {
		return nil, &refusal{code: "unknown_method", more: object{"req_method": r.name}}
	}
	if err := s.authenticate(r, m); err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && !m.json {
		clear(r.args) // such a method looks at forms and queries only
	}
	return m.perform(r)
}

func (s *Server) authenticate(r *request, m method) error {
	right, wrong := s.options.BotToken, s.options.AppToken
	if m.byApp {
		right, wrong = wrong, right
	}
	switch {
	case r.token == "":
		return refuse("not_authed")
	case wrong != "" && same(r.token, wrong):
		return refuse("not_allowed_token_type")
	case right == "" || !same(r.token, right):
		return refuse("invalid_auth")
	case m.scope != "" && !m.byApp && !s.may(m.scope):
		return &refusal{code: "missing_scope", more: object{"needed": m.scope, "provided": strings.Join(s.options.Scopes, ",")}}
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// may reports whether the bot token has the scope.
func (s *Server) may(scope string) bool {
	return s.options.Scopes == nil || slices.Contains(s.options.Scopes, scope)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that went away is not the workspace's concern
}
