package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/slackbot/slacktest"
)

const signingSecret = "signing-secret-of-the-test"

// publicProxy is a public address in front of a server that is started later.
type publicProxy struct {
	*httptest.Server
	behind atomic.Pointer[url.URL]
}

func newProxied(t *testing.T) *publicProxy {
	p := &publicProxy{}
	p.Server = httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(p.behind.Load())
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(p.Close)
	return p
}

// addSlack adds a fake Slack to an installation, and starts a server whose callers come through a proxy.
func addSlack(t *testing.T, s *stack, public *publicProxy, env ...string) *slacktest.Server {
	t.Helper()
	slack := newSlack(t, slacktest.Options{SigningSecret: signingSecret, BotToken: "xoxb-test", Team: "T01TEST"})
	slack.AddUser(slacktest.User{ID: "U0ADA", Name: "ada", Team: "T01TEST"})
	slack.AddUser(slacktest.User{ID: "U0BOB", Name: "bob", Team: "T01TEST"})
	slack.AddChannel("C0SCANS", "U0ADA", "U0BOB")
	slack.SetURLs(public.URL+"/slack/command", public.URL+"/slack/interaction", public.URL+"/slack/interaction")
	s.env = append(s.env, "SLACK_API_URL="+slack.API(), "SLACK_BOT_TOKEN=xoxb-test", "SLACK_SIGNING_SECRET="+signingSecret,
		"SCANWARDEN_SLACK_CHANNEL=C0SCANS", "SCANWARDEN_PUBLIC_URL="+public.URL)
	served := s.serve(t, env...)
	behind, err := url.Parse(strings.TrimSuffix(served.url, "/mcp"))
	if err != nil {
		t.Fatal(err)
	}
	public.behind.Store(behind)
	return slack
}

// TestSlackAssistantProposes: Slack's assistant calls with Slack's signature on behalf of a user; it reads and
// proposes, and an approver decides in Slack.
func TestSlackAssistantProposes(t *testing.T) {
	t.Parallel()
	public := newProxied(t)
	s := newStack(t)
	slack := addSlack(t, s, public, "SCANWARDEN_HTTP_AUTH=slack", "SCANWARDEN_APPROVERS=slack:T01TEST/U0ADA", "SCANWARDEN_SELF_APPROVAL=true")
	c := connectClient(t, &mcp.StreamableClientTransport{
		Endpoint: public.URL + "/mcp", HTTPClient: &http.Client{Transport: slackSigningTransport{}}, DisableStandaloneSSE: true,
	}, "legacy", nil)
	listsTools(t, c)
	inTheNameOf := func(user string, tool string, args map[string]any) (*mcp.CallToolResult, error) {
		meta := mcp.Meta{"slack": map[string]any{"user_id": user, "team_id": "T01TEST"}}
		return c.CallTool(t.Context(), &mcp.CallToolParams{Meta: meta, Name: tool, Arguments: args})
	}
	if got, err := inTheNameOf("U0BOB", "list_scans", nil); err != nil || got.IsError {
		t.Errorf("list_scans: %s", transcript(t, got, err))
	}
	asked := make(chan string, 1)
	go func() {
		got, err := inTheNameOf("U0BOB", "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
		asked <- transcript(t, got, err)
	}()
	question := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool { return len(m.Buttons()) > 0 })
	if !strings.Contains(question.All(), "U0BOB") {
		t.Errorf("the question does not say who asks: %s", question.All())
	}
	slack.Click("U0ADA", question, "approve_change")
	if told := <-asked; !strings.Contains(told, "applied") {
		t.Errorf("the assistant is told %s", told)
	}
	if n := len(s.tenant.Writes()); n != 1 {
		t.Errorf("Defender took %d writes", n)
	}
	if got, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_scans"}); err == nil && !got.IsError {
		t.Error("a call in nobody's name was answered")
	}
	unsigned, err := http.Post(public.URL+"/mcp", "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	defer unsigned.Body.Close()
	told, _ := io.ReadAll(unsigned.Body)
	if unsigned.StatusCode != http.StatusUnauthorized || unsigned.Header.Get("WWW-Authenticate") != "" || !strings.Contains(string(told), "not signed by Slack") {
		t.Errorf("an unsigned call is told %d %q %s; there is no token to ask for", unsigned.StatusCode, unsigned.Header.Get("WWW-Authenticate"), told)
	}
}

// slackSigningTransport signs each request as Slack does (docs.slack.dev, verifying requests).
type slackSigningTransport struct{}

func (slackSigningTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(signingSecret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return http.DefaultTransport.RoundTrip(r)
}
