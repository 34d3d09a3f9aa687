package mcpserver_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver"
	"scanwarden/tools/mcpserver/auth"
)

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serveWith serves the same server at another URL, with its own Authenticator.
func (s *stack) serveWith(t testing.TB, authenticator auth.Authenticator) (url string) {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	host := web.Listener.Addr().String()
	var err error
	web.Config.Handler, err = s.server.Handler(mcpserver.HTTPConfig{
		Hosts: []string{host}, Origins: []string{"http://" + host}, Authenticator: authenticator,
	})
	if err != nil {
		t.Fatal(err)
	}
	web.Start()
	t.Cleanup(func() { s.server.Close(); web.Close() })
	return web.URL
}

// newEntraStack returns a stack whose callers authenticate with tokens of the fake Entra.
func newEntraStack(t testing.TB, o options) (*stack, *fakeEntra) {
	t.Helper()
	a := newFakeEntra(t)
	o.authenticator = a.authenticator(t)
	return newStackWith(t, o), a
}

// withBearer sets the token and, unless it is "", the session of a request.
func withBearer(token, session string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		if session != "" {
			r.Header.Set("Mcp-Session-Id", session)
		}
	}
}

const (
	listTools = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	listScans = `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list_scans","arguments":{}}}`
)

func TestCallersAuthenticateWithEntra(t *testing.T) {
	t.Parallel()
	s, a := newEntraStack(t, options{})
	ada := a.token(t, adaID, nil)
	for name, tt := range map[string]struct {
		token  string
		status int
		error  string
	}{
		"a person":         {ada, 200, ""},
		"another audience": {a.token(t, adaID, map[string]any{"aud": "https://api.securitycenter.microsoft.com"}), 401, "invalid_token"},
		"without scope":    {a.token(t, adaID, map[string]any{"scp": "openid"}), 403, "insufficient_scope"},
		"tampered with":    {ada[:len(ada)-8] + "AAAAAAAA", 401, "invalid_token"},
		"application":      {a.token(t, adaID, map[string]any{"scp": nil, "idtyp": "app"}), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, header := s.sendRaw(t, "POST", initializeRequest, withBearer(tt.token, ""))
			challenge := header.Get("WWW-Authenticate")
			if status != tt.status || !strings.Contains(challenge, tt.error) || (tt.error != "") != strings.HasPrefix(challenge, "Bearer resource_metadata=") {
				t.Errorf("%d %q, want %d", status, challenge, tt.status)
			}
		})
	}
	status, header := s.sendRaw(t, "POST", initializeRequest, func(r *http.Request) { r.Header.Del("Authorization") })
	if challenge := header.Get("WWW-Authenticate"); status != 401 || strings.Contains(challenge, "error=") || challenge == "" {
		t.Errorf("no token: %d %q", status, challenge)
	}
	if status, _ := s.sendRaw(t, "POST", initializeRequest, func(r *http.Request) { r.URL.RawQuery = "access_token=" + ada }); status != 400 {
		t.Errorf("a token in the query: %d", status)
	}
}

// Only the owner of a session can use it: no other user, no holder of a token of the server, and no agent of the owner.
func TestASessionBelongsToItsCaller(t *testing.T) {
	t.Parallel()
	s, a := newEntraStack(t, options{})
	ada, bob := a.token(t, adaID, nil), a.token(t, bobID, nil)
	agent := a.token(t, adaID, map[string]any{"xms_act_fct": "11"})
	tokens := s.serveWith(t, auth.BearerTokens(nil))
	local := s.serveWith(t, auth.Anonymous("local:ada"))
	inSlack := s.serveWith(t, slackAuthenticator())
	_, header := s.sendRaw(t, "POST", initializeRequest, withBearer(ada, ""))
	session := header.Get("Mcp-Session-Id")
	for name, tt := range map[string]struct {
		url, method, body string
		alter             func(*http.Request)
		status            int
	}{
		"ada":                       {s.url, "POST", listTools, withBearer(ada, session), 200},
		"ada with a new token":      {s.url, "POST", listTools, withBearer(a.token(t, adaID, map[string]any{"uti": "new"}), session), 200},
		"bob":                       {s.url, "POST", listTools, withBearer(bob, session), 404},
		"bob calls":                 {s.url, "POST", listScans, withBearer(bob, session), 404},
		"bob ends it":               {s.url, "DELETE", "", withBearer(bob, session), 404},
		"bob answers":               {s.url, "POST", `{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}`, withBearer(bob, session), 404},
		"an agent for ada":          {s.url, "POST", listTools, withBearer(agent, session), 404},
		"an agent ends it":          {s.url, "DELETE", "", withBearer(agent, session), 404},
		"a local user":              {local, "POST", listTools, withBearer("x", session), 404},
		"a token of another URL":    {tokens, "POST", listTools, withBearer(ada, session), 401},
		"Slack's app":               {inSlack, "POST", listTools, func(r *http.Request) { signSlack(listTools)(r); r.Header.Set("Mcp-Session-Id", session) }, 404},
		"ada with a forged session": {s.url, "POST", listTools, withBearer(ada, "made.up"), 404},
	} {
		t.Run(name, func(t *testing.T) {
			other := &stack{url: tt.url}
			if got, _ := other.sendRaw(t, tt.method, tt.body, tt.alter); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
		})
	}
}

