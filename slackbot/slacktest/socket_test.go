package slacktest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"scanwarden/slackbot/slacktest"
)

var socketMode = slacktest.Options{AppToken: "xapp-test"}

// socketURL returns the address for the app's next socket.
func socketURL(t *testing.T, s *slacktest.Server) string {
	t.Helper()
	response, err := http.PostForm(s.API()+"apps.connections.open", url.Values{"token": {"xapp-test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var a struct {
		URL string `json:"url"`
	}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil || a.URL == "" {
		t.Fatalf("apps.connections.open: %q, %v", a.URL, err)
	}
	return a.URL
}

// An appSocket is one socket of an app. One goroutine reads it and ends with the socket.
type appSocket struct {
	*websocket.Conn
	got chan map[string]any
}

// dial opens a socket and waits until envelopes are sent to it.
func dial(t *testing.T, s *slacktest.Server) *appSocket {
	t.Helper()
	before := s.Sockets()
	conn, _, err := websocket.DefaultDialer.Dial(socketURL(t, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	l := &appSocket{conn, make(chan map[string]any, 10)}
	go func() {
		defer close(l.got)
		for {
			var message map[string]any
			if conn.ReadJSON(&message) != nil {
				return
			}
			l.got <- message
		}
	}()
	if hello := <-l.got; hello["type"] != "hello" {
		t.Fatalf("the first message is %v, want hello", hello)
	}
	s.WaitSockets(before + 1)
	return l
}

// runAsync performs a user's action while the test acts as the app.
func runAsync(act func() *slacktest.Ack) chan *slacktest.Ack {
	done := make(chan *slacktest.Ack, 1)
	go func() { done <- act() }()
	return done
}

func command(s *slacktest.Server) func() *slacktest.Ack {
	return func() *slacktest.Ack { return s.Command("U1", "C1", "/x", "") }
}

func (l *appSocket) ack(t *testing.T, envelope map[string]any, payload string) {
	t.Helper()
	message := `{"envelope_id":"` + envelope["envelope_id"].(string) + `"`
	if payload != "" {
		message += `,"payload":` + payload
	}
	if err := l.WriteMessage(websocket.TextMessage, []byte(message+"}")); err != nil {
		t.Error(err)
	}
}

func TestAnEnvelopeGoesToOneSocketAndComesBackWithItsAnswer(t *testing.T) {
	s := workspace(t, socketMode)
	one, two := dial(t, s), dial(t, s)
	for _, l := range []*appSocket{one, two} { // envelopes are sent to them in turn
		done := runAsync(command(s))
		e := <-l.got
		if e["type"] != "slash_commands" || e["accepts_response_payload"] != true || e["payload"].(map[string]any)["command"] != "/x" {
			t.Errorf("envelope %v", e)
		}
		l.ack(t, e, `{"text":"seen"}`)
		if a := <-done; a.Err != nil || a.Status != http.StatusOK {
			t.Errorf("acknowledged with %d, %v", a.Status, a.Err)
		}
	}
	if n := len(s.Messages("C1")); n != 2 || len(one.got)+len(two.got) != 0 {
		t.Errorf("%d answers shown; %d and %d envelopes left over", n, len(one.got), len(two.got))
	}
}

func TestDeliveredTwiceIsOneEnvelopeOnTwoSockets(t *testing.T) {
	s := workspace(t, socketMode)
	one, two := dial(t, s), dial(t, s)
	s.DeliverTwice(true)
	done := runAsync(command(s))
	first, second := <-one.got, <-two.got
	if first["envelope_id"] != second["envelope_id"] {
		t.Errorf("envelopes %v and %v", first["envelope_id"], second["envelope_id"])
	}
	one.ack(t, first, "")
	two.ack(t, second, "")
	if a := <-done; a.Err != nil {
		t.Error(a.Err)
	}
}

func TestAReplayedEnvelopeKeepsItsID(t *testing.T) {
	s := workspace(t, socketMode)
	l := dial(t, s)
	var ids []any
	var a *slacktest.Ack
	for _, act := range []func() *slacktest.Ack{command(s), func() *slacktest.Ack { return s.Replay(a) }} {
		done := runAsync(act)
		e := <-l.got
		ids = append(ids, e["envelope_id"], e["payload"].(map[string]any)["trigger_id"])
		l.ack(t, e, "")
		a = <-done
	}
	if ids[0] != ids[2] || ids[1] != ids[3] {
		t.Errorf("envelope and trigger %v", ids)
	}
}

// Each key is a part of the expected violation; play is what the app does with the envelope of a click.
func TestABadAcknowledgmentBreaksARule(t *testing.T) {
	tests := map[string]struct {
		play func(*testing.T, *appSocket, map[string]any)
		late bool
	}{
		"is dropped":       {func(t *testing.T, l *appSocket, e map[string]any) { l.ack(t, e, `{"text":"`+repeatX(20_480)+`"}`) }, true},
		"none is accepted": {func(t *testing.T, l *appSocket, e map[string]any) { l.ack(t, e, `{"text":"x"}`) }, false},
		"without envelope": {func(_ *testing.T, l *appSocket, _ map[string]any) {
			_ = l.WriteMessage(websocket.TextMessage, []byte(`{"ok":true}`))
		}, true},
		"did not respond":   {func(*testing.T, *appSocket, map[string]any) {}, true},
		"its socket closed": {func(_ *testing.T, l *appSocket, _ map[string]any) { _ = l.Close() }, true},
	}
	for because, test := range tests {
		t.Run(because, func(t *testing.T) {
			s := ruleBreakingWorkspace(t, slacktest.Options{AppToken: "xapp-test", AckWithin: 50 * time.Millisecond})
			l := dial(t, s)
			call(t, s, "chat.postMessage", "channel", "C1", "text", "x", "blocks", "["+actions(button("yes"))+"]")
			m := s.WaitMessage("C1", nil)
			done := runAsync(func() *slacktest.Ack { return s.Click("U1", m, "yes") })
			test.play(t, l, <-l.got)
			if a := <-done; errors.Is(a.Err, slacktest.ErrNoResponse) != test.late {
				t.Errorf("error %v", a.Err)
			}
			if v := strings.Join(s.Violations(), "\n"); !strings.Contains(v, because) {
				t.Errorf("violations %q, want %q", v, because)
			}
		})
	}
}

func TestAnAcknowledgmentOnAnotherSocketDoesNotCount(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{AppToken: "xapp-test", AckWithin: 50 * time.Millisecond})
	one, two := dial(t, s), dial(t, s)
	done := runAsync(command(s))
	two.ack(t, <-one.got, "")
	if a := <-done; !errors.Is(a.Err, slacktest.ErrNoResponse) {
		t.Errorf("error %v, want ErrNoResponse", a.Err)
	}
}

func TestWithoutASocketThereIsNoResponse(t *testing.T) {
	s := ruleBreakingWorkspace(t, socketMode)
	if a := s.Command("U1", "C1", "/x", ""); !errors.Is(a.Err, slacktest.ErrNoResponse) {
		t.Errorf("error %v, want ErrNoResponse", a.Err)
	}
}

func TestATicketIsGoodForOneSocket(t *testing.T) {
	s := workspace(t, socketMode)
	ticket := socketURL(t, s)
	for i, want := range []int{http.StatusSwitchingProtocols, http.StatusForbidden} {
		conn, response, _ := websocket.DefaultDialer.Dial(ticket, nil)
		if response == nil || response.StatusCode != want {
			t.Errorf("connection %d got %v, want %d", i+1, response, want)
		}
		if conn != nil {
			defer conn.Close()
		}
	}
}

func TestAnAppHasTenSockets(t *testing.T) {
	s := ruleBreakingWorkspace(t, socketMode)
	for range 10 {
		dial(t, s)
	}
	if a := call(t, s, "apps.connections.open", "token", "xapp-test"); a.Error != "too_many_websockets" {
		t.Errorf("the eleventh answered %q", a.Error)
	}
}

func TestDisconnectingSendsItsReason(t *testing.T) {
	s := workspace(t, socketMode)
	l := dial(t, s)
	s.DisconnectSockets("link_disabled", false)
	if m := <-l.got; m["type"] != "disconnect" || m["reason"] != "link_disabled" {
		t.Errorf("received %v", m)
	}
	if m, open := <-l.got; open {
		t.Errorf("after the disconnect message came %v", m)
	}
	if n := s.Sockets(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
}

func TestAWarnedAppCanCloseItsSocketsItself(t *testing.T) {
	s := workspace(t, socketMode)
	l := dial(t, s)
	over := make(chan struct{})
	go func() { defer close(over); s.DisconnectSockets("refresh_requested", true) }()
	if m := <-l.got; m["reason"] != "warning" {
		t.Errorf("received %v, want a warning", m)
	}
	dial(t, s) // an app that first opens the next socket misses nothing
	_ = l.Close()
	<-over
	if n := s.Sockets(); n != 1 {
		t.Errorf("%d sockets are open, want the new one", n)
	}
}

func TestTheWorkspacePings(t *testing.T) {
	s := workspace(t, slacktest.Options{AppToken: "xapp-test", PingEvery: time.Millisecond})
	conn, _, err := websocket.DefaultDialer.Dial(socketURL(t, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	pings := make(chan string, 100)
	conn.SetPingHandler(func(data string) error { pings <- data; return nil })
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	<-pings
	<-pings
	_ = conn.Close()
	<-over
}
