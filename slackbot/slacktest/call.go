package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A Call records one call of the Web API, or one post to a response URL.
type Call struct {
	Method string            // such as "chat.postMessage", or "response_url"
	Args   map[string]string // structured values as JSON; without the token
	Status int               // HTTP status; 0 while unanswered, and permanently if the connection was cut
	Error  string            // Slack's error code; "" if there was none
}

// Calls returns all calls so far in the order of their arrival.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
		calls[i].Args = maps.Clone(c.Args)
	}
	return calls
}

// A request is a Call that is being served.
type request struct {
	*http.Request
	name  string
	token string
	args  map[string]string
	call  *Call
}

// arg returns the value of an argument, and false if it is missing or JSON null.
func (r *request) arg(name string) (string, bool) {
	v, ok := r.args[name]
	return v, ok && v != "null"
}

// readRequest reads the arguments and the token of hr in all forms that Slack accepts, and records the call.
func (s *Server) readRequest(hr *http.Request, name string) (*request, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, hr.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	r := &request{Request: hr, name: name, args: map[string]string{}}
	r.token, _ = strings.CutPrefix(hr.Header.Get("Authorization"), "Bearer ")
	if err := r.parseBody(body); err != nil {
		return nil, err
	}
	r.call = &Call{Method: name, Args: r.args}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.call)
	s.notifyWaiters()
	return r, nil
}

func (r *request) parseBody(body []byte) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return r.parseJSON(body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return fmt.Errorf("parse the form: %w", err)
	}
	if token := form.Get("token"); r.token == "" {
		r.token = token
	}
	form.Del("token")
	query := r.URL.Query()
	query.Del("token") // Slack has not accepted it there since 2021
	for _, values := range []url.Values{query, form} {
		for name := range values {
			r.args[name] = values.Get(name)
		}
	}
	return nil
}

// parseJSON reads arguments from a JSON object. It ignores a token in the body: with JSON, Slack accepts it only in
// the header. An empty body means no arguments.
func (r *request) parseJSON(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var args map[string]json.RawMessage
	if err := json.Unmarshal(body, &args); err != nil {
		return fmt.Errorf("parse JSON: %w", err)
	}
	delete(args, "token")
	for name, raw := range args {
		var text string
		if json.Unmarshal(raw, &text) != nil || string(raw) == "null" {
			text = string(raw)
		}
		r.args[name] = text
	}
	return nil
}

// recordResult records the status and the error code with which a call was answered.
func (s *Server) recordResult(c *Call, status int, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Status, c.Error = status, code
	s.notifyWaiters()
}

// splitList returns the values of a comma-separated argument.
func splitList(arg string) []string {
	return slices.DeleteFunc(strings.Split(arg, ","), func(s string) bool { return s == "" })
}
