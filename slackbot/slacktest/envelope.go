package slacktest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// An envelope is one message to the app over sockets that is waiting for its acknowledgment.
type envelope struct {
	id      string
	answers bool
	sockets map[*socket]bool // an acknowledgment counts only on a socket that it was sent on
	acked   chan json.RawMessage
	ended   chan struct{} // closed when the last of these sockets has closed
	end     func()
}

// An acknowledgment is the only message that an app sends over a socket.
type acknowledgment struct {
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
}

func (s *Server) newEnvelope(d delivery) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := object{"envelope_id": s.nextID("envelope-"), "type": d.kind, "payload": d.payload, "accepts_response_payload": d.answers}
	if d.kind == "events_api" {
		o["retry_attempt"], o["retry_reason"] = 0, ""
	}
	return mustEncode(o)
}

// sendOverSocket sends a's envelope and waits for its acknowledgment, at most Options.AckWithin.
func (s *Server) sendOverSocket(a *Ack) {
	e, targets := s.registerEnvelope(a)
	if len(targets) == 0 {
		a.Err = noAck("no socket is open")
		return
	}
	defer s.forgetEnvelope(e)
	start := time.Now()
	for _, k := range targets {
		_ = k.send(a.envelope) // a failed socket removes itself
	}
	late := time.NewTimer(s.options.AckWithin)
	defer late.Stop()
	select {
	case a.Body = <-e.acked:
		a.Status = http.StatusOK
	case <-e.ended:
		a.Err = noAck("its socket closed")
	case <-late.C:
		a.Err = noAck("no acknowledgment within " + s.options.AckWithin.String())
	}
	a.Elapsed = time.Since(start)
}

// registerEnvelope registers a's envelope and chooses the next socket in turn, or the next two.
func (s *Server) registerEnvelope(a *Ack) (*envelope, []*socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var has acknowledgment
	_ = json.Unmarshal(a.envelope, &has) // newEnvelope encoded it
	e := &envelope{id: has.EnvelopeID, answers: a.delivery.answers, sockets: map[*socket]bool{},
		acked: make(chan json.RawMessage, 1), ended: make(chan struct{})}
	e.end = sync.OnceFunc(func() { close(e.ended) })
	if len(s.sockets) == 0 {
		return e, nil
	}
	copies := 1
	if s.deliverTwice {
		copies = 2
	}
	var targets []*socket
	for range copies {
		k := s.sockets[s.nextSocket%len(s.sockets)]
		s.nextSocket++
		e.sockets[k] = true
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

// handleAck accepts an acknowledgment. It ignores one for an envelope that is no longer waiting: the
// acknowledgment was late, or the second for an envelope that was delivered twice.
func (s *Server) handleAck(k *socket, message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(message) >= maxAckBytes {
		s.addViolation("socket: an acknowledgment of %d bytes is dropped: it must have fewer than %d", len(message), maxAckBytes)
		return
	}
	var ack acknowledgment
	if err := json.Unmarshal(message, &ack); err != nil || ack.EnvelopeID == "" {
		s.addViolation("socket: a message without envelope_id: %.200s", message)
		return
	}
	e := s.envelopes[ack.EnvelopeID]
	if e == nil || !e.sockets[k] {
		return
	}
	if string(ack.Payload) == "null" {
		ack.Payload = nil
	}
	if ack.Payload != nil && !e.answers {
		s.addViolation("socket: an acknowledgment with a payload where none is accepted: %.200s", ack.Payload)
	}
	select {
	case e.acked <- ack.Payload:
	default: // the envelope was delivered twice
	}
}
