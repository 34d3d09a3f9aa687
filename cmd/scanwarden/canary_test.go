package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/tools/toolstest"
)

// TestNoSecretLeavesTheProgram: a secret that a client types into any field is in no answer, and nowhere in what the
// program logs at its most talkative level, counts, or writes to its state directory.
func TestNoSecretLeavesTheProgram(t *testing.T) {
	t.Parallel()
	const canary = "canary-0ddba11-do-not-leak"
	scan := documentedScan(t, "add.json")
	delete(scan, "credential")
	calls := toolstest.CanaryCalls(t, canary, scan, "core-snmp")
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			transport, _ := connect(t, s)
			c := connectClient(t, transport, "modern", answerWith("decline", nil))
			for i, call := range calls {
				if call.Hidden && i%13 == 0 { // fewer than a caller may send at once over HTTP
					wantNoCanary(t, c, call, canary)
				}
			}
			if endpoint, ok := transport.(*mcp.StreamableClientTransport); ok {
				if _, page := httpGet(t, strings.TrimSuffix(endpoint.Endpoint, "/mcp")+"/metrics"); strings.Contains(page, canary) {
					t.Error("the metrics have the canary")
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if logs := s.logs.String(); strings.Contains(logs, canary) || !strings.Contains(logs, "refused") || !strings.Contains(logs, "rule") {
				t.Errorf("the log has the canary, or no refusals:\n%s", logs)
			}
			wantNoFileWith(t, s.state, canary)
		})
	}
}

func wantNoCanary(t *testing.T, c *mcp.ClientSession, call toolstest.CanaryCall, canary string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	answer, err := c.CallTool(ctx, &mcp.CallToolParams{Name: call.Operation, Arguments: call.Arguments})
	if err != nil {
		t.Fatalf("%s: %v", call.Name, err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if !answer.IsError || strings.Contains(string(text), canary) || call.Named && !strings.Contains(string(text), "is a secret") {
		t.Errorf("%s: %s", call.Name, text)
	}
}

// wantNoFileWith fails the test if a file below dir has the text, or if there is none.
func wantNoFileWith(t *testing.T, dir, text string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), text) {
			t.Errorf("%s has the canary", path)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d files: %v", found, err)
	}
}
