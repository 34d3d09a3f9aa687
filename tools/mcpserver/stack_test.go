package mcpserver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
	"scanwarden/tools/mcpserver/auth"
	"scanwarden/tools/mcpserver/internal/limits"
	"scanwarden/tools/toolstest"
)

const (
	adaToken = "ada-has-a-long-token"
	bobToken = "bob-has-a-long-token"
)

var clientAndSlack = []confirm.Channel{confirm.Client, confirm.Slack}

// options configures a stack. In the zero value ada approves her own changes in her client, and ada and bob have
// bearer tokens.
type options struct {
	policy   func(*confirm.Policy) // changes the policy; nil changes nothing
	channels []confirm.Channel     // channels for approval; nil means the client
	fallback []confirm.Channel     // channels where the client cannot be asked; nil means none
	pageURL  func(string) string   // the address of a change's page; nil means none
	// showPage opens a page on this machine; nil means that there is none
	showPage      func(context.Context, confirm.Change) error
	authenticator auth.Authenticator // nil means bearer tokens of ada and bob
	hooks         *storeHooks        // runs at calls of the store; nil means none
	readOnly      bool
	bounds        func(*limits.Bounds) // changes the limits of callers; nil changes nothing
	// backend replaces the stack's own; nil means that one
	backend   func(context.Context) (*mcpserver.Backend, error)
	keepAlive time.Duration // the longest silence on a response; 0 means that of a server
}

// stack is the whole path from an MCP server over real HTTP to the simulated tenant.
type stack struct {
	*toolstest.Stack
	server      *mcpserver.Server
	url         string
	log         logBuffer // the server's log
	limited     limitCounts
	transitions chan confirm.Change // transitions of the Gate, until the channel is full
	started     time.Time
	thinking    atomic.Int64 // how long people thought about prompts: the only clock by which answers are measured
}

// newStack returns a stack with the changed policy.
func newStack(t testing.TB, policy ...func(*confirm.Policy)) *stack {
	t.Helper()
	o := options{}
	for _, f := range policy {
		o.policy = f
	}
	return newStackWith(t, o)
}

func newStackWith(t testing.TB, o options) *stack {
	t.Helper()
	policy := confirm.Policy{Approvers: []string{"token:ada"}, SelfApproval: true}
	if o.policy != nil {
		o.policy(&policy)
	}
	s := &stack{transitions: make(chan confirm.Change, 256), started: time.Now()}
	s.Stack = toolstest.New(t, toolstest.Options{
		Tenant: defendertest.Options{Empty: true}, Policy: policy,
		Gate: func(cfg *confirm.Config) {
			cfg.OnTransition = s.recordTransition
			if o.hooks != nil {
				o.hooks.Store = cfg.Store
				cfg.Store = o.hooks
			}
		},
	})
	s.startServer(t, o)
	return s
}

func (s *stack) recordTransition(c confirm.Change) {
	select {
	case s.transitions <- c:
	default:
	}
}

