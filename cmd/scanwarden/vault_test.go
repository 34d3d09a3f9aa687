package main

import (
	"io"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/entra/entratest"
)

const vaultSecret = "canary-9Tb2-in-the-vault"

// withVault returns a stack with a credential that is in v.
func withVault(t *testing.T, v *fakeVault, credential string) *entraStack {
	t.Helper()
	s := newEntraStack(t, entratest.Defender)
	v.entra = s.entra
	roots, proxy := v.behindProxy(t)
	s.configure("credentials:\n" + credential)
	s.env = append(s.env, "SSL_CERT_FILE="+roots, "HTTPS_PROXY="+proxy, "SCANWARDEN_APPROVERS=", "SCANWARDEN_SELF_APPROVAL=")
	return s
}

// TestASecretInKeyVault is read when the change is executed, with a token that answers the vault's claims challenge. It
// is sent to Defender and appears nowhere else.
func TestASecretInKeyVault(t *testing.T) {
	t.Parallel()
	s := withVault(t, &fakeVault{value: vaultSecret, claims: `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`}, edgeInVault)
	transport, kill := overStdio(t, s.stack)
	prompts := &sharedBuffer{}
	c := connectClient(t, transport, "modern", func(message string) *mcp.ElicitResult {
		_, _ = io.WriteString(prompts, message)
		return typeCode(message)
	})
	scan := documentedScan(t, "add.json")
	scan["credential"] = "edge-snmp"
	places := map[string]string{}
	for _, tool := range []string{"add_scan", "list_scans", "get_change"} {
		args := map[string]any{}
		if tool == "add_scan" {
			args = scan
		}
		r, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
		places[tool] = transcript(t, r, err)
	}
	if sent := writesOf(s.stack); len(sent) != 1 || !strings.Contains(sent[0].Body, `"communityString":"`+vaultSecret+`"`) {
		t.Fatalf("sent %v; told %s", sent, places["add_scan"])
	}
	places["prompts"] = prompts.String()
	readAll(t, s.state, places)
	places["changes"], places["audit"] = s.output("changes", "--json"), s.output("audit", "export")
	if err := kill(); err != nil {
		t.Fatal(err)
	}
	places["log"] = s.logs.String()
	checkNoSecret(t, places, vaultSecret)
}

// TestASecretMissingInKeyVault is logged at the start, before a change that would fail is confirmed.
func TestASecretMissingInKeyVault(t *testing.T) {
	t.Parallel()
	s := withVault(t, &fakeVault{}, strings.Replace(edgeInVault, "/secrets/edge", "/secrets/edges", 1))
	c := connectClient(t, &mcp.CommandTransport{Command: s.command("stdio"), TerminateDuration: waitTimeout}, "modern", nil)
	callTool(t, c, "list_scans", nil)
	waitFor(t, "what is missing to be logged", func() bool {
		logs := s.logs.String()
		return strings.Contains(logs, "a change that uses this credential would fail") && strings.Contains(logs, "edge-snmp") && strings.Contains(logs, "no such secret")
	})
}
