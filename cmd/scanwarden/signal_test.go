package main

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/defender/defendertest"
)

// TestSignalDuringAWrite: the end waits for a write that Defender is processing, and its outcome is recorded by the
// process that sent it, so that nothing is left to recover.
func TestSignalDuringAWrite(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.tenant.Fail(defendertest.Fault{Method: "POST", Path: "BatchDelete", Apply: true, Delay: 2 * time.Second})
	served := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken, "SCANWARDEN_APPROVERS=token:default", "SCANWARDEN_SELF_APPROVAL=true")
	transport := &mcp.StreamableClientTransport{
		Endpoint: served.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
	}
	c := connectClient(t, transport, "modern", typeCode)
	called := make(chan struct{})
	go func() {
		defer close(called)
		_, _ = tryCallTool(t.Context(), c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Core switches"}})
	}()
	waitFor(t, "the delete to arrive", func() bool { return len(s.tenant.Writes()) == 1 })
	served.endsWell(t)
	<-called
	if got := s.changes()[0]; got.Status != "applied" {
		t.Errorf("after the end: %+v", got)
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	w := environment{ctx: t.Context(), env: config.Environment{"SCANWARDEN_STATE_DIR": t.TempDir()}, stdout: io.Discard, stderr: io.Discard}
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, 2},
		{[]string{"frobnicate"}, 2},
		{[]string{"stdio", "--frobnicate"}, 2},
		{[]string{"audit"}, 2},
		{[]string{"audit", "verify"}, 1}, // there is no ledger
		{[]string{"simulator", "--key-vault-field", "x"}, 1},
	} {
		err := run(w, tt.args)
		if err == nil || exitCode(err) != tt.want {
			t.Errorf("%v: %v, exit code %d, want %d", tt.args, err, exitCode(err), tt.want)
		}
	}
}
