package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// keepAliveInterval is the longest silence on the response to a request. Proxies end a response that is silent for a
// minute or less (nginx, AWS ALB: 60 s), and the call with it. Together with a delay it stays below 15 s.
const keepAliveInterval = 10 * time.Second

// eventStream is the response to one request. While the request waits, it writes a comment after each interval of silence,
// and the notifications that belong to the request. Either makes the response a stream of server-sent events. An answer
// that the library then writes as a plain document becomes the last event.
//
// The library sends notifications itself, but to whichever request of the session reads them first.
type eventStream struct {
	out      http.ResponseWriter
	flusher  http.Flusher
	interval time.Duration
	header   http.Header // the library's; out has the header that is sent

	mu       sync.Mutex
	timer    *time.Timer
	sent     bool         // the header is sent
	upgraded bool         // it was sent by this type and not by the library
	ended    bool         // no byte may follow
	document bytes.Buffer // the answer that the library writes, if upgraded
}

// newEventStream returns a stream that responds to r, or nil if the client or the connection takes no events. The caller
// must call end when the request is served.
func newEventStream(w http.ResponseWriter, r *http.Request, interval time.Duration) *eventStream {
	flusher, ok := w.(http.Flusher)
	if !ok || r.Method != http.MethodPost || !acceptsEvents(r.Header.Values("Accept")) {
		return nil
	}
	s := &eventStream{out: w, flusher: flusher, interval: interval, header: w.Header().Clone()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(interval, s.keepAlive)
	return s
}

// acceptsEvents reports whether the values of the Accept header allow a stream of events.
func acceptsEvents(accept []string) bool {
	all := strings.ToLower(strings.Join(accept, ","))
	return strings.Contains(all, "text/event-stream") || strings.Contains(all, "*/*")
}

// Header implements http.ResponseWriter. It returns a header of its own, because the header of a response must not be
// changed while keepAlive sends it.
func (s *eventStream) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter. A status that comes after the header is dropped: the answer of an upgraded
// response is an event.
func (s *eventStream) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendHeader(status)
}

// sendHeader sends the library's header, unless a header is sent already.
func (s *eventStream) sendHeader(status int) {
	if s.sent {
		return
	}
	s.sent = true
	header := s.out.Header()
	clear(header)
	for name, values := range s.header {
		header[name] = values
	}
	s.out.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (s *eventStream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendHeader(http.StatusOK)
	if s.upgraded && !s.isLibraryStream() {
		return s.document.Write(p)
	}
	s.timer.Reset(s.interval)
	return s.out.Write(p)
}

// isLibraryStream reports whether the library writes events. Each event is one call of Write.
func (s *eventStream) isLibraryStream() bool {
	return strings.HasPrefix(s.header.Get("Content-Type"), "text/event-stream")
}

// Flush implements http.Flusher.
func (s *eventStream) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendHeader(http.StatusOK)
	s.flusher.Flush()
}

// keepAlive writes a comment, which clients ignore.
func (s *eventStream) keepAlive() { s.writeEvent(": waiting\n\n") }

// notify writes a notification of the request.
func (s *eventStream) notify(method string, params any) error {
	message, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("encode notification: %w", err)
	}
	s.writeEvent(eventOf(message))
	return nil
}

// writeEvent writes an event, and first makes the response a stream of events. It does nothing once the answer has begun or
// the response has ended. A failed write is no error here: the request ends with its connection.
func (s *eventStream) writeEvent(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended, s.document.Len() > 0, s.sent && !s.upgraded && !s.isLibraryStream():
		return
	case !s.sent:
		s.sent, s.upgraded = true, true
		s.out.Header().Set("Content-Type", "text/event-stream")
		s.out.WriteHeader(http.StatusOK)
	}
	_, _ = s.out.Write([]byte(event))
	s.flusher.Flush()
	s.timer.Reset(s.interval)
}

// end writes the answer that was kept, as the last event. Nothing is written afterwards.
func (s *eventStream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.timer.Stop()
	if s.document.Len() > 0 {
		_, _ = s.out.Write([]byte(eventOf(s.document.Bytes())))
	}
}

// eventOf returns a message as a server-sent event. Each line of it is a line of the event's data.
func eventOf(message []byte) string {
	lines := strings.TrimRight(string(message), "\n")
	return "event: message\ndata: " + strings.ReplaceAll(lines, "\n", "\ndata: ") + "\n\n"
}

type eventStreamKey struct{}

// withEventStream returns a context that carries the response from the transport to the tool handlers.
func withEventStream(ctx context.Context, s *eventStream) context.Context {
	return context.WithValue(ctx, eventStreamKey{}, s)
}

// eventStreamFrom returns the response to the request of a tool call. It returns nil on stdio, and for a client that takes
// no events.
func eventStreamFrom(ctx context.Context) *eventStream {
	s, _ := ctx.Value(eventStreamKey{}).(*eventStream)
	return s
}
