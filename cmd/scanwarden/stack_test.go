package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/defendertest"
)

// waitTimeout bounds every wait of these tests. Only a failure takes that long.
const waitTimeout = time.Minute

// exitTimeout bounds the end of a process after a signal. The promise is ten seconds, which a busy machine can miss; what
// would hold a process up in these tests lasts minutes.
const exitTimeout = 45 * time.Second

const (
	bearerToken  = "interop-token-0123456789"
	authPassword = "canary-7Qx9-auth-password"
	privPassword = "canary-4Zk2-priv-password"
)

// stack is one installation: a simulated tenant in this process, a state directory, and the environment that connects
// the program with both.
type stack struct {
	t       *testing.T
	tenant  *defendertest.Server
	state   string
	env     []string
	logs    *sharedBuffer // stderr of every process
	program string        // what is run; "" is the test's own binary
}

// newStack returns an installation in which no server runs.
func newStack(t *testing.T) *stack {
	t.Helper()
	tenant := defendertest.New(defendertest.Options{})
	api := httptest.NewServer(tenant)
	t.Cleanup(func() { tenant.Close(); api.Close() })
	s := &stack{t: t, tenant: tenant, state: filepath.Join(t.TempDir(), "state"), logs: &sharedBuffer{}}
	s.env = []string{
		"SCANWARDEN_STATE_DIR=" + s.state, "SCANWARDEN_DEFENDER_URL=" + api.URL,
		"CORE_SNMP_AUTH=" + authPassword, "CORE_SNMP_PRIV=" + privPassword, "SCANWARDEN_LOG_LEVEL=debug",
		"SCANWARDEN_BROWSER=none", // or a test would open one on the developer's desktop
	}
	s.configure(namedCredential)
	return s
}

// configure gives the installation another configuration file.
func (s *stack) configure(text string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "scanwarden.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "SCANWARDEN_CONFIG="+file)
}

const namedCredential = `
credentials:
  core-snmp:
    type: AuthPriv
    username: username
    authProtocol: SHA1
    authPassword: {env: CORE_SNMP_AUTH}
    privProtocol: AES
    privPassword: {env: CORE_SNMP_PRIV}
`

// command returns a command of the program, not started yet. It inherits no environment.
func (s *stack) command(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(cmp.Or(s.program, programPath(s.t)), args...)
	cmd.Env, cmd.Stderr = s.env, s.logs
	return cmd
}

// output runs a command to its end and returns what it prints.
func (s *stack) output(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).Output()
	if err != nil {
		s.t.Fatalf("scanwarden %s: %v\n%s", strings.Join(args, " "), err, s.logs)
	}
	return string(out)
}

// changes returns what `scanwarden changes --json` prints.
func (s *stack) changes() []changeLine {
	s.t.Helper()
	var lines []changeLine
	if err := json.Unmarshal([]byte(s.output("changes", "--json")), &lines); err != nil {
		s.t.Fatal(err)
	}
	return lines
}

// transports are the two ways to connect a client. Each starts the program and returns how a client connects and how to
// kill it.
var transports = map[string]func(*testing.T, *stack) (mcp.Transport, func() error){"stdio": overStdio, "http": overHTTP}

func overStdio(_ *testing.T, s *stack) (mcp.Transport, func() error) {
	cmd := s.command("stdio")
	return &mcp.CommandTransport{Command: cmd, TerminateDuration: waitTimeout}, func() error { return cmd.Process.Kill() }
}

func overHTTP(t *testing.T, s *stack) (mcp.Transport, func() error) {
	served := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken, "SCANWARDEN_APPROVERS=token:default", "SCANWARDEN_SELF_APPROVAL=true")
	return &mcp.StreamableClientTransport{
		Endpoint: served.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
	}, served.process.Kill
}

type bearerTransport struct{}

func (bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+bearerToken)
	return http.DefaultTransport.RoundTrip(r)
}

// serveProcess is a running `scanwarden serve`.
type serveProcess struct {
	url     string
	process *os.Process
	ended   chan struct{} // closed when it has ended
	err     error         // how, once it has
}

// serve starts `scanwarden serve` and waits until it logs its address.
func (s *stack) serve(t *testing.T, env ...string) *serveProcess {
	t.Helper()
	return s.serveAs(t, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, env...) })
}

