package mcpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
	"scanwarden/tools/mcpserver/auth"
)

const initializeRequest = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"test","version":"1"}}}`

// sendRaw sends one request and returns the status and the header of the answer.
func (s *stack) sendRaw(t *testing.T, method, body string, alter func(*http.Request)) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Authorization", "Bearer "+adaToken)
	if alter != nil {
		alter(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil { // the end comes after the request has freed its session
		t.Fatal(err)
	}
	return res.StatusCode, res.Header
}

func TestHostOriginCallerMethodAndSizeAreChecked(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	origins := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Origin"] = values }
	}
	for _, tt := range []struct {
		name   string
		method string
		body   string
		alter  func(*http.Request)
		status int
	}{
		{"a caller with a token", "POST", initializeRequest, nil, 200},
		{"a page of our own", "POST", initializeRequest, header("Origin", s.url), 200},
		{"a page of another origin", "POST", initializeRequest, header("Origin", "https://evil.example"), 403},
		{"an origin that is null", "POST", initializeRequest, header("Origin", "null"), 403},
		{"a second origin that is not allowed", "POST", initializeRequest, origins(s.url, "https://evil.example"), 403},
		{"a second origin that is allowed", "POST", initializeRequest, origins("https://evil.example", s.url), 403},
		{"an empty origin beside another", "POST", initializeRequest, origins("", "https://evil.example"), 403},
		{"two origins in one value", "POST", initializeRequest, origins(s.url + ", https://evil.example"), 403},
		{"another host name (DNS rebinding)", "POST", initializeRequest, func(r *http.Request) { r.Host = "evil.example" }, 421},
		{"no token", "POST", initializeRequest, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"a wrong token", "POST", initializeRequest, header("Authorization", "Bearer "+adaToken+"x"), 401},
		{"an empty token", "POST", initializeRequest, header("Authorization", "Bearer "), 401},
		{"a token of another scheme", "POST", initializeRequest, header("Authorization", "Basic "+adaToken), 401},
		{"a GET stream", "GET", "", header("Accept", "text/event-stream"), 405},
		{"an unsupported method", "PUT", initializeRequest, nil, 405},
		{"a message that is too large", "POST", `{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413},
		{"the end of a session that is not one", "DELETE", "", header("Mcp-Session-Id", "mcp-session-1"), 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := s.sendRaw(t, tt.method, tt.body, tt.alter); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
		})
	}
}

func TestASessionBelongsToItsPrincipal(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	status, header := s.sendRaw(t, "POST", initializeRequest, nil)
	id := header.Get("Mcp-Session-Id")
	if status != 200 || id == "" {
		t.Fatalf("status %d, session %q", status, id)
	}
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	as := func(token string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Mcp-Session-Id", id)
		}
	}
	if got, _ := s.sendRaw(t, "POST", list, as(bobToken)); got != 404 {
		t.Errorf("bob in ada's session: %d, want 404", got)
	}
	if got, _ := s.sendRaw(t, "DELETE", "", as(bobToken)); got != 404 {
		t.Errorf("bob ending ada's session: %d, want 404", got)
	}
	if got, _ := s.sendRaw(t, "POST", list, as(adaToken)); got != 200 {
		t.Errorf("ada in her session: %d, want 200", got)
	}
}

// The cancellations are sent in both eras of the protocol, each without a session, and with an unknown one, ada's and
// bob's own.
func TestACallerCannotCancelAnothersCall(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{bounds: anyRequestRate})
	c, err := s.Gate.Propose(t.Context(), confirm.Proposal{Operation: "add_scan", Target: "simulator"},
		confirm.Requester{Principal: "token:ada", Channels: []confirm.Channel{confirm.Client}})
	if err != nil {
		t.Fatal(err)
	}
	asBob := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+bobToken) }
	_, hers := s.sendRaw(t, "POST", initializeRequest, nil)
	_, his := s.sendRaw(t, "POST", initializeRequest, asBob)
	adas, bobs := hers.Get("Mcp-Session-Id"), his.Get("Mcp-Session-Id")
	if adas == "" || bobs == "" || adas == bobs {
		t.Fatalf("sessions %q and %q", adas, bobs)
	}

	const wait = 1
	args := map[string]any{"change_id": c.ID, "wait_seconds": wait}
	initialized, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": "get_change", "arguments": args}})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan func(), 2)
	for era, call := range map[string]func() response{
		"modern":         func() response { return s.callTool(t, toolCall{tool: "get_change", args: args}) },
		"initialize-era": func() response { return s.postMessage(t, adaToken, initialized, http.Header{"Mcp-Session-Id": {adas}}) },
	} {
		go func() {
			began := time.Now()
			got := call()
			lasted := time.Since(began)
			waiting <- func() {
				t.Log(era)
				got.wantStatus(t, "awaiting_confirmation")
				if lasted < wait*time.Second {
					t.Errorf("the %s call was cut short after %v", era, lasted)
				}
			}
		}()
	}

	const modern = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	const old = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
	for left := 2; left > 0; { // as long as the calls last, so that one of each arrives during them
		for _, session := range []string{"", "made-up", adas, bobs} {
			for body, alter := range map[string]func(*http.Request){
				modern: func(r *http.Request) {
					r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
					r.Header.Set("Mcp-Method", "notifications/cancelled")
				},
				old: func(r *http.Request) {},
			} {
				status, _ := s.sendRaw(t, "POST", body, func(r *http.Request) {
					asBob(r)
					alter(r)
					if session != "" {
						r.Header.Set("Mcp-Session-Id", session)
					}
				})
				if status != http.StatusAccepted {
					t.Errorf("status %d, want 202", status)
				}
			}
		}
		select {
		case check := <-waiting:
			left--
			check()
		default:
		}
	}
}

func TestTheClientOfTryConfirmsLikeAnyOther(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	client, err := mcpserver.Dial(t.Context(), s.url, adaToken, func(message string) (string, bool) {
		s.think()
		return codeLine.FindStringSubmatch(message)[1], !strings.Contains(message, "Not this one")
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, want := range map[string]string{"This one": "applied", "Not this one": "denied"} {
		if got, err := client.Call(t.Context(), "add_scan", s.newScan(name)); err != nil || got.Status != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	s.wantWrites(t, 1)
}

func TestAnUnavailableBackendIsAToolError(t *testing.T) {
	t.Parallel()
	missing := &tools.Refusal{Reason: "AZURE_TENANT_ID is not set."}
	server, err := mcpserver.New(mcpserver.Config{
		Version: "test", Channels: []confirm.Channel{confirm.Client},
		Operations: func() ([]tools.Operation, error) { return tools.Catalogue(nil) },
		Backend:    func(context.Context) (*mcpserver.Backend, error) { return nil, missing },
		Key:        func() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Handler(mcpserver.HTTPConfig{}); err == nil {
		t.Error("a handler without an Authenticator was created")
	}
	s := &stack{server: server}
	s.url = s.serveWith(t, auth.Anonymous("local:ada"))
	for _, tool := range []string{"list_scans", "add_scan"} {
		got := s.callTool(t, toolCall{tool: tool, args: map[string]any{}})
		if out := got.wantStatus(t, "refused"); !got.Result.IsError || !strings.Contains(out.Reason, missing.Reason) {
			t.Errorf("%s: the result does not contain the cause: %s", tool, got.raw)
		}
	}
}
