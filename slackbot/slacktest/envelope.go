package slacktest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// An envelope is something that the app is told over sockets, until it is acknowledged.
type envelope struct {
	id      string
	answers bool
	on      map[*socket]bool // where it was sent: only there an acknowledgement counts
	acked   chan json.RawMessage
	ended   chan struct{} // closed when the last of those sockets is gone
	lost    func()
}

// An acknowledgement is all that an app says over a socket.
type acknowledgement struct {
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
}

func (s *Server) newEnvelope(d delivery) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := object{"envelope_id": s.id("envelope-"), "type": d.kind, "payload": d.payload, "accepts_response_payload": d.answers}
	if d.kind == "events_api" {
		o["retry_attempt"], o["retry_reason"] = 0, ""
	}
	return encode(o)
}

// overSocket sends a's envelope and waits for its acknowledgement as long as Slack does.
func (s *Server) overSocket(a *Ack) {
	e, targets := s.register(a)
	if len(targets) == 0 {
		a.Err = gone("no socket is open")
		return
	}
	defer s.forgetEnvelope(e)
	start := time.Now()
	for _, k := range targets {
		_ = k.send(a.envelope) // a socket that fails ends by itself
	}
	late := time.NewTimer(s.options.AckWithin)
	defer late.Stop()
	select {
	case a.Body = <-e.acked:
		a.Status = http.StatusOK
	case <-e.ended:
		a.Err = gone("its socket closed")
	case <-late.C:
		a.Err = gone("nothing within " + s.options.AckWithin.String())
	}
	a.Elapsed = time.Since(start)
}

// register registers a's envelope and chooses the socket whose turn it is.
func (s *Server) register(a *Ack) (*envelope, []*socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var has acknowledgement
	_ = json.Unmarshal(a.envelope, &has) // we made it
	e := &envelope{id: has.EnvelopeID, answers: a.delivery.answers, on: map[*socket]bool{},
		acked: make(chan json.RawMessage, 1), ended: make(chan struct{})}
	e.lost = sync.OnceFunc(func() { close(e.ended) })
	if len(s.sockets) == 0 {
		return e, nil
	}
	copies := 1
	if s.twice {
		copies = 2
	}
	var targets []*socket
	for range copies {
		k := s.sockets[s.turn%len(s.sockets)]
		s.turn++
		e.on[k] = true
		targets = append(targets, k)
	}
	s.envelopes[e.id] = e
	return e, targets
}

func (s *Server) forgetEnvelope(e *envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.envelopes[e.id] == e {
		delete(s.envelopes, e.id)
	}
}

// take accepts an acknowledgement. One for an envelope that is settled already is no news: it was late, or the
// second of an envelope delivered twice.
func (s *Server) take(k *socket, message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(message) >= maxAck {
		s.violate("socket: an acknowledgement of %d bytes is dropped: it has to be less than %d", len(message), maxAck)
		return
	}
	var ack acknowledgement
	if err := json.Unmarshal(message, &ack); err != nil || ack.EnvelopeID == "" {
		s.violate("socket: a message without envelope_id: %.200s", message)
		return
	}
	e := s.envelopes[ack.EnvelopeID]
	if e == nil || !e.on[k] {
		return
	}
	if string(ack.Payload) == "null" {
		ack.Payload = nil
	}
	if ack.Payload != nil && !e.answers {
		s.violate("socket: an acknowledgement with a payload where none is accepted: %.200s", ack.Payload)
	}
	select {
	case e.acked <- ack.Payload:
	default: // it was delivered twice
	}
}
