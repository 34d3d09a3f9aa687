package entratest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Fault is trouble for the next requests it meets. With none of Status, Body and Code the request gets its
// genuine answer, if it gets one: a Fault of Delay alone is a slow Entra ID.
type Fault struct {
	Path  string // a suffix, such as "/keys"; "" is "/token"
	Times int    // how many requests it meets: 0 is 1, -1 for ever

	Status      int    // 0 is 200 with a Body, else 400
	RetryAfter  string // the header, as it is
	Body        string // sent as it is, in place of the error's JSON
	ContentType string // of Body; "" is application/json

	// The refusal, when there is no Body.
	Code     int    // AADSTS; 0 is 90033, a passing fault
	Error    string // OAuth's word; "" is "invalid_grant", or "temporarily_unavailable" without a Code
	SubError string // such as "basic_action"
	Claims   string // JSON that the next sign-in has to bring

	Delay time.Duration // wait before answering
	Hang  bool          // never answer, until the caller or Close ends it
	Drop  bool          // cut the connection without an answer
}

// Fail orders a fault. Of several that match a request, the oldest strikes.
func (s *Server) Fail(f Fault) {
	f.Times, f.Path = cmp.Or(f.Times, 1), cmp.Or(f.Path, "/token")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// FailNext orders one failure of the token endpoint. With body "" Entra ID says that it has a passing fault.
func (s *Server) FailNext(status int, retryAfter, body string) {
	s.Fail(Fault{Status: status, RetryAfter: retryAfter, Body: body})
}

// ClearFaults calls off the faults that have not struck, or go on for ever.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault for a path, or nil.
func (s *Server) takeFault(path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return strings.HasSuffix(path, f.Path) })
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.Times > 0 {
		f.Times--
	}
	if f.Times == 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f
}

// applyFault lets f strike, and reports whether that was the answer.
func (s *Server) applyFault(w http.ResponseWriter, c *call, f Fault) bool {
	if !s.waitFault(c, f) || f.Drop {
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	if f.Status == 0 && f.Body == "" && f.Code == 0 {
		return false
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Body == "" {
		s.sendRefusal(w, c, f)
		return true
	}
	status := cmp.Or(f.Status, http.StatusOK)
	s.recordAnswer(c, status)
	s.setDate(w)
	w.Header().Set("Content-Type", cmp.Or(f.ContentType, "application/json; charset=utf-8"))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(f.Body))
	return true
}

func (s *Server) sendRefusal(w http.ResponseWriter, c *call, f Fault) {
	r := newRefusal(cmp.Or(f.Status, http.StatusBadRequest), cmp.Or(f.Error, "invalid_grant"), f.Code, "The request was refused.")
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

// waitFault returns false if the request is over before the fault lets it go on.
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