// The Gate receives the roles of a caller. Without the role, the change is refused before any prompt.
func TestARoleAllowsToApprove(t *testing.T) {
	t.Parallel()
	byRole := func(p *confirm.Policy) {
		p.Approvers, p.Requesters, p.SelfApproval = []string{"entra-role:Scans.Approver"}, []string{adaEntra}, true
	}
	s, a := newEntraStack(t, options{policy: byRole})
	ada := a.token(t, adaID, nil)
	first := s.callTool(t, toolCall{token: ada, tool: "add_scan", args: s.newScan("By role")})
	_, code := first.wantPrompt(t)
	if !slices.Contains(s.Callers(), adaEntra) {
		t.Error("Defender was not read on behalf of ada")
	}
	second := toolCall{token: ada, tool: "add_scan", args: s.newScan("By role"), state: first.Result.RequestState, responses: acceptWith(code)}
	if out := s.callTool(t, second).wantStatus(t, "applied"); out.DecidedBy != adaEntra {
		t.Errorf("decided by %q", out.DecidedBy)
	}
	without := a.token(t, adaID, map[string]any{"roles": nil})
	s.callTool(t, toolCall{token: without, tool: "add_scan", args: s.newScan("Without")}).wantStatus(t, "refused")
	s.wantWrites(t, 1)
}

// An agent that acts for ada is not ada: it gets no prompt, it cannot answer hers, and another approver decides.
func TestAnAgentProposesAndNeverDecides(t *testing.T) {
	t.Parallel()
	requester := func(p *confirm.Policy) {
		p.Approvers, p.Requesters, p.SelfApproval = []string{adaEntra, "token:bob"}, []string{adaEntra}, true
	}
	s, a := newEntraStack(t, options{channels: clientAndSlack, policy: requester})
	ada, agent := a.token(t, adaID, nil), a.token(t, adaID, map[string]any{"xms_act_fct": "11"})

	first := s.callTool(t, toolCall{token: ada, tool: "add_scan", args: s.newScan("Ada's own")})
	_, code := first.wantPrompt(t)
	answered := s.callTool(t, toolCall{token: agent, tool: "add_scan", args: s.newScan("Ada's own"), state: first.Result.RequestState, responses: acceptWith(code)})
	if answered.Error == nil {
		t.Errorf("an agent answered ada's prompt: %s", answered.raw)
	}
	repeated := s.callTool(t, toolCall{token: agent, tool: "add_scan", args: s.newScan("Ada's own"), state: first.Result.RequestState})
	if strings.Contains(repeated.raw, code) {
		t.Errorf("an agent was shown the code: %s", repeated.raw)
	}
	s.callTool(t, toolCall{token: ada, tool: "add_scan", args: s.newScan("Ada's own"), state: first.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "applied")

	for _, token := range []string{agent, a.token(t, adaID, map[string]any{"scp": nil, "idtyp": "app"})} {
		s.callWhileBobApproves(t, adaEntra, func() response {
			return s.callTool(t, toolCall{token: token, tool: "add_scan", args: s.newScan("An agent's " + token[len(token)-8:])})
		}).wantStatus(t, "applied")
	}
	s.wantWrites(t, 3)
}

// An agent's client would give the agent's own answer, so it is not offered to the Gate as a channel.
func TestAnAgentsClientIsNoChannel(t *testing.T) {
	t.Parallel()
	s, a := newEntraStack(t, options{channels: clientAndSlack})
	var seen []confirm.Requester
	s.server.ObserveRequesters(func(by confirm.Requester) { seen = append(seen, by) })
	for name, tt := range map[string]struct {
		claims map[string]any
		want   []confirm.Channel
	}{
		"a person":       {nil, []confirm.Channel{confirm.Client, confirm.Slack}},
		"her agent":      {map[string]any{"xms_act_fct": "11"}, []confirm.Channel{confirm.Slack}},
		"an application": {map[string]any{"scp": nil, "idtyp": "app"}, []confirm.Channel{confirm.Slack}},
	} {
		seen = nil
		s.callTool(t, toolCall{token: a.token(t, adaID, tt.claims), tool: "list_scans"})
		if len(seen) != 1 || !slices.Equal(seen[0].Channels, tt.want) {
			t.Errorf("%s: %+v, want the channels %v", name, seen, tt.want)
		}
	}
}

// callWhileBobApproves makes a call as requester. Bob approves the proposed change in Slack.
func (s *stack) callWhileBobApproves(t *testing.T, requester confirm.Principal, call func() response) response {
	t.Helper()
	for len(s.transitions) > 0 { // of earlier changes
		<-s.transitions
	}
	answered := make(chan response, 1)
	go func() { answered <- call() }()
	for {
		select {
		case got := <-answered:
			return got
		case c := <-s.transitions:
			if c.State != confirm.Pending || c.Requester != requester {
				continue
			}
			if !c.Agent || slices.Contains(c.Channels, confirm.Client) {
				t.Errorf("agent %v, asked on %v", c.Agent, c.Channels)
			}
			vote := confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack}
			if _, err := s.Gate.Decide(t.Context(), c.ID, vote); err != nil {
				t.Error(err)
			}
		}
	}
}
