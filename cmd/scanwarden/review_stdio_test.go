package main

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestReviewConfirmsForAClientWithoutPrompts: a client that shows no prompts proposes over `scanwarden stdio --simulator`,
// and its user confirms an update and denies a delete in `scanwarden review --simulator`. The code reaches no tool result.
func TestReviewConfirmsForAClientWithoutPrompts(t *testing.T) {
	t.Parallel()
	for era := range protocolVersions {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			cmd := s.command("stdio", "--simulator")
			client := connectClient(t, &mcp.CommandTransport{Command: cmd, TerminateDuration: waitTimeout}, era, nil)
			update := callTool(t, client, "update_scan", map[string]any{"id": "Core switches", "intervalInHours": 24})
			if update.Status != "awaiting_confirmation" || !strings.Contains(update.Next, "scanwarden review") {
				t.Fatalf("the update is %+v", update)
			}
			r := startTerminal(t, s.env, "review", "--simulator", update.ChangeID)
			code := reviewCode.FindStringSubmatch(screen(t, r.expect(backPrompt)))
			if code == nil || strings.Contains(update.Reason+update.Next, code[1]) {
				t.Fatalf("the code is %q", code)
			}
			r.write(code[1] + "\n")
			if all, exit := r.end(); exit != 0 || !strings.Contains(all, "sent once, and Defender has it") {
				t.Fatalf("exit %d:\n%s", exit, all)
			}
			wait := map[string]any{"change_id": update.ChangeID, "wait_seconds": 10}
			if got := callTool(t, client, "get_change", wait); got.Status != "applied" || !strings.HasPrefix(got.DecidedBy, "local:") {
				t.Errorf("the update is %+v", got)
			}

			gone := callTool(t, client, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Core switches"}})
			r = startTerminal(t, s.env, "review", "--simulator")
			r.expect("Enter to leave: ")
			r.write("1\n")
			r.expect(backPrompt)
			r.write("no\n")
			r.expect("Enter for none: ")
			r.write("still needed\n")
			r.expect("Nothing waits for you")
			if all, exit := r.end(); exit != 0 {
				t.Errorf("exit %d:\n%s", exit, all)
			}
			wait["change_id"] = gone.ChangeID
			if got := callTool(t, client, "get_change", wait); got.Status != "denied" || got.Reason != "still needed." {
				t.Errorf("the delete is %+v", got)
			}
		})
	}
}