func (s *stack) startServer(t testing.TB, o options) {
	t.Helper()
	if o.channels == nil {
		o.channels = []confirm.Channel{confirm.Client}
	}
	if o.backend == nil {
		backend := &mcpserver.Backend{Service: s.Service, Gate: s.Gate}
		o.backend = func(context.Context) (*mcpserver.Backend, error) { return backend, nil }
	}
	var err error
	s.server, err = mcpserver.New(mcpserver.Config{
		Operations: func() ([]tools.Operation, error) { return tools.Catalogue(nil) }, Version: "test", Channels: o.channels,
		Backend: o.backend,
		Key:     func() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil },
		Log:     slog.New(slog.NewTextHandler(&s.log, nil)), ReadOnly: o.readOnly,
		OnLimited: s.limited.add, FallbackChannels: o.fallback, PageURL: o.pageURL, ShowPage: o.showPage,
		Now: func() time.Time { return s.started.Add(time.Duration(s.thinking.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	bounds := limits.ForCallers()
	if o.bounds != nil {
		o.bounds(&bounds)
	}
	s.server.SetBounds(bounds)
	if o.keepAlive > 0 {
		s.server.SetKeepAlive(o.keepAlive)
	}
	if o.authenticator == nil {
		o.authenticator = auth.BearerTokens(map[confirm.Principal][sha256.Size]byte{
			"token:ada": sha256.Sum256([]byte(adaToken)), "token:bob": sha256.Sum256([]byte(bobToken)),
		})
	}
	s.url = s.serveWith(t, o.authenticator)
}

// newScan returns the arguments of add_scan for a scan with this name.
func (s *stack) newScan(name string) map[string]any {
	return map[string]any{
		"scanType": "Network", "scanName": name, "isActive": true, "target": "10.20.30.1,10.20.30.2",
		"intervalInHours": 4, "targetType": "Ip", "scannerAgent": map[string]any{"machineId": s.Scanner},
		"scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": "scanner"},
	}
}

// toolCall is one tools/call of a 2026-07-28 client. The test encodes it itself, without a client library.
type toolCall struct {
	token     string // "" means ada's token
	tool      string
	args      any
	state     string
	responses map[string]any
	cannotAsk bool
	instant   bool // the client answers by itself; otherwise a person takes a second
}

// think lets the second pass that a person needs to answer a prompt.
func (s *stack) think() { s.thinking.Add(int64(time.Second)) }

// response is the answer to a request.
type response struct {
	status int
	header http.Header
	raw    string
	Error  *struct{ Message string } `json:"error"`
	Result struct {
		ResultType    string `json:"resultType"`
		IsError       bool   `json:"isError"`
		Content       []struct{ Text string }
		Structured    json.RawMessage `json:"structuredContent"`
		RequestState  string          `json:"requestState"`
		InputRequests map[string]struct {
			Method string
			Params struct {
				Message         string
				RequestedSchema json.RawMessage
			}
		} `json:"inputRequests"`
	} `json:"result"`
}

func (s *stack) callTool(t testing.TB, l toolCall) response {
	t.Helper()
	capabilities := map[string]any{"elicitation": map[string]any{"form": map[string]any{}}}
	if l.cannotAsk {
		capabilities = map[string]any{}
	}
	params := map[string]any{
		"name": l.tool, "arguments": l.args,
		"_meta": map[string]any{
			"io.modelcontextprotocol/protocolVersion":    "2026-07-28",
			"io.modelcontextprotocol/clientCapabilities": capabilities,
			"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "test", "version": "1"},
		},
	}
	if l.state != "" {
		params["requestState"] = l.state
	}
	if l.responses != nil {
		if !l.instant {
			s.think()
		}
		params["inputResponses"] = l.responses
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
	if err != nil {
		t.Fatal(err)
	}
	got := s.postMessage(t, l.token, body, http.Header{
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {l.tool},
	})
	got.checkStructured(t, l.tool)
	return got
}

func (s *stack) postMessage(t testing.TB, token string, body []byte, header http.Header) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if token == "" {
		token = adaToken
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := response{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if i := strings.LastIndex(got.raw, "data: "); i >= 0 { // the answer is the last event of a stream
		raw = raw[i+len("data: "):]
	}
	_ = json.Unmarshal(raw, &got) // without JSON there is no result, and the test fails on that
	return got
}

// wantResult returns the structured result, or fails the test.
func (r response) wantResult(t testing.TB) tools.Result {
	t.Helper()
	var out tools.Result
	if err := json.Unmarshal(r.Result.Structured, &out); err != nil {
		t.Fatalf("no structured result: %v in %d %s", err, r.status, r.raw)
	}
	return out
}

// wantStatus checks the status of the result and returns the result.
func (r response) wantStatus(t testing.TB, status string) tools.Result {
	t.Helper()
	out := r.wantResult(t)
	if out.Status != status {
		t.Fatalf("status is %q, want %q: %s", out.Status, status, r.raw)
	}
	return out
}

var codeLine = regexp.MustCompile(`\nTo apply this change, type: ([A-Z0-9]{5})$`)

// wantPrompt returns the message for the client's user, and the code in its last line.
func (r response) wantPrompt(t testing.TB) (text, code string) {
	t.Helper()
	text = r.Result.InputRequests["confirm"].Params.Message
	found := codeLine.FindStringSubmatch(text)
	if r.Result.ResultType != "input_required" || found == nil {
		t.Fatalf("there is no prompt: %d %s", r.status, r.raw)
	}
	return text, found[1]
}

func acceptWith(code any) map[string]any {
	return map[string]any{"confirm": map[string]any{"action": "accept", "content": map[string]any{"code": code}}}
}

func respondWith(action string) map[string]any {
	return map[string]any{"confirm": map[string]any{"action": action}}
}

// callAndConfirm makes both calls of a change and confirms it with the code.
func (s *stack) callAndConfirm(t testing.TB, tool string, args any) response {
	t.Helper()
	first := s.callTool(t, toolCall{tool: tool, args: args})
	_, code := first.wantPrompt(t)
	return s.callTool(t, toolCall{tool: tool, args: args, state: first.Result.RequestState, responses: acceptWith(code)})
}

// wantWrites fails the test unless the tenant received exactly n writes.
func (s *stack) wantWrites(t testing.TB, n int) {
	t.Helper()
	if got := s.Tenant.Writes(); len(got) != n {
		t.Fatalf("Defender received %d writes, want %d: %+v", len(got), n, got)
	}
}
