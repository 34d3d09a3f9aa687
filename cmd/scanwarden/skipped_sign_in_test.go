package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/defendertest"
)

// TestASkippedSignInIsSaid: what answers on a plain http URL of this machine is taken for the simulator, and no sign-in is
// made. If it refuses that token, each tool call says so and which settings to correct.
func TestASkippedSignInIsSaid(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	tenant := defendertest.New(defendertest.Options{Token: "a token of Entra ID"})
	api := httptest.NewServer(tenant)
	t.Cleanup(func() { tenant.Close(); api.Close() })
	s.env = append(s.env, "SCANWARDEN_DEFENDER_URL="+api.URL)
	c := connectClient(t, &mcp.CommandTransport{Command: s.command("stdio"), TerminateDuration: waitTimeout}, "legacy", func(string) *mcp.ElicitResult {
		return &mcp.ElicitResult{Action: "decline"}
	})
	for tool, args := range map[string]map[string]any{
		"list_scans": {}, "delete_scans": {"scanDefinitionIds": []string{"Core switches"}},
	} {
		r := callTool(t, c, tool, args)
		said := r.Reason + " " + r.Next
		for _, want := range []string{"401", `the bearer token "simulator"`, "AZURE_TENANT_ID", "SCANWARDEN_DEFENDER_URL"} {
			if r.Status != "refused" || !strings.Contains(said, want) {
				t.Errorf("%s: %+v lacks %q", tool, r, want)
			}
		}
		if strings.Contains(said, "token scope") {
			t.Errorf("%s: the advice for a token of Entra ID is given: %+v", tool, r)
		}
	}
}
