package mcpserver_test

import (
	"net/http"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

// slackCall returns a tools/call as Slack's assistant sends it for a user.
func slackCall(tool, args, user string) string {
	return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + args +
		`,"_meta":{"slack":{"user_id":"` + user + `","team_id":"T1"}}}}`
}

// slackPost sends a signed request in a session and returns the answer.
func (s *stack) slackPost(t *testing.T, session, body string) response {
	t.Helper()
	signed := &http.Request{Header: http.Header{}}
	signSlack(body)(signed)
	if session != "" {
		signed.Header.Set("Mcp-Session-Id", session)
	}
	return s.postMessage(t, "", []byte(body), signed.Header)
}

func TestSlacksAssistantListsAndCalls(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{authenticator: slackAuthenticator()})
	status, header := s.sendRaw(t, "POST", initializeRequest, signSlack(initializeRequest))
	session := header.Get("Mcp-Session-Id")
	if status != 200 || session == "" {
		t.Fatalf("initialize: %d, session %q", status, session)
	}
	for body, want := range map[string]int{
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`: 202, `{"jsonrpc":"2.0","id":1,"method":"ping"}`: 200, listTools: 200,
	} {
		if got := s.slackPost(t, session, body); got.status != want {
			t.Errorf("%s: %d %s", body, got.status, got.raw)
		}
	}
	for _, user := range []string{"U1", "U2"} { // users share one session
		s.slackPost(t, session, slackCall("list_scans", "{}", user)).wantResult(t)
	}
}

// A request of Slack that names no user can only discover the tools.
func TestSlackWithoutAUserCanOnlyDiscover(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{authenticator: slackAuthenticator()})
	_, header := s.sendRaw(t, "POST", initializeRequest, signSlack(initializeRequest))
	session := header.Get("Mcp-Session-Id")
	for _, body := range []string{
		listScans,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover"}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/list"}`,
		`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"code":"ABCDE"}}}`,
		`[` + listTools + `]`,
	} {
		if got := s.slackPost(t, session, body); got.status != 403 && got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.raw)
		}
	}
	for _, method := range []string{"DELETE", "GET"} {
		if status, _ := s.sendRaw(t, method, "", func(r *http.Request) { signSlack("")(r); r.Header.Set("Mcp-Session-Id", session) }); status < 400 {
			t.Errorf("%s: %d", method, status)
		}
	}
	body := slackCall("list_scans", "{}", "U1")
	for name, alter := range map[string]func(*http.Request){
		"unsigned":         func(r *http.Request) { r.Header.Del("Authorization") },
		"another's body":   signSlack(body + " "),
		"a token instead":  func(*http.Request) {},
		"signed, tampered": func(r *http.Request) { signSlack(body)(r); r.Header.Set("X-Slack-Request-Timestamp", "1") },
	} {
		if status, _ := s.sendRaw(t, "POST", body, alter); status != 401 {
			t.Errorf("%s: %d, want 401", name, status)
		}
	}
}

// withoutPrincipal accepts every request and returns a caller without a principal: the handler must check it.
type withoutPrincipal struct{}

func (withoutPrincipal) Authenticate(*http.Request, []byte) (auth.Caller, error) {
	return auth.Caller{Session: "shared"}, nil
}

func (withoutPrincipal) NeedsBody(*http.Request) bool { return true }

func TestACallerWithoutAPrincipalReachesNoTool(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{authenticator: withoutPrincipal{}})
	for _, body := range []string{
		listScans, strings.Replace(listScans, `"method"`, `"method":"tools/list","Method"`, 1), `[` + listScans + `]`, `{"jsonrpc":"2.0","id":1,"method":"server/discover"}`, ``,
	} {
		if got := s.postMessage(t, "", []byte(body), http.Header{}); got.status != 403 {
			t.Errorf("%s: %d %s", body, got.status, got.raw)
		}
	}
	if got := s.callTool(t, toolCall{tool: "list_scans"}); got.status != 403 {
		t.Errorf("the new protocol: %d %s", got.status, got.raw)
	}
	if status, _ := s.sendRaw(t, "DELETE", "", nil); status != 403 {
		t.Errorf("DELETE: %d", status)
	}
}

// The assistant proposes in a user's name, and an approver decides in Slack. The assistant and its client never decide.
func TestSlacksAssistantProposesAndAnApproverDecides(t *testing.T) {
	t.Parallel()
	s := newStackWith(t, options{
		authenticator: slackAuthenticator(), channels: clientAndSlack,
		policy: func(p *confirm.Policy) { p.Approvers = []string{"slack:T1/U1", "token:bob"} },
	})
	hello := strings.Replace(initializeRequest, `"test"`, `"slackbot"`, 1)
	_, header := s.sendRaw(t, "POST", hello, signSlack(hello))
	session := header.Get("Mcp-Session-Id")
	got := s.callWhileBobApproves(t, "slack:T1/U1", func() response {
		return s.slackPost(t, session, slackCall("add_scan", string(mustJSON(t, s.newScan("From Slack"))), "U1"))
	})
	if out := got.wantStatus(t, "applied"); out.DecidedBy != "token:bob" {
		t.Errorf("decided by %q", out.DecidedBy)
	}
	s.wantWrites(t, 1)
}
