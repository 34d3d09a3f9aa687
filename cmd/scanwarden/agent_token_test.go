package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestAgentTokensNeverDecide: the token of an agent calls tools. Its client's prompt confirms nothing, and it does not sign
// in to the pages, though the policy lists it as an approver. A person's token does.
func TestAgentTokensNeverDecide(t *testing.T) {
	t.Parallel()
	const robotToken = "robot-" + bearerToken
	s := newStack(t)
	file := filepath.Join(t.TempDir(), "scanwarden.yaml")
	settings := "http: {tokens: {ada: {env: ADA_TOKEN}, robot: {env: ROBOT_TOKEN}}, agent_tokens: [robot]}\n" +
		"policy: {approvers: [token:ada, token:robot], self_approval: true}\nconfirm_with: [client, page]\n"
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	run := s.serve(t, "SCANWARDEN_CONFIG="+file, "ADA_TOKEN="+bearerToken, "ROBOT_TOKEN="+robotToken)
	c := connectClient(t, &mcp.StreamableClientTransport{Endpoint: run.url, HTTPClient: &http.Client{Transport: tokenTransport(robotToken)}}, "modern", typeCode)
	asked := callTool(t, c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
	if asked.Status == "applied" || len(s.tenant.Writes()) != 0 {
		t.Fatalf("the agent's client confirms: %+v", asked)
	}
	b := newPageBrowser(t, strings.TrimSuffix(run.url, "/mcp"), nil)
	if status, page := b.post(t, "/signin/token", url.Values{"token": {robotToken}}); status != http.StatusForbidden || strings.Contains(page, "Branch routers") {
		t.Errorf("the agent signs in: %d: %s", status, page)
	}
	if status, page := b.post(t, "/signin/token", url.Values{"token": {bearerToken}, "return": {"/changes/" + asked.ChangeID}}); status != http.StatusOK || !strings.Contains(page, "Branch routers") {
		t.Errorf("Ada signs in: %d: %s", status, page)
	}
}
