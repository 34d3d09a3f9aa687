package defendertest

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault changes how the next requests that it matches are handled. With none of Status, Body, Echo and Claims set, the
// response is the genuine one, if there is a response. A Fault with Delay alone is a slow service; one with Apply and
// Drop is a write that took effect and got no response.
type Fault struct {
	Method string `json:"method"` // "" matches any
	Path   string `json:"path"`   // a suffix, such as "BatchDelete"; "" matches any
	Times  int    `json:"times"`  // how many requests it affects: 0 means 1, -1 means all

	Status      int               `json:"status"`      // 0 means 200 with a Body, 401 with Claims, 400 with Echo
	Code        string            `json:"code"`        // of the error; "" means the usual one for the Status
	Message     string            `json:"message"`     // of the error
	RetryAfter  string            `json:"retryAfter"`  // value of the header
	Header      map[string]string `json:"header"`      // more headers
	Body        string            `json:"body"`        // sent unchanged, instead of the error's JSON
	ContentType string            `json:"contentType"` // of Body; "" means application/json
	Echo        bool              `json:"echo"`        // the error's message repeats the request's body
	Claims      string            `json:"claims"`      // JSON of a claims challenge that a new token must answer

	Apply    bool          `json:"apply"`    // first apply the request to the tenant
	Hang     bool          `json:"hang"`     // then never respond, until the caller, Release or Close ends it
	Delay    time.Duration `json:"-"`        // wait before responding
	Drop     bool          `json:"drop"`     // cut the connection without a response
	SlowBody bool          `json:"slowBody"` // send the body byte by byte, Delay (0 means 1ms) apart
}

// Fail adds a fault. Of several that match a request, the oldest applies. The token of the request is not checked and the
// limits do not count it, unless the fault lets it reach the tenant.
func (s *Server) Fail(f Fault) {
	f.Times = cmp.Or(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all remaining faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the fault that applies to r, or nil, and counts its use.
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

// applyFault handles r as f prescribes.
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
		// This is the form of a challenge by continuous access evaluation.
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

// waitFor reports whether the signal came before the end of the request. The caller, Release or Close end a request; a
// nil signal never comes.
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

// isScripted reports whether f prescribes the response.
func (f Fault) isScripted() bool { return f.Status != 0 || f.Body != "" || f.Echo || f.Claims != "" }

// scriptedResponse returns the response that f prescribes to a request with this body.
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
	if r.status < 300 || r.status == http.StatusNotModified { // a response without a body, such as 204
		a.body, a.contentType = nil, ""
	}
	return a
}

// defaultError returns the error that the common-errors page has for a status.
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

// writeSlowly sends a byte by byte, with a pause before each.
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
		_ = flusher.Flush() // a recorder in a test need not support it
	}
}
