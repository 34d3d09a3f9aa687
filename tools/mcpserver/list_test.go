package mcpserver_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// listBudget bounds tools/list in bytes: 3,000 tokens of four bytes.
const listBudget = 3000 * 4

// listTools returns the answer to tools/list, whole and by tool.
func (s *stack) listTools(t testing.TB) (whole []byte, each map[string]json.RawMessage) {
	t.Helper()
	body := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`)
	got := s.postMessage(t, "", body, http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/list"}})
	var answer struct {
		Result struct{ Tools []json.RawMessage }
	}
	if err := json.Unmarshal([]byte(got.raw), &answer); err != nil {
		t.Fatalf("%v in %s", err, got.raw)
	}
	each = map[string]json.RawMessage{}
	for _, tool := range answer.Result.Tools {
		var head struct{ Name string }
		if err := json.Unmarshal(tool, &head); err != nil {
			t.Fatal(err)
		}
		each[head.Name] = tool
	}
	return []byte(got.raw), each
}

// A golden file contains a tool as clients receive it. A changed file is a changed interface.
func TestGoldenToolsList(t *testing.T) {
	t.Parallel()
	_, each := newStack(t).listTools(t)
	for name, tool := range each {
		file := filepath.Join("testdata", "tools", name+".json")
		var got bytes.Buffer
		if err := json.Indent(&got, tool, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v: run go test -run Golden -update, and review the file as the interface it is", err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s differs from its golden file (-file +list):\n%s", name, diff)
		}
	}
	golden, err := filepath.Glob(filepath.Join("testdata", "tools", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(golden) != len(each) {
		t.Errorf("there are %d golden files for %d tools: %v", len(golden), len(each), golden)
	}
}

func TestTheListFitsItsBudget(t *testing.T) {
	t.Parallel()
	whole, each := newStack(t).listTools(t)
	t.Logf("tools/list: %d tools, %d bytes, %d tokens", len(each), len(whole), len(whole)/4)
	if len(whole) > listBudget {
		t.Errorf("tools/list takes %d bytes, and may take %d: shorten descriptions", len(whole), listBudget)
	}
}

func TestEveryToolHasAllHints(t *testing.T) {
	t.Parallel()
	_, each := newStack(t).listTools(t)
	for name, tool := range each {
		var got struct {
			Title        string
			Description  string
			OutputSchema struct{ Type string }
			Annotations  map[string]*bool
		}
		if err := json.Unmarshal(tool, &got); err != nil {
			t.Fatal(err)
		}
		for _, hint := range []string{"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} {
			if got.Annotations[hint] == nil {
				t.Errorf("%s has no %s", name, hint)
			}
		}
		if got.Title == "" || got.Description == "" || got.OutputSchema.Type != "object" {
			t.Errorf("%s lacks a title, a description or an output schema of an object", name)
		}
	}
}
