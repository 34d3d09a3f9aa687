package entratest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is one request and its outcome. It contains no secret, code or token, so a test may print it.
type Request struct {
	Time         time.Time // of arrival, by the test's clock
	Method, Path string
	Host         string // as the caller spells it
	Grant        string // grant_type; "" outside the token endpoint
	Client       string // client_id
	Proof        string // how the client authenticated: "secret", "assertion" or ""
	Scope        string // as requested
	Claims       string // the claims parameter
	User         string // object id of the user that a token was issued for
	Status       int    // 0 before the answer, and always if the connection was cut
	Code         int    // AADSTS code of the refusal; 0 without one, and for a [Fault] with a Body
}

// Requests returns the requests so far, of all endpoints, in the order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, len(s.requests))
	for i, r := range s.requests {
		list[i] = *r
	}
	return list
}

// Tokens returns the requests of the token endpoint so far.
func (s *Server) Tokens() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return !strings.HasSuffix(r.Path, "/token") })
}

// Count returns how many requests so far had a path with this suffix, such as "/token", "/keys",
// "/openid-configuration" or "/authorize".
func (s *Server) Count(suffix string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

// KeyFetches returns how often the keys were fetched.
func (s *Server) KeyFetches() int { return s.Count("/discovery/v2.0/keys") }

// TokenForms returns the forms that the token endpoint has received so far, with their secrets.
func (s *Server) TokenForms() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.forms)
}

// recordRequest records the arrival of c, and numbers it if it is a token request.
func (s *Server) recordRequest(c *call) {
	r := &Request{
		Time: time.Now(), Method: c.Method, Path: c.URL.Path, Host: c.Host, Grant: c.form.Get("grant_type"), Client: c.form.Get("client_id"),
		Scope: c.form.Get("scope"), Claims: c.form.Get("claims"),
	}
	switch {
	case c.Method != http.MethodPost:
	case c.form.Has("client_secret"):
		r.Proof = "secret"
	case c.form.Has("client_assertion"):
		r.Proof = "assertion"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record, s.requests = r, append(s.requests, r)
	if strings.HasSuffix(r.Path, "/token") {
		s.forms = append(s.forms, c.form)
		c.number = len(s.forms)
	}
}

func (s *Server) recordAnswer(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record.Status, c.record.Code = status, c.code
}
