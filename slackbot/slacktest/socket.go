package slacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets  = 10     // per app
	maxAckBytes = 20_480 // bytes: Slack drops a longer acknowledgment, or one of this length, without an error
	warnGrace   = 2 * time.Second
)

// A socket is one WebSocket connection of the app.
type socket struct {
	conn  *websocket.Conn
	write sync.Mutex // gorilla/websocket supports one concurrent writer
	done  chan struct{}
}

func (k *socket) send(message []byte) error {
	k.write.Lock()
	defer k.write.Unlock()
	if err := k.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	return k.conn.WriteMessage(websocket.TextMessage, message)
}

// openConnection serves apps.connections.open: it returns an address for one connection.
func (s *Server) openConnection(*request) (object, error) {
	if len(s.sockets) >= maxSockets {
		return nil, newAPIError("too_many_websockets")
	}
	ticket := s.nextID("ticket-")
	s.tickets[ticket] = true
	return object{"url": "ws" + strings.TrimPrefix(s.http.URL, "http") + "/link/?ticket=" + ticket + "&app_id=" + appID}, nil
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	s.serving.Add(1)
	defer s.serving.Done()
	if !s.redeemTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "the ticket is unknown or used: call apps.connections.open", http.StatusForbidden)
		return
	}
	anyOrigin := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := anyOrigin.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has written an answer
	}
	k := &socket{conn: conn, done: make(chan struct{})}
	defer s.removeSocket(k)
	hello := k.send(s.helloMessage()) == nil
	if s.rejectsSockets() {
		sendDisconnect([]*socket{k}, "too_many_websockets")
		return
	}
	if hello && s.addSocket(k) {
		go s.sendPings(k)
		s.readAcks(k)
	}
}

func (s *Server) redeemTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	return ok
}

func (s *Server) helloMessage() []byte {
	return mustEncode(object{
		"type": "hello", "num_connections": s.Sockets() + 1, "connection_info": object{"app_id": appID},
		"debug_info": object{"host": "applink-test", "approximate_connection_time": 18060},
	})
}

// addSocket lets envelopes go to k. It returns false if the workspace is closing.
func (s *Server) addSocket(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return false
	default:
	}
	s.sockets = append(s.sockets, k)
	s.notifyWaiters()
	return true
}

func (s *Server) removeSocket(k *socket) {
	_ = k.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets = slices.DeleteFunc(s.sockets, func(have *socket) bool { return have == k })
	for _, e := range s.envelopes {
		if delete(e.sockets, k); len(e.sockets) == 0 {
			e.end()
		}
	}
	close(k.done)
	s.notifyWaiters()
}

// sendPings sends pings until the socket closes. The app's library reconnects when no ping arrives.
func (s *Server) sendPings(k *socket) {
	tick := time.NewTicker(s.options.PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-k.done:
			return
		case <-tick.C:
			_ = k.conn.WriteControl(websocket.PingMessage, []byte("Ping from applink-test"), time.Now().Add(time.Second))
		}
	}
}

// readAcks handles acknowledgments until the socket closes, or until no pong has arrived for ten ping intervals.
func (s *Server) readAcks(k *socket) {
	alive := func(string) error {
		return k.conn.SetReadDeadline(time.Now().Add(max(10*s.options.PingEvery, 10*time.Second)))
	}
	k.conn.SetPongHandler(alive)
	k.conn.SetReadLimit(maxBody)
	_ = alive("")
	for {
		_, message, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		s.handleAck(k, message)
	}
}

// Sockets returns the number of open sockets.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// DisconnectSockets closes all open sockets and returns when they are closed. It first sends the reason, such as
// "refresh_requested" or "link_disabled"; "" sends nothing. With warnFirst the app first receives "warning" and has
// two seconds (Slack gives about ten) to close the sockets itself.
func (s *Server) DisconnectSockets(reason string, warnFirst bool) {
	s.mu.Lock()
	leaving := slices.Clone(s.sockets)
	s.mu.Unlock()
	if warnFirst {
		sendDisconnect(leaving, "warning")
		grace := time.NewTimer(warnGrace)
		defer grace.Stop()
		for _, k := range leaving {
			select {
			case <-k.done:
			case <-grace.C:
				grace.Reset(0)
			}
		}
	}
	if reason != "" {
		sendDisconnect(leaving, reason)
	}
	for _, k := range leaving {
		_ = k.conn.Close()
		<-k.done
	}
}

func sendDisconnect(sockets []*socket, reason string) {
	message, _ := json.Marshal(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "applink-test"}})
	for _, k := range sockets {
		_ = k.send(message) // a closed socket needs none
	}
}

// RejectSockets disconnects every new socket directly after its hello, as Slack does while an app has too many of them. Sockets
// that are open stay open.
func (s *Server) RejectSockets(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejectSockets = on
}

func (s *Server) rejectsSockets() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejectSockets
}

// DeliverTwice sends every envelope to two sockets, or twice to the only one.
func (s *Server) DeliverTwice(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliverTwice = on
}

// noAck returns ErrNoResponse with a reason.
func noAck(why string) error { return fmt.Errorf("%w: %s", ErrNoResponse, why) }
