package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestWaitOutlivesReadTimeout: a call that waits for a person is not ended by the deadline for reading it
// (net/http keeps reading in the background, to notice a caller who hangs up), and a caller who does not
// finish sending is.
func TestWaitOutlivesReadTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		var readTimeout time.Duration
		wire := newPipeListener()
		server := &httptest.Server{Listener: wire, Config: (&Builder{cfg: &Config{}}).newHTTPServer(t.Context(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				ended <- err
				return
			}
			select {
			case <-r.Context().Done():
				ended <- context.Cause(r.Context())
			case <-time.After(4 * readTimeout):
				ended <- nil
			}
		}))}
		readTimeout = server.Config.ReadTimeout
		server.Start()
		defer server.Close()
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return wire.dial(ctx) }}
		defer transport.CloseIdleConnections()

		begin := time.Now()
		answer, err := (&http.Client{Transport: transport}).Post("http://scans.example", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if err := <-ended; err != nil || time.Since(begin) != 4*readTimeout {
			t.Errorf("a waiting call was ended after %v: %v", time.Since(begin), err)
		}

		conn, err := wire.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		begin = time.Now()
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || time.Since(begin) != readTimeout {
			t.Errorf("a caller who does not finish a body was ended after %v (%v), want %v", time.Since(begin), err, readTimeout)
		}
	})
}

// TestServerIsBounded: the longest wait of a call fits in the write timeout, and nothing is without a bound.
func TestServerIsBounded(t *testing.T) {
	c := loadConfig(t, "", Environment{"SCANWARDEN_EXPIRES": "1h"})
	s := (&Builder{cfg: c}).newHTTPServer(t.Context(), nil)
	if s.WriteTimeout <= time.Hour || s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("bounds: %+v", s)
	}
}

// TestOpensByItself: a ledger is opened although no client ever says a word, for what a crash left behind
// waits in it.
func TestOpensByItself(t *testing.T) {
	c := loadConfig(t, "", Environment{"SCANWARDEN_STATE_DIR": t.TempDir()})
	c.Simulator = true
	b := &Builder{cfg: c, log: slog.New(slog.DiscardHandler)}
	back := b.buildInBackground(t.Context(), func(err error) { t.Error(err) })
	select {
	case <-back.built:
	case <-time.After(waitTimeout):
		t.Fatal("it waits for a client")
	}
	if err := back.health(t.Context()); err != nil {
		t.Error(err)
	}
	if err := back.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSchemaIsWhatMCPLists compares `scanwarden schema` with the raw tools/list of the same binary.
func TestSchemaIsWhatMCPLists(t *testing.T) {
	s := newStack(t)
	requests := filepath.Join(t.TempDir(), "requests.jsonl")
	list := initializeLine + `{"jsonrpc":"2.0","id":2,"method":"tools/list"}` + "\n"
	if err := os.WriteFile(requests, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	var answers bytes.Buffer
	if err := converse(requests, s.command("stdio"), &answers); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(answers.String()), "\n")
	var reply struct {
		Result struct{ Tools []map[string]any }
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &reply); err != nil {
		t.Fatal(err)
	}
	var printed []map[string]any
	if err := json.Unmarshal([]byte(s.output("schema")), &printed); err != nil {
		t.Fatal(err)
	}
	byName := func(tools []map[string]any) map[string]map[string]any {
		all := map[string]map[string]any{}
		for _, tool := range tools {
			all[tool["name"].(string)] = tool
		}
		return all
	}
	if diff := cmp.Diff(byName(reply.Result.Tools), byName(printed)); diff != "" || len(printed) == 0 {
		t.Errorf("schema differs from tools/list (-list +schema):\n%s", diff)
	}
}

// TestSignalWhileAPersonDecides: a call that hangs until its person answers does not hold up the end, and
// nothing is written on the way.
func TestSignalWhileAPersonDecides(t *testing.T) {
	s := newStack(t)
	served := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken, "SCANWARDEN_APPROVERS=token:default", "SCANWARDEN_SELF_APPROVAL=true")
	asked, over := make(chan struct{}), make(chan struct{})
	transport := &mcp.StreamableClientTransport{
		Endpoint: served.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
	}
	c := connectClient(t, transport, "legacy", func(message string) *mcp.ElicitResult {
		close(asked)
		<-over
		return typeCode(message)
	})
	called := make(chan struct{})
	go func() {
		defer close(called)
		_, _ = tryCallTool(t.Context(), c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Core switches"}})
	}()
	<-asked
	served.endsWell(t)
	close(over)
	<-called
	if writes := writesOf(s); len(writes) != 0 {
		t.Errorf("written: %v", writes)
	}
}

// TestSignalOverStdio: SIGTERM ends a stdio server whose client is still there, and is no failure.
func TestSignalOverStdio(t *testing.T) {
	s := newStack(t)
	cmd := s.command("stdio")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, initializeLine); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	run := &serveProcess{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		defer close(run.ended)
		run.err = cmd.Wait()
	}()
	run.endsWell(t)
}

// TestSignalWhileTrying: Ctrl-C at a question of try ends it, and what it kept in a temporary place is gone.
func TestSignalWhileTrying(t *testing.T) {
	s := newStack(t)
	tmp := t.TempDir()
	cmd := s.command("try")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	screen := bufio.NewReader(stdout)
	if _, err := screen.ReadString('['); err != nil { // "Apply this change? [y/N]"
		t.Fatal(err)
	}
	run := &serveProcess{process: cmd.Process, ended: make(chan struct{})}
	go func() {
		defer close(run.ended)
		_, _ = io.Copy(io.Discard, screen)
		run.err = cmd.Wait()
	}()
	run.endsWell(t)
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
