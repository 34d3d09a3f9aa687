package defendertest

import (
	"net/http"
	"net/url"
	"slices"
)

// Call is one request as it arrived, and the status of its response.
type Call struct {
	Method string
	Path   string // decoded, as in [url.URL]
	Query  url.Values
	Header http.Header
	Body   []byte // as sent, credentials included; at most 1 MiB of it
	Status int    // 0 until the response is sent; stays 0 if the connection was cut
}

// Calls returns the requests so far, in the order in which they arrived. Beyond 10,000 the oldest may be missing.
func (s *Server) Calls() []Call { return s.copyCalls(&s.calls) }

// Writes returns the calls that changed the tenant, or were accepted as changes, in the order in which they took effect.
// They include a write with a response that was lost to a [Fault] with Apply.
func (s *Server) Writes() []Call { return s.copyCalls(&s.writes) }

// copyCalls returns a deep copy of list, one of the server's own lists.
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

// recordCall appends a request to the calls and returns its Call.
func (s *Server) recordCall(r *http.Request, body []byte) *Call {
	c := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) >= 2*maxKeptCalls { // delete in bulk: deleting one at a time would copy the list each time
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
