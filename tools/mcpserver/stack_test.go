package mcpserver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
	"scanwarden/tools/mcpserver/auth"
)

const (
	adaToken = "ada-has-a-long-token"
	bobToken = "bob-has-a-long-token"
)

// house is everything from the MCP door to the simulated tenant, over real HTTP.
type house struct {
	tenant *defendertest.Server
	ledger *store.Store
	gate   *confirm.Gate
	server *mcpserver.Server
	url    string
	ahead  atomic.Int64 // seconds by which the gate's clock is ahead

	channels []confirm.Channel  // where changes are put to people; nil means the client
	keeper   auth.Authenticator // nil means that ada and bob have tokens
	readOnly bool
	scanner  string    // a machine id
	behalf   sync.Map  // in whose name Defender was called
	between  *between  // what happens at the ledger; nil is nothing
	log      logBuffer // what the server logged
}

func newHouse(t testing.TB, alter ...func(*confirm.Policy)) *house {
	t.Helper()
	return newHouseAsking(t, nil, alter...)
}

func newHouseAsking(t testing.TB, channels []confirm.Channel, alter ...func(*confirm.Policy)) *house {
	t.Helper()
	h := &house{channels: channels}
	h.build(t, alter...)
	return h
}

// build builds the house as it is configured.
func (h *house) build(t testing.TB, alter ...func(*confirm.Policy)) {
	t.Helper()
	h.tenant = defendertest.New(defendertest.Options{Empty: true})
	h.scanner = h.tenant.AddScanner("scanner-1.example.com", time.Now())
	api := httptest.NewServer(h.tenant)
	t.Cleanup(func() { h.tenant.Close(); api.Close() })
	policy := confirm.Policy{Approvers: []string{"token:ada"}, SelfApproval: true}
	for _, f := range alter {
		f(&policy)
	}
	back := h.rooms(t, policy, api.URL)
	h.serve(t, back)
}

// rooms builds what stands behind the door.
func (h *house) rooms(t testing.TB, policy confirm.Policy, api string) *mcpserver.Backend {
	t.Helper()
	dir := t.TempDir()
	ledger, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	cfg := defender.Config{URL: api, Token: func(_ context.Context, want defender.TokenRequest) (string, error) {
		h.behalf.Store(confirm.Principal(want.Actor.User), true)
		return "simulator", nil
	}}
	reader, err := defender.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := defender.NewWriter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	executor := tools.NewExecutor(reader, writer, nil)
	clock := func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load()) * time.Second) }
	h.ledger = ledger
	var kept confirm.Store = ledger
	if h.between != nil {
		h.between.Store = ledger
		kept = h.between
	}
	h.gate = confirm.New(confirm.Config{
		Store: kept, Policy: policy, Target: "simulator", Now: clock,
		Execute: executor.Execute, Reconcile: executor.Reconcile,
	})
	t.Cleanup(func() {
		if err := h.gate.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	desk := tools.NewService(tools.Config{Reader: reader, Gate: h.gate, Policy: policy, Target: "simulator"})
	return &mcpserver.Backend{Service: desk, Gate: h.gate}
}

func (h *house) serve(t testing.TB, back *mcpserver.Backend) {
	t.Helper()
	if h.channels == nil {
		h.channels = []confirm.Channel{confirm.Client}
	}
	var err error
	h.server, err = mcpserver.New(mcpserver.Config{
		Operations: func() ([]tools.Operation, error) { return tools.Catalogue(nil) }, Version: "test", Channels: h.channels,
		Backend: func(context.Context) (*mcpserver.Backend, error) { return back, nil },
		Key:     func() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil },
		Log:     slog.New(slog.NewTextHandler(&h.log, nil)), ReadOnly: h.readOnly,
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.keeper == nil {
		h.keeper = auth.BearerTokens(map[confirm.Principal][sha256.Size]byte{
			"token:ada": sha256.Sum256([]byte(adaToken)), "token:bob": sha256.Sum256([]byte(bobToken)),
		})
	}
	h.url = h.door(t, h.keeper)
}

// newScan is what the tests propose.
func (h *house) newScan(name string) map[string]any {
	return map[string]any{
		"scanType": "Network", "scanName": name, "isActive": true, "target": "10.20.30.1,10.20.30.2",
		"intervalInHours": 4, "targetType": "Ip", "scannerAgent": map[string]any{"machineId": h.scanner},
		"scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": "scanner"},
	}
}

// leg is one tools/call of a 2026-07-28 client, by hand: nothing of a client library stands between the test
// and the server.
type leg struct {
	token     string // "" means ada's
	tool      string
	args      any
	state     string
	responses map[string]any
	cannotAsk bool
}

// reply is what came back.
type reply struct {
	status int
	raw    string
	Error  *struct{ Message string } `json:"error"`
	Result struct {
		ResultType    string          `json:"resultType"`
		IsError       bool            `json:"isError"`
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

func (h *house) call(t testing.TB, l leg) reply {
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
		params["inputResponses"] = l.responses
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
	if err != nil {
		t.Fatal(err)
	}
	return h.post(t, l.token, body, http.Header{
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {l.tool},
	})
}

func (h *house) post(t testing.TB, token string, body []byte, header http.Header) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url, bytes.NewReader(body))
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
	got := reply{status: res.StatusCode, raw: string(raw)}
	if i := strings.LastIndex(got.raw, "data: "); i >= 0 { // a stream ends with the answer
		raw = raw[i+len("data: "):]
	}
	_ = json.Unmarshal(raw, &got) // what is not JSON has no result, and the test says so
	return got
}

// result returns the structured result of a call that ended.
func (r reply) result(t testing.TB) tools.Result {
	t.Helper()
	var out tools.Result
	if err := json.Unmarshal(r.Result.Structured, &out); err != nil {
		t.Fatalf("no structured result: %v in %d %s", err, r.status, r.raw)
	}
	return out
}

// ends checks the status word of a call that ended.
func (r reply) ends(t testing.TB, status string) tools.Result {
	t.Helper()
	out := r.result(t)
	if out.Status != status {
		t.Fatalf("status is %q, want %q: %s", out.Status, status, r.raw)
	}
	return out
}

var lastLine = regexp.MustCompile(`\n\nTo apply this change, type: ([A-Z0-9]{5})$`)

// message returns what the client is to show its person, and the code in its last line.
func (r reply) message(t testing.TB) (text, code string) {
	t.Helper()
	text = r.Result.InputRequests["confirm"].Params.Message
	found := lastLine.FindStringSubmatch(text)
	if r.Result.ResultType != "input_required" || found == nil {
		t.Fatalf("nobody was asked: %d %s", r.status, r.raw)
	}
	return text, found[1]
}

func accept(code any) map[string]any {
	return map[string]any{"confirm": map[string]any{"action": "accept", "content": map[string]any{"code": code}}}
}

func act(action string) map[string]any {
	return map[string]any{"confirm": map[string]any{"action": action}}
}

// confirmed carries a change through both legs.
func (h *house) confirmed(t testing.TB, tool string, args any) reply {
	t.Helper()
	first := h.call(t, leg{tool: tool, args: args})
	_, code := first.message(t)
	return h.call(t, leg{tool: tool, args: args, state: first.Result.RequestState, responses: accept(code)})
}

// writes fails unless the tenant took exactly n writes.
func (h *house) writes(t testing.TB, n int) {
	t.Helper()
	if got := h.tenant.Writes(); len(got) != n {
		t.Fatalf("Defender took %d writes, want %d: %+v", len(got), n, got)
	}
}
