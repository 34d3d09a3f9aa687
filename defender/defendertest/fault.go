package defendertest

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Fault is trouble for the next requests it matches. With none of Status, Body, Echo and Claims the request gets
// its genuine answer, if it gets one: a Fault of Delay alone is a slow service, of Apply and Drop a write that
// took effect and never said so.
type Fault struct {
	Method string `json:"method"` // "" matches any
	Path   string `json:"path"`   // a suffix, such as "BatchDelete"; "" matches any
	Times  int    `json:"times"`  // how many requests it meets: 0 is 1, -1 for ever

	Status      int               `json:"status"`      // 0 is 200 with a Body, 401 with Claims, 400 with Echo
	Code        string            `json:"code"`        // of the error; "" is the usual one for the Status
	Message     string            `json:"message"`     // of the error
	RetryAfter  string            `json:"retryAfter"`  // the header, as it is
	Header      map[string]string `json:"header"`      // more headers
	Body        string            `json:"body"`        // sent as it is, in place of the error's JSON
	ContentType string            `json:"contentType"` // of Body; "" is application/json
	Echo        bool              `json:"echo"`        // the error's message repeats the request's body
	Claims      string            `json:"claims"`      // JSON that a new token has to answer: a claims challenge

	Apply    bool          `json:"apply"`    // first do what the request asks for
	Hang     bool          `json:"hang"`     // then never answer, until the caller, Release or Close ends it
	Delay    time.Duration `json:"-"`        // wait before answering
	Drop     bool          `json:"drop"`     // cut the connection without an answer
	SlowBody bool          `json:"slowBody"` // send the body byte by byte, Delay (0 is 1ms) apart
}

// Fail orders a fault. Of several that match a request, the oldest strikes. A request it strikes is not
// checked for its token, nor counted by the limits, unless the fault lets it through to the tenant.
func (s *Server) Fail(f Fault) {
	f.Times = cmp.Or(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults calls off the faults that have not struck, or go on for ever.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault for r, or nil.
func (s *Server) takeFault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.HasSuffix(r.URL.Path, f.Path) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// applyFault lets f strike r.
func (s *Server) applyFault(w http.ResponseWriter, r *request, f Fault) {
	var a response
	if f.Apply {
		a = s.handleRequest(r)
	}
	if f.Hang {
		s.waitFor(r, nil)
		panic(http.ErrAbortHandler)
	}
	if f.Delay > 0 && !f.SlowBody && !s.waitFor(r, time.After(f.Delay)) {
		panic(http.ErrAbortHandler)
	}
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	switch {
	case f.isScripted():
		a = s.scriptedResponse(f, r.body)
	case !f.Apply:
		a = s.handleRequest(r)
	}
	if f.Claims != "" {
		// In this form continuous access evaluation asks for a token that answers to what has happened meanwhile.
		w.Header().Set("WWW-Authenticate", `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", `+
			`error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(f.Claims))+`"`)
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.SlowBody {
		s.writeSlowly(w, r, a, cmp.Or(f.Delay, time.Millisecond))
		return
	}
	s.writeResponse(w, r, a)
}

// waitFor returns true after a signal, and false if the request is over before: its caller gone, or the
// simulator letting go.
func (s *Server) waitFor(r *request, signal <-chan time.Time) bool {
	s.mu.Lock()
	release := s.release
	s.mu.Unlock()
	select {
	case <-signal:
		return true
	case <-r.Context().Done():
	case <-release:
	case <-s.closed:
	}
	return false
}

func (f Fault) isScripted() bool { return f.Status != 0 || f.Body != "" || f.Echo || f.Claims != "" }

// scriptedResponse is the answer that f prescribes to a request with this body.
func (s *Server) scriptedResponse(f Fault, body []byte) response {
	if f.Body != "" {
		return response{cmp.Or(f.Status, http.StatusOK), cmp.Or(f.ContentType, "application/json"), f.RetryAfter, []byte(f.Body)}
	}
	status := http.StatusBadRequest
	if f.Claims != "" {
		status = http.StatusUnauthorized
	}
	r := defaultError(cmp.Or(f.Status, status))
	r.code, r.message = cmp.Or(f.Code, r.code), cmp.Or(f.Message, r.message)
	if f.Echo {
		r.message += " " + string(body)
	}
	a := s.errorResponse(&r)
	a.retryAfter = f.RetryAfter
	if r.status < 300 || r.status == http.StatusNotModified { // an answer without a body, such as 204
		a.body, a.contentType = nil, ""
	}
	return a
}

// defaultError is the error that the common-errors page has for a status.
func defaultError(status int) apiError {
	switch status {
	case http.StatusUnauthorized:
		return apiError{status, "Unauthorized", "Unauthorized (invalid or expired authorization header)."}
	case http.StatusForbidden:
		return apiError{status, "Forbidden", "Forbidden."}
	case http.StatusNotFound:
		return apiError{status, "ResourceNotFound", "Resource was not found."}
	case http.StatusTooManyRequests:
		return apiError{status, "TooManyRequests", "Quota limit reached."}
	case http.StatusInternalServerError:
		return apiError{status, "InternalServerError", ""} // documented as empty
	}
	return apiError{status, strings.ReplaceAll(http.StatusText(status), " ", ""), http.StatusText(status) + "."}
}

// writeSlowly sends a one byte at a time.
func (s *Server) writeSlowly(w http.ResponseWriter, r *request, a response, pause time.Duration) {
	s.setStatus(r.call, a.status)
	a.writeHeader(w)
	flusher := http.NewResponseController(w)
	for i := range a.body {
		if !s.waitFor(r, time.After(pause)) {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(a.body[i : i+1]); err != nil {
			return
		}
		_ = flusher.Flush() // a recorder in a test need not flush
	}
}
