package mcpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
	"scanwarden/tools/mcpserver/auth"
)

// Credentials do not reach a tool handler. The identity of the caller reaches Defender's sign-in.
func TestCredentialsDoNotReachToolHandlers(t *testing.T) {
	t.Parallel()
	a := newFakeEntra(t)
	s := newStackWith(t, options{authenticator: auth.BySignature(slackAuthenticator(), a.authenticator(t))})
	var mu sync.Mutex
	var seen []http.Header
	s.server.ObserveHeaders(func(header http.Header) { mu.Lock(); defer mu.Unlock(); seen = append(seen, header.Clone()) })
	s.sendRaw(t, "POST", listTools, withBearer(a.token(t, adaID, nil), ""))
	_, header := s.sendRaw(t, "POST", initializeRequest, withBearer(a.token(t, adaID, nil), ""))
	s.sendRaw(t, "POST", listScans, withBearer(a.token(t, adaID, nil), header.Get("Mcp-Session-Id")))
	body := slackCall("list_scanners", "{}", "U1") // another tool, because the list of scans is cached
	_, header = s.sendRaw(t, "POST", initializeRequest, signSlack(initializeRequest))
	session := header.Get("Mcp-Session-Id")
	s.sendRaw(t, "POST", body, func(r *http.Request) { signSlack(body)(r); r.Header.Set("Mcp-Session-Id", session) })
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 {
		t.Fatalf("%d tool calls, want 2", len(seen))
	}
	for _, header := range seen {
		for name := range header {
			if name == "Authorization" || strings.HasPrefix(name, "X-Slack-") {
				t.Errorf("a handler was given %s", name)
			}
		}
	}
	for _, caller := range []string{adaEntra, "agent-slack:T1/U1"} {
		if !slices.Contains(s.Callers(), caller) {
			t.Errorf("Defender was not called on behalf of %s", caller)
		}
	}
	if strings.Contains(s.log.String(), "eyJ") {
		t.Error("a token is in the log")
	}
}

// The body of an unauthenticated request is not read: the answer arrives before the body is sent.
func TestTheBodyOfAnUnauthenticatedRequestIsNotRead(t *testing.T) {
	t.Parallel()
	a := newFakeEntra(t)
	s := newStackWith(t, options{authenticator: auth.BySignature(slackAuthenticator(), a.authenticator(t))})
	for name, alter := range map[string]func(*http.Request){
		"no credentials":         func(*http.Request) {},
		"a bad token":            func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
		"a token that is huge":   func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("x", 20<<10)) },
		"no signature of a form": func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v0=x") },
		"a stale signature": func(r *http.Request) {
			r.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64))
			r.Header.Set("X-Slack-Request-Timestamp", "1")
		},
		"another host": func(r *http.Request) { r.Host = "evil.example" },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			body, more := io.Pipe()
			defer more.Close()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = 1 << 20 // net/http itself reads and drops a body that is small or of unknown length
			alter(req)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatalf("the server waits for the body: %v", err)
			}
			res.Body.Close()
			if res.StatusCode < 400 {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
}

// failingAuthenticator returns a caller and an error.
type failingAuthenticator struct{}

func (failingAuthenticator) Authenticate(*http.Request, []byte) (auth.Caller, error) {
	return auth.Caller{Principal: "token:ada"}, errors.New("the directory is on fire")
}

func (failingAuthenticator) NeedsBody(*http.Request) bool { return true }

func TestAFailureToAuthenticateIsLoggedAndNotShown(t *testing.T) {
	t.Parallel()
	a := newFakeEntra(t)
	a.Fail(entratest.Fault{Path: "/keys", Times: -1, Status: http.StatusInternalServerError})
	for name, tt := range map[string]struct {
		authenticator auth.Authenticator
		cause         string
	}{
		"a failure":     {failingAuthenticator{}, "the directory is on fire"},
		"Entra is down": {a.authenticator(t), "500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStackWith(t, options{authenticator: tt.authenticator})
			got := s.postMessage(t, a.token(t, adaID, nil), []byte(initializeRequest), http.Header{})
			if got.status != 503 || strings.Contains(got.raw, tt.cause) {
				t.Errorf("%d %s", got.status, got.raw)
			}
			if n := strings.Count(s.log.String(), tt.cause); n != 1 || strings.Contains(s.log.String(), "eyJ") {
				t.Errorf("the cause is in the log %d times: %s", n, s.log.String())
			}
		})
	}
}

// The instructions of a server that only reads do not mention writing.
func TestTheInstructionsOfAReadOnlyServerMentionNoWrites(t *testing.T) {
	t.Parallel()
	for readOnly, want := range map[bool]string{true: "only reads", false: "add_scan, update_scan and delete_scans only propose"} {
		s := newStackWith(t, options{readOnly: readOnly})
		got := s.postMessage(t, "", []byte(initializeRequest), http.Header{})
		var answer struct{ Result struct{ Instructions string } }
		if err := json.Unmarshal([]byte(got.raw), &answer); err != nil {
			t.Fatal(err)
		}
		text := answer.Result.Instructions
		if !strings.Contains(text, want) || readOnly && (strings.Contains(text, "add_scan") || strings.Contains(text, "confirm")) {
			t.Errorf("read only %v: %s", readOnly, text)
		}
	}
}
