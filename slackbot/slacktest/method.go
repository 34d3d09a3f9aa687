package slacktest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// An apiMethod describes a method of the Web API.
type apiMethod struct {
	scope string // "" means none
	json  bool   // also accepts arguments as JSON
	byApp bool   // requires the app-level token
	run   func(*request) (object, error)
}

func (s *Server) methodTable() map[string]apiMethod {
	return map[string]apiMethod{
		"api.test":              {run: func(*request) (object, error) { return object{}, nil }, json: true},
		"apps.connections.open": {run: s.openConnection, byApp: true},
		"auth.test":             {run: s.authTest, json: true},
		"chat.delete":           {run: s.deleteMessage, scope: "chat:write", json: true},
		"chat.getPermalink":     {run: s.getPermalink},
		"chat.postEphemeral":    {run: s.postEphemeral, scope: "chat:write", json: true},
		"chat.postMessage":      {run: s.postMessage, scope: "chat:write", json: true},
		"chat.update":           {run: s.updateMessage, scope: "chat:write", json: true},
		"conversations.info":    {run: s.channelInfo, scope: "channels:read"},
		"conversations.members": {run: s.channelMembers, scope: "channels:read"},
		"conversations.open":    {run: s.openDM, scope: "im:write", json: true},
		"team.info":             {run: s.teamInfo, scope: "team:read"},
		"usergroups.list":       {run: s.listGroups, scope: "usergroups:read"},
		"usergroups.users.list": {run: s.groupMembers, scope: "usergroups:read"},
		"users.info":            {run: s.userInfo, scope: "users:read"},
		"users.list":            {run: s.listUsers, scope: "users:read"},
		"users.lookupByEmail":   {run: s.userByEmail, scope: "users:read.email"},
		"views.open":            {run: s.viewsOpen, json: true},
		"views.publish":         {run: s.viewsPublish, json: true},
		"views.push":            {run: s.viewsPush, json: true},
		"views.update":          {run: s.viewsUpdate, json: true},
	}
}

// An apiError is an answer with ok:false.
type apiError struct {
	code   string
	detail []string // response_metadata.messages
	more   object
}

func (r *apiError) Error() string { return strings.Join(append([]string{r.code}, r.detail...), ": ") }

func newAPIError(code string, detail ...string) error { return &apiError{code: code, detail: detail} }

func (r *apiError) toJSON() object {
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
	r, err := s.readRequest(hr, hr.PathValue("method"))
	if err != nil {
		writeJSON(w, http.StatusOK, (&apiError{code: "invalid_form_data", detail: []string{err.Error()}}).toJSON())
		return
	}
	if len(s.options.Scopes) > 0 {
		// Slack sets it on every answer of the Web API (docs.slack.dev, "Permission scopes").
		w.Header().Set("X-OAuth-Scopes", strings.Join(s.options.Scopes, ","))
	}
	perform := func() reply { return s.callMethod(r) }
	s.answerCall(w, r, perform)
}

// callMethod runs a call and returns its reply.
func (s *Server) callMethod(r *request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.dispatch(r)
	if refused := (*apiError)(nil); errors.As(err, &refused) {
		return reply{status: http.StatusOK, code: refused.code, body: refused.toJSON()}
	}
	o["ok"] = true
	s.notifyWaiters()
	return reply{status: http.StatusOK, body: o}
}

func (s *Server) dispatch(r *request) (object, error) {
	m, ok := s.methods[r.name]
	if !ok {
		return nil, &apiError{code: "unknown_method", more: object{"req_method": r.name}}
	}
	if err := s.authenticate(r, m); err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && !m.json {
		clear(r.args) // such a method reads only forms and queries
	}
	return m.run(r)
}

func (s *Server) authenticate(r *request, m apiMethod) error {
	right, wrong := s.options.BotToken, s.options.AppToken
	if m.byApp {
		right, wrong = wrong, right
	}
	switch {
	case r.token == "":
		return newAPIError("not_authed")
	case wrong != "" && equalTokens(r.token, wrong):
		return newAPIError("not_allowed_token_type")
	case right == "" || !equalTokens(r.token, right):
		return newAPIError("invalid_auth")
	case m.scope != "" && !m.byApp && !s.hasScope(m.scope):
		return &apiError{code: "missing_scope", more: object{"needed": m.scope, "provided": strings.Join(s.options.Scopes, ",")}}
	}
	return nil
}

func equalTokens(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// hasScope reports whether the bot token has the scope.
func (s *Server) hasScope(scope string) bool {
	return s.options.Scopes == nil || slices.Contains(s.options.Scopes, scope)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the caller has disconnected
}
