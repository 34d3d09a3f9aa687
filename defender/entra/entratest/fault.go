package entratest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is an error to apply to the next matching requests. Without Status, Body, EmptyBody and Code the request gets its
// normal answer, if any: a Fault with only a Delay is a slow Entra ID.
type Fault struct {
	Path  string // a suffix of the path, such as "/keys"; "" means "/token"
	Times int    // how many requests it applies to; 0 means 1, -1 means all

	Status      int    // 0 means 200 with a Body, and 400 without
	RetryAfter  string // the header's value
	Location    string // the header's value, for a redirect
	Body        string // sent unchanged, instead of the error's JSON
	EmptyBody   bool   // send an empty body, instead of the error's JSON
	Cut         bool   // cut the connection after Body
	ContentType string // of Body; "" means application/json

	// The refusal to send if there is no Body.
	Code        int    // AADSTS code; 0 means 90033, a temporary fault
	Error       string // OAuth error word; "" means "invalid_grant", or "temporarily_unavailable" without a Code
	Description string // after the code; "" means words of the fake
	SubError    string // such as "basic_action"
	Claims      string // JSON that the next sign-in must satisfy

	Delay time.Duration // wait before answering
	Hang  bool          // never answer, until the caller or Close ends the request
	Drop  bool          // close the connection without an answer
}

// Fail queues a fault. If several match a request, the oldest applies.
func (s *Server) Fail(f Fault) {
	f.Times, f.Path = cmp.Or(f.Times, 1), cmp.Or(f.Path, "/token")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// FailNext queues one failure of the token endpoint. With body "" it is Entra ID's refusal for a temporary
// fault.
func (s *Server) FailNext(status int, retryAfter, body string) {
	s.Fail(Fault{Status: status, RetryAfter: retryAfter, Body: body})
}

// ClearFaults removes all queued and permanent faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault for a path, or one that only waits for the latency of the endpoint.
func (s *Server) takeFault(path string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f Fault
	if i := slices.IndexFunc(s.faults, func(f *Fault) bool { return strings.HasSuffix(path, f.Path) }); i >= 0 {
		f = *s.faults[i]
		if s.faults[i].Times--; s.faults[i].Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	if strings.HasSuffix(path, "/token") {
		f.Delay += s.options.Latency
	}
	return f
}

// applyFault applies f and reports whether it has answered the request.
func (s *Server) applyFault(w http.ResponseWriter, c *call, f Fault) bool {
	if !s.waitFault(c, f) || f.Drop {
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	switch {
	case f.Status == 0 && f.Body == "" && f.Code == 0 && !f.EmptyBody:
		return false
	case f.Body == "" && !f.EmptyBody:
		s.setHeaders(w, f)
		s.sendRefusal(w, c, f)
	default:
		s.setHeaders(w, f)
		s.sendBody(w, c, f)
	}
	return true
}

func (s *Server) setHeaders(w http.ResponseWriter, f Fault) {
	for name, value := range map[string]string{"Retry-After": f.RetryAfter, "Location": f.Location} {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
}

func (s *Server) sendBody(w http.ResponseWriter, c *call, f Fault) {
	status := cmp.Or(f.Status, http.StatusOK)
	s.recordAnswer(c, status)
	s.setDate(w)
	if !f.EmptyBody {
		w.Header().Set("Content-Type", cmp.Or(f.ContentType, "application/json; charset=utf-8"))
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(f.Body))
	if f.Cut {
		_ = http.NewResponseController(w).Flush() // a caller that went away needs no answer
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) sendRefusal(w http.ResponseWriter, c *call, f Fault) {
	description := cmp.Or(f.Description, "The request was refused.")
	r := newRefusal(cmp.Or(f.Status, http.StatusBadRequest), cmp.Or(f.Error, "invalid_grant"), f.Code, description)
	if f.Code == 0 {
		r.word, r.code = cmp.Or(f.Error, "temporarily_unavailable"), 90033
	}
	r.subError, r.claims, c.code = f.SubError, f.Claims, r.code
	s.mu.Lock()
	body := s.refusalBody(c, r)
	s.mu.Unlock()
	s.recordAnswer(c, r.status)
	s.writeAnswer(w, r.status, body)
}

// waitFault waits as f demands. It returns false if the request ends first.
func (s *Server) waitFault(c *call, f Fault) bool {
	if !f.Hang && f.Delay == 0 {
		return true
	}
	var over <-chan time.Time
	if !f.Hang {
		over = time.After(f.Delay)
	}
	select {
	case <-over:
		return true
	case <-c.Context().Done():
	case <-s.closed:
	}
	return false
}
