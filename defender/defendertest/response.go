package defendertest

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// An answer is a response before it is sent.
type answer struct {
	status      int
	contentType string // "" when there is no body
	retryAfter  string
	body        []byte
}

func jsonAnswer(status int, o ordered) (answer, error) {
	body, err := appendJSON(nil, o)
	if err != nil {
		return answer{}, err
	}
	return answer{status: status, contentType: "application/json; odata.metadata=minimal", body: body}, nil
}

// send writes a to the caller. It records the status first, so that a test that has read the answer finds it.
func (s *Server) send(w http.ResponseWriter, r *request, a answer) {
	s.setStatus(r.call, a.status)
	a.writeHeader(w)
	_, _ = w.Write(a.body) // a caller that went away is not the simulator's concern
}

func (a answer) writeHeader(w http.ResponseWriter) {
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("OData-Version", "4.0")
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
}

// A refusal is an answer in Defender's error form: {"error":{"code","message","target"}}.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// throttled is a refusal that says when to come back.
type throttled struct{ wait time.Duration }

func (t *throttled) Error() string { return "TooManyRequests" }

func (s *Server) refuse(err error) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusedLocked(err)
}

func (s *Server) refusedLocked(err error) answer {
	if t := (*throttled)(nil); errors.As(err, &t) {
		a := s.errorAnswer(refusal{http.StatusTooManyRequests, "TooManyRequests", "Quota limit reached."})
		// Rounded up: who comes back within the second is refused again.
		a.retryAfter = strconv.Itoa(int((t.wait + time.Second - 1) / time.Second))
		return a
	}
	if r := (*refusal)(nil); errors.As(err, &r) {
		return s.errorAnswer(*r)
	}
	return s.errorAnswer(refusal{http.StatusInternalServerError, "InternalServerError", ""})
}

// errorAnswer adds the correlation id that Microsoft asks callers to quote.
func (s *Server) errorAnswer(r refusal) answer {
	inner := ordered{{"code", r.code}, {"message", r.message}, {"target", s.newID()}}
	a, _ := jsonAnswer(r.status, ordered{{"error", inner}}) // three strings always marshal
	return a
}
