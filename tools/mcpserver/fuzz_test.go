package mcpserver_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver"
)

func decodeState(state string) (string, error) {
	payload, _, _ := strings.Cut(state, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	return string(text), err
}

// FuzzRequestState checks that a requestState opens only unchanged, and only for its principal and tool.
func FuzzRequestState(f *testing.F) {
	key := []byte("a key for this test alone")
	sealed, err := mcpserver.SealForTest(key, "01JD", 1, "token:ada", "add_scan")
	if err != nil {
		f.Fatal(err)
	}
	if change, round, err := mcpserver.OpenForTest(key, sealed, "token:ada", "add_scan"); err != nil || change != "01JD" || round != 1 {
		f.Fatalf("the sealed state does not open: %q %d %v", change, round, err)
	}
	f.Add(sealed, "token:ada", "add_scan")
	f.Add(sealed, "token:bob", "add_scan")
	f.Add(sealed, "token:ada", "delete_scans")
	f.Add(sealed+"=", "token:ada", "add_scan")
	f.Add(sealed+"\n", "token:ada", "add_scan")
	f.Add("."+sealed, "token:ada", "add_scan")
	f.Fuzz(func(t *testing.T, state, principal, tool string) {
		_, _, err := mcpserver.OpenForTest(key, state, principal, tool)
		if same := state == sealed && principal == "token:ada" && tool == "add_scan"; (err == nil) != same {
			t.Errorf("open(%q, %q, %q) = %v", state, principal, tool, err)
		}
	})
}

// FuzzNoWrite checks that no call of any tool with any arguments and answers leads to a write. The fuzzer never learns
// a code, and neither does a model.
func FuzzNoWrite(f *testing.F) {
	s := newStack(f, func(p *confirm.Policy) { p.MaxOpenPerRequester = 1 << 20 })
	id := s.Tenant.AddScan(map[string]any{"scanName": "Core", "target": "10.0.0.1"})
	scan, err := json.Marshal(s.newScan("Fuzzed"))
	if err != nil {
		f.Fatal(err)
	}
	first := s.callTool(f, toolCall{tool: "delete_scans", args: map[string]any{"scanDefinitionIds": []string{id}}})
	f.Add("add_scan", string(scan), "", "")
	f.Add("delete_scans", `{"scanDefinitionIds":["`+id+`"]}`, first.Result.RequestState, `{"confirm":{"action":"accept","content":{}}}`)
	f.Add("update_scan", `{"id":"Core","isActive":false}`, "", `{"confirm":{"action":"accept","content":{"code":"AAAAA"}}}`)
	f.Add("withdraw_change", `{"change_id":"01JD"}`, "", "")
	f.Add("get_change", `{}`, "", "")
	f.Add("approve_change", `{}`, "", "")
	f.Fuzz(func(t *testing.T, tool, args, state, responses string) {
		if strings.ContainsFunc(tool, func(r rune) bool { return r < ' ' || r > '~' }) {
			return // cannot travel in the Mcp-Name header
		}
		l := toolCall{tool: tool, state: state}
		if json.Valid([]byte(args)) {
			l.args = json.RawMessage(args)
		}
		_ = json.Unmarshal([]byte(responses), &l.responses)
		s.callTool(t, l)
		s.wantWrites(t, 0)
	})
}
