package slacktest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Fault makes the next calls of a method fail. The zero value lets the call through.
type Fault struct {
	Times      int           // number of calls it affects: 0 means 1, -1 means all
	Status     int           // answers with this HTTP status; 0 with RetryAfter is 429
	RetryAfter int           // the header Retry-After, in seconds
	Error      string        // answers 200 with ok:false and this code, such as "ratelimited"
	Delay      time.Duration // waits before answering
	Drop       bool          // cuts the connection without an answer
	Hang       bool          // never answers; ends with the caller, ClearFaults or the test
	AfterApply bool          // applies the call before failing
}

// A queuedFault is a Fault that waits for calls of its method.
type queuedFault struct {
	Fault
	method string
}

// Fail queues a fault for a method such as "chat.postMessage", for posts to response URLs ("response_url"), or for
// all calls (""). If several match a call, the oldest one applies.
func (s *Server) Fail(method string, f Fault) {
	f.Times = cmp.Or(f.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &queuedFault{f, method})
}

// takeFault returns the fault for the next call of method, and the channel that releases hung calls. The zero Fault
// means none.
func (s *Server) takeFault(method string) (Fault, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.faults {
		if o.method != "" && o.method != method {
			continue
		}
		if o.Times > 0 {
			o.Times--
		}
		if o.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return o.Fault, s.release
	}
	return Fault{}, s.release
}

// A reply is an answer to a call before it is written.
type reply struct {
	status int
	code   string // error code; "" for none
	body   any    // a string is written unchanged, all else as JSON
}

// answerCall runs a call and writes the reply, unless a Fault is queued for it.
func (s *Server) answerCall(w http.ResponseWriter, r *request, perform func() reply) {
	f, release := s.takeFault(r.name)
	var a reply
	scripted := f.Status != 0 || f.RetryAfter != 0 || f.Error != ""
	if f.AfterApply || !scripted && !f.Drop && !f.Hang && f.Delay == 0 {
		a = perform()
	}
	if !s.waitFault(r, f, release) || f.Drop {
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	switch {
	case scripted:
		a = f.scriptedReply(w)
	case f.Delay > 0 && !f.AfterApply:
		a = perform()
	}
	s.recordResult(r.call, a.status, a.code)
	writeReply(w, a)
}

// waitFault waits as the fault requires. It returns false if the call ends first.
func (s *Server) waitFault(r *request, f Fault, release chan struct{}) bool {
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
	case <-r.Context().Done():
	case <-release:
	case <-s.closed:
	}
	return false
}

// scriptedReply returns the error reply that the fault prescribes, and sets its headers.
func (f Fault) scriptedReply(w http.ResponseWriter) reply {
	if f.RetryAfter != 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if f.Error != "" {
		return reply{cmp.Or(f.Status, http.StatusOK), f.Error, object{"ok": false, "error": f.Error}}
	}
	status := cmp.Or(f.Status, http.StatusTooManyRequests)
	if status == http.StatusTooManyRequests {
		return reply{status, "ratelimited", object{"ok": false, "error": "ratelimited"}}
	}
	return reply{status, http.StatusText(status), http.StatusText(status)}
}

func writeReply(w http.ResponseWriter, a reply) {
	text, ok := a.body.(string)
	if !ok {
		writeJSON(w, a.status, a.body)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(text))
}
