package defendertest

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// response is a response before it is sent.
type response struct {
	status      int
	contentType string // "" if there is no body
	retryAfter  string
	body        []byte
}

// jsonResponse returns a response with o as its body.
func jsonResponse(status int, o orderedObject) (response, error) {
	body, err := appendJSON(nil, o)
	if err != nil {
		return response{}, err
	}
	return response{status: status, contentType: "application/json; odata.metadata=minimal", body: body}, nil
}

// writeResponse sends a. It records the status first, so that a test that has read the response finds it.
func (s *Server) writeResponse(w http.ResponseWriter, r *request, a response) {
	s.setStatus(r.call, a.status)
	a.writeHeader(w)
	_, _ = w.Write(a.body) // fails only if the caller disconnected
}

func (a response) writeHeader(w http.ResponseWriter) {
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("OData-Version", "4.0")
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
}

// apiError is an error in Defender's form: {"error":{"code","message","target"}}.
type apiError struct {
	status  int
	code    string
	message string
}

func (r *apiError) Error() string { return r.code + ": " + r.message }

// throttledError is a 429 with a Retry-After of wait.
type throttledError struct{ wait time.Duration }

func (t *throttledError) Error() string { return "TooManyRequests" }

// errorResponse returns the response for err; see errorResponseLocked.
func (s *Server) errorResponse(err error) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errorResponseLocked(err)
}

// errorResponseLocked returns the response for err, which is a 500 unless err is an *apiError or a *throttledError. The
// caller holds the lock.
func (s *Server) errorResponseLocked(err error) response {
	if t := (*throttledError)(nil); errors.As(err, &t) {
		a := s.apiErrorResponse(apiError{http.StatusTooManyRequests, "TooManyRequests", "Quota limit reached."})
		// Rounded up, or a retry within the last second would be refused again.
		a.retryAfter = strconv.Itoa(int((t.wait + time.Second - 1) / time.Second))
		return a
	}
	if r := (*apiError)(nil); errors.As(err, &r) {
		return s.apiErrorResponse(*r)
	}
	return s.apiErrorResponse(apiError{http.StatusInternalServerError, "InternalServerError", ""})
}

// apiErrorResponse returns the response for r, with the correlation id that Microsoft asks callers to quote.
func (s *Server) apiErrorResponse(r apiError) response {
	inner := orderedObject{{"code", r.code}, {"message", r.message}, {"target", s.newID()}}
	a, _ := jsonResponse(r.status, orderedObject{{"error", inner}}) // three strings always marshal
	return a
}
