package mcpserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/tools/mcpserver/internal/limits"
)

// newSession opens a session of ada and returns its id.
func (s *stack) newSession(t *testing.T) string {
	t.Helper()
	status, header := s.sendRaw(t, "POST", initializeRequest, nil)
	if id := header.Get("Mcp-Session-Id"); status == 200 && id != "" {
		return id
	}
	t.Fatalf("%d, no session", status)
	return ""
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.OpenSessions, 2)})
	in := func(session string) int {
		status, _ := s.sendRaw(t, "POST", listTools, withBearer(adaToken, session))
		return status
	}
	first, second := s.newSession(t), s.newSession(t)
	if got := in(first); got != 200 {
		t.Fatalf("in the first session: %d", got)
	}
	third := s.newSession(t)
	for name, want := range map[string]int{first: 200, second: 404, third: 200} {
		if got := in(name); got != want {
			t.Errorf("session %d of %d: %d, want %d", slices.Index([]string{first, second, third}, name)+1, 3, got, want)
		}
	}
	s.wantLimited(t, limits.OpenSessions)
}

// A session that its client ends makes room, and one that a request has used can be ended to make room.
func TestASessionThatIsNotInUseMakesRoom(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.OpenSessions, 1)})
	first := s.newSession(t)
	if status, _ := s.sendRaw(t, "DELETE", "", withBearer(adaToken, first)); status != 200 {
		t.Errorf("DELETE: %d", status)
	}
	second := s.newSession(t)
	s.wantLimited(t) // nothing had to be ended
	if status, _ := s.sendRaw(t, "POST", listTools, withBearer(adaToken, second)); status != 200 {
		t.Errorf("in the second session: %d", status)
	}
	s.newSession(t)
	s.wantLimited(t, limits.OpenSessions)
}

// A session whose user is prompted is not ended, however many others its owner opens.
func TestASessionWithAPromptIsNotEnded(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: slots(limits.OpenSessions, 1)})
	asked, answer := make(chan struct{}), make(chan struct{})
	c := s.dialInitializeEra(t, func(message string) *mcp.ElicitationResult {
		close(asked)
		<-answer
		return acceptCode(codeLine.FindStringSubmatch(message)[1])
	})
	ended := make(chan string, 1)
	go func() {
		got, err := s.callInitializeEra(t, c, "add_scan", s.newScan("Prompted"))
		ended <- fmt.Sprintf("%+v %v", got, err)
	}()
	<-asked
	got := s.postMessage(t, adaToken, []byte(initializeRequest), http.Header{})
	wantRetryLater(t, got, http.StatusTooManyRequests, "all of your sessions are in use")
	close(answer)
	if got := <-ended; !strings.Contains(got, "applied") {
		t.Error(got)
	}
	s.wantLimited(t, limits.OpenSessions)
}

func TestAnInitializeMessageIsBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	long := strings.Replace(initializeRequest, `"name":"test"`, `"name":"`+strings.Repeat("x", limits.HandshakeBytes)+`"`, 1)
	got := s.postMessage(t, adaToken, []byte(long), http.Header{})
	if got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.raw, "64 KiB") || got.header.Get("Retry-After") != "" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	s.wantLimited(t, limits.Handshake)
}
