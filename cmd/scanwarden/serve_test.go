package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestSchemaIsWhatMCPLists compares `scanwarden schema` with the raw tools/list of the same binary.
func TestSchemaIsWhatMCPLists(t *testing.T) {
	t.Parallel()
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

// TestSignalWhileAPersonDecides: a call that waits for an approver does not delay the end, and nothing is written.
func TestSignalWhileAPersonDecides(t *testing.T) {
	t.Parallel()
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

// TestSignalOverStdio: SIGTERM and SIGHUP end a stdio server with a connected client, with exit code 0.
func TestSignalOverStdio(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		newStack(t).connectedStdio(t).endsWith(t, signal, 0)
	}
}

// connectedStdio starts `scanwarden stdio` and returns it after the handshake.
func (s *stack) connectedStdio(t *testing.T) *serveProcess {
	t.Helper()
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
	return run
}

// TestSignalWhileTrying: Ctrl-C at a question of try ends it with 130, as a shell reports it, and removes its temporary files.
func TestSignalWhileTrying(t *testing.T) {
	t.Parallel()
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
	run.endsWith(t, syscall.SIGTERM, 130)
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
