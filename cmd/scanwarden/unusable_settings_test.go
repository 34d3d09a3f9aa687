package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestUnusableSettingsAreSaidInEveryToolCall: a client shows neither the exit code nor the log of a server that ends, so
// stdio completes the handshake, and every tool call names the setting.
func TestUnusableSettingsAreSaidInEveryToolCall(t *testing.T) {
	t.Parallel()
	azure := []string{"AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555", "AZURE_CLIENT_ID=66666666-7777-8888-9999-000000000000",
		"AZURE_CLIENT_SECRET=canary-secret", "SCANWARDEN_DEFENDER_URL="}
	for name, tt := range map[string]struct {
		env  []string
		want []string
	}{
		"a misspelled name":      {[]string{"SCANWARDEN_APPROVER=token:ada"}, []string{"SCANWARDEN_APPROVER", "did you mean SCANWARDEN_APPROVERS?"}},
		"a duration in days":     {[]string{"SCANWARDEN_EXPIRES=30d"}, []string{"SCANWARDEN_EXPIRES", "168h"}},
		"several mistakes":       {[]string{"SCANWARDEN_CLOUD=mars", "SCANWARDEN_LOG_LEVEL=loud"}, []string{"SCANWARDEN_CLOUD", "SCANWARDEN_LOG_LEVEL"}},
		"a placeholder":          {[]string{"AZURE_TENANT_ID=<your-tenant-id>", "SCANWARDEN_DEFENDER_URL="}, []string{"AZURE_TENANT_ID is a placeholder"}},
		"a token placeholder":    {[]string{"SLACK_BOT_TOKEN=xoxb-...", "SLACK_APP_TOKEN=xapp-..."}, []string{"SLACK_BOT_TOKEN", "placeholder"}},
		"no file":                {[]string{"SCANWARDEN_CONFIG=/nowhere/scanwarden.yaml"}, []string{"SCANWARDEN_CONFIG", "/nowhere/scanwarden.yaml"}},
		"a secret in UTF-16":     {append([]string{"CORE_SNMP_AUTH=\xff\xfecanary-auth"}, azure...), []string{"CORE_SNMP_AUTH", "UTF-16"}},
		"a missing secret":       {append([]string{"CORE_SNMP_AUTH="}, azure...), []string{"CORE_SNMP_AUTH", "not set"}},
		"a missing certificate":  {append([]string{"AZURE_CLIENT_SECRET=", "AZURE_CLIENT_CERTIFICATE_PATH=/nowhere/app.pem"}, azure[:2]...), []string{"AZURE_CLIENT_CERTIFICATE_PATH"}},
		"two credentials":        {append([]string{"AZURE_CLIENT_CERTIFICATE_PATH=/nowhere/app.pem"}, azure...), []string{"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"}},
		"a state directory":      {[]string{"SCANWARDEN_STATE_DIR=" + filepath.Join("/dev/null", "x")}, []string{"SCANWARDEN_STATE_DIR"}},
		"a state with variables": {[]string{"SCANWARDEN_STATE_DIR=${HOME}/.scanwarden"}, []string{"SCANWARDEN_STATE_DIR", "variable"}},
		"no database":            {[]string{"SCANWARDEN_DATABASE_URL=postgres://u:canary-password@127.0.0.1:1/d"}, []string{"SCANWARDEN_DATABASE_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			s.env = append(s.env, tt.env...)
			c := connectClient(t, &mcp.CommandTransport{Command: s.command("stdio"), TerminateDuration: waitTimeout}, "legacy", nil)
			for _, tool := range []string{"list_scans", "delete_scans", "list_scans"} {
				r := callTool(t, c, tool, map[string]any{"scanDefinitionIds": []string{"Core switches"}})
				if r.Status != "refused" {
					t.Fatalf("%s: %+v", tool, r)
				}
				for _, want := range tt.want {
					if !strings.Contains(r.Reason, want) {
						t.Errorf("%s: the reason lacks %q: %s", tool, want, r.Reason)
					}
				}
				if strings.Contains(r.Reason+r.Next, "canary") {
					t.Errorf("%s repeats a secret: %+v", tool, r)
				}
			}
			if log := s.logs.String(); strings.Contains(log, "canary") || !strings.Contains(log, "every tool call will be refused") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestServeWithAPlaceholder: what the sign-in lacks does not stop a server, and is said in every tool call.
func TestServeWithAPlaceholder(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	served := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken, "SCANWARDEN_DEFENDER_URL=", "AZURE_TENANT_ID=<your-tenant-id>",
		"AZURE_CLIENT_ID=${CLIENT_ID}", "AZURE_CLIENT_SECRET=changeme")
	c := connectClient(t, &mcp.StreamableClientTransport{
		Endpoint: served.url, HTTPClient: &http.Client{Transport: bearerTransport{}}, DisableStandaloneSSE: true,
	}, "modern", nil)
	for range 2 {
		if r := callTool(t, c, "list_scans", map[string]any{}); r.Status != "refused" || !strings.Contains(r.Reason, "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID are placeholders") {
			t.Errorf("%+v", r)
		}
	}
}
