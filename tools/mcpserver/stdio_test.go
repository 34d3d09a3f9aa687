package mcpserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
)

// stdioClient is a client of a stdio server. Its tests do not run in parallel, because the library has one stdio
// session per process.
type stdioClient struct {
	t     *testing.T
	in    *io.PipeWriter
	out   *bufio.Scanner
	ended chan error
	next  int
}

func (s *stack) startStdio(t *testing.T) *stdioClient {
	t.Helper()
	fromClient, in := io.Pipe()
	out, toClient := io.Pipe()
	w := &stdioClient{t: t, in: in, out: bufio.NewScanner(out), ended: make(chan error, 1)}
	w.out.Buffer(nil, 4<<20)
	go func() {
		err := s.server.ServeStdio(t.Context(), fromClient, toClient, "local:ada")
		toClient.Close()
		w.ended <- err
	}()
	t.Cleanup(func() { in.Close(); out.Close() })
	return w
}

// rpcMessage is any message from the server.
type rpcMessage struct {
	ID     json.RawMessage
	Method string
	Params struct{ Message string }
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (w *stdioClient) send(message string) {
	w.t.Helper()
	if _, err := io.WriteString(w.in, message+"\n"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *stdioClient) read() rpcMessage {
	w.t.Helper()
	if !w.out.Scan() {
		w.t.Fatalf("the server sends no more messages: %v", w.out.Err())
	}
	var l rpcMessage
	if err := json.Unmarshal(w.out.Bytes(), &l); err != nil {
		w.t.Fatalf("not JSON: %s", w.out.Bytes())
	}
	return l
}

func (w *stdioClient) request(method string, params any) (id int) {
	w.t.Helper()
	w.next++
	text, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": w.next, "method": method, "params": params})
	if err != nil {
		w.t.Fatal(err)
	}
	w.send(string(text))
	return w.next
}

func (w *stdioClient) initialize() {
	w.t.Helper()
	w.send(initializeRequest)
	if got := w.read(); got.Error != nil {
		w.t.Fatalf("initialize: %+v", got)
	}
	w.next = 1
}

func TestOneClientOverStdio(t *testing.T) {
	s := newStack(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
	w := s.startStdio(t)
	w.initialize()
	id := w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan("Over stdio")})
	prompt := w.read()
	if prompt.Method != "elicitation/create" {
		t.Fatalf("the local user gets no prompt: %+v", prompt)
	}
	code := codeLine.FindStringSubmatch(prompt.Params.Message)[1]
	w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"code":%q}}}`, prompt.ID, code))
	if got := w.read(); string(got.ID) != fmt.Sprint(id) || !strings.Contains(string(got.Result), `"applied"`) {
		t.Fatalf("got %+v %s", got, got.Result)
	}
	s.wantWrites(t, 1)
	w.closeAndWait()
}

// closeAndWait closes the input and waits until the server has ended.
func (w *stdioClient) closeAndWait() {
	w.t.Helper()
	w.in.Close()
	for w.out.Scan() {
	}
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
	case <-time.After(time.Minute):
		w.t.Error("the server does not end with its input")
	}
}

// The library cancels all calls when input ends. A client that pipes in a request and closes still gets the answer.
func TestCallsAreAnsweredAfterTheEndOfInput(t *testing.T) {
	s := newStack(t)
	s.Tenant.Fail(defendertest.Fault{Path: "DeviceAuthenticatedScanAgents", Delay: 300 * time.Millisecond})
	w := s.startStdio(t)
	w.send(initializeRequest)
	w.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_scanners","arguments":{}}}`)
	w.in.Close()
	for range 2 {
		if got := w.read(); got.Error != nil || strings.Contains(string(got.Result), `"isError":true`) {
			t.Errorf("request %s: %s %+v", got.ID, got.Result, got.Error)
		}
	}
	w.closeAndWait()
}

func TestAPromptIsNotAnsweredByTheEndOfInput(t *testing.T) {
	s := newStack(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
	w := s.startStdio(t)
	w.initialize()
	w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan("Left alone")})
	if got := w.read(); got.Method != "elicitation/create" {
		t.Fatalf("got %+v", got)
	}
	w.closeAndWait()
	s.wantWrites(t, 0)
}

func TestAnEndlessLineIsAParseError(t *testing.T) {
	s := newStack(t)
	w := s.startStdio(t)
	go func() {
		_, _ = io.WriteString(w.in, `{"jsonrpc":"2.0","id":1,"method":"`+strings.Repeat("x", 3<<20)+"\"}\n"+initializeRequest+"\n")
	}()
	if got := w.read(); got.Error == nil || !strings.Contains(got.Error.Message, "Parse") {
		t.Errorf("got %+v", got)
	}
	if got := w.read(); got.Error != nil {
		t.Errorf("the next line is not served: %+v", got)
	}
	w.closeAndWait()
}

// With twenty open prompts, all other calls are still answered.
func TestOpenPromptsDoNotBlockTheServer(t *testing.T) {
	s := newStack(t, func(p *confirm.Policy) { p.Approvers, p.SelfApproval = nil, false })
	w := s.startStdio(t)
	w.initialize()
	for i := range 20 {
		w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan(fmt.Sprint("Scan ", i))})
	}
	for range 20 {
		if got := w.read(); got.Method != "elicitation/create" {
			t.Fatalf("got %+v", got)
		}
	}
	id := w.request("tools/call", map[string]any{"name": "list_scanners", "arguments": map[string]any{}})
	if got := w.read(); string(got.ID) != fmt.Sprint(id) || got.Error != nil {
		t.Errorf("got %+v", got)
	}
	id = w.request("tools/call", map[string]any{"name": "add_scan", "arguments": s.newScan("One too many")})
	if got := w.read(); string(got.ID) != fmt.Sprint(id) || !strings.Contains(string(got.Result), `"refused"`) {
		t.Errorf("a 21st change is not refused: %+v %s", got, got.Result)
	}
	w.closeAndWait()
	s.wantWrites(t, 0)
}

func TestAProcessServesOneStdioClient(t *testing.T) {
	s := newStack(t)
	w := s.startStdio(t)
	w.initialize()
	other := newStack(t)
	if err := other.server.ServeStdio(t.Context(), strings.NewReader(""), io.Discard, "local:bob"); err == nil {
		t.Error("a second client was served in the session of the first")
	}
	w.closeAndWait()
}