// serveAs is serve with a changed command.
func (s *stack) serveAs(t *testing.T, change func(*exec.Cmd)) *serveProcess {
	t.Helper()
	cmd := s.command("serve", "--listen", "127.0.0.1:0", "--log-format", "json")
	change(cmd)
	listening := make(chan string, 1)
	cmd.Stderr = &logWatcher{sharedBuffer: s.logs, listening: listening}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run := &serveProcess{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		defer close(run.ended)
		run.err = cmd.Wait()
	}()
	t.Cleanup(func() { run.end(t) })
	select {
	case run.url = <-listening:
	case <-run.ended:
		t.Fatalf("serve ended: %v\n%s", run.err, s.logs)
	case <-time.After(waitTimeout):
		t.Fatalf("serve does not listen\n%s", s.logs)
	}
	return run
}

// end sends SIGTERM and waits until the process has ended.
func (s *serveProcess) end(t *testing.T) {
	t.Helper()
	_ = s.process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(waitTimeout):
		t.Error("serve did not end on SIGTERM")
		_ = s.process.Kill()
	}
}

// endsWell is end, and checks the time and that the exit code is 0.
func (s *serveProcess) endsWell(t *testing.T) {
	t.Helper()
	s.endsWith(t, syscall.SIGTERM, 0)
}

// endsWith sends the signal, waits for the end of the process, and checks the time and the exit code.
func (s *serveProcess) endsWith(t *testing.T, signal os.Signal, code int) {
	t.Helper()
	began := time.Now()
	_ = s.process.Signal(signal)
	select {
	case <-s.ended:
	case <-time.After(waitTimeout):
		t.Errorf("the process did not end on %v", signal)
		_ = s.process.Kill()
		return
	}
	var exit *exec.ExitError
	got := 0
	if s.err != nil {
		got = -1
	}
	if errors.As(s.err, &exit) {
		got = exit.ExitCode()
	}
	if took := time.Since(began); got != code || took > exitTimeout {
		t.Errorf("%v: %v after %s, want exit code %d", signal, s.err, took, code)
	}
}

// logWatcher waits for the log line with the URL.
type logWatcher struct {
	*sharedBuffer
	listening chan<- string
	line      []byte
}

func (w *logWatcher) Write(b []byte) (int, error) {
	w.line = append(w.line, b...)
	for {
		line, rest, ok := bytes.Cut(w.line, []byte("\n"))
		if !ok {
			return w.sharedBuffer.Write(b)
		}
		var entry struct{ Msg, URL string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "listening" {
			w.listening <- entry.URL
		}
		w.line = rest
	}
}

// sharedBuffer is a buffer that several processes write to.
type sharedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// promptHandler answers a prompt of a foreign client.
type promptHandler func(message string) *mcp.ElicitResult

// typeCode reads the code in the last line of a prompt and types it.
func typeCode(message string) *mcp.ElicitResult {
	code := codeOf(message)
	return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"code": code}}
}

// protocolVersions are the protocol revisions that a foreign client asks for: the one without a handshake, and the last
// one with it.
var protocolVersions = map[string]string{"modern": "2026-07-28", "legacy": "2025-11-25"}

// connectClient connects the official Go SDK's client. A nil promptHandler is a client that cannot show prompts.
func connectClient(t *testing.T, transport mcp.Transport, era string, person promptHandler, more ...func(*mcp.ClientOptions)) *mcp.ClientSession {
	t.Helper()
	options := &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}}
	for _, alter := range more {
		alter(options)
	}
	if person != nil {
		options.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return person(r.Params.Message), nil
		}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "foreign", Version: "1"}, options)
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	s, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: protocolVersions[era]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if got := s.InitializeResult().ProtocolVersion; got != protocolVersions[era] {
		t.Fatalf("the protocol spoken is %q, want %q", got, protocolVersions[era])
	}
	return s
}

// callTool calls a tool and returns its structured result.
func callTool(t *testing.T, s *mcp.ClientSession, tool string, args map[string]any) toolResult {
	t.Helper()
	r, err := tryCallTool(t.Context(), s, tool, args)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return r
}

func tryCallTool(ctx context.Context, s *mcp.ClientSession, tool string, args map[string]any) (toolResult, error) {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	var r toolResult
	answer, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return r, err
	}
	text, err := json.Marshal(answer.StructuredContent)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// toolResult is what a foreign client receives, decoded with the contract's names by this test alone.
type toolResult struct {
	Status    string           `json:"status"`
	ChangeID  string           `json:"change_id"`
	Operation string           `json:"operation"`
	Scans     []map[string]any `json:"scans"`
	DecidedBy string           `json:"decided_by"`
	Reason    string           `json:"reason"`
	Next      string           `json:"next"`
}
