package defendertest

import (
	"net/http"
	"net/url"
	"slices"
)

// A Call is one request as it arrived, and the status it got.
type Call struct {
	Method string
	Path   string // decoded, as in [url.URL]
	Query  url.Values
	Header http.Header
	Body   []byte // as sent, credentials included; at most 1 MiB of it
	Status int    // 0 while unanswered, and for ever if the connection was cut
}

// Calls returns the requests so far in the order they arrived. Past 10,000 it may have forgotten the oldest.
func (s *Server) Calls() []Call { return s.copyCalls(&s.calls) }

// Writes returns those calls that changed something, or were accepted as changing something, in the order
// they took effect. A write whose answer was lost to a [Fault] with Apply is among them.
func (s *Server) Writes() []Call { return s.copyCalls(&s.writes) }

func (s *Server) copyCalls(list *[]*Call) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(*list))
	for i, c := range *list {
		calls[i] = *c
		calls[i].Query, calls[i].Header = url.Values(http.Header(c.Query).Clone()), c.Header.Clone()
		calls[i].Body = slices.Clone(c.Body)
	}
	return calls
}

func (s *Server) recordCall(r *http.Request, body []byte) *Call {
	c := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) >= 2*maxKeptCalls { // forget in bulk: dropping one at a time would copy the list each time
		s.calls = slices.Delete(s.calls, 0, maxKeptCalls)
	}
	s.calls = append(s.calls, c)
	return c
}

func (s *Server) setStatus(c *Call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Status = status
}
