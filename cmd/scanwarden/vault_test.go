package main

import (
	"io"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/entra/entratest"
)

const vaultCanary = "canary-9Tb2-in-the-vault"

// withVault is a tenancy with a credential that is in v.
func withVault(t *testing.T, v *vault, credential string) *tenancy {
	t.Helper()
	s := vacant(t, entratest.Defender)
	v.entra = s.entra
	roots, proxy := v.behindProxy(t)
	s.configure("credentials:\n" + credential)
	s.env = append(s.env, "SSL_CERT_FILE="+roots, "HTTPS_PROXY="+proxy, "SCANWARDEN_APPROVERS=", "SCANWARDEN_SELF_APPROVAL=")
	return s
}

// TestASecretOfAVault is read when the change is carried out, with a token that answers what the vault asks of it, sent
// to Defender, and seen nowhere else.
func TestASecretOfAVault(t *testing.T) {
	t.Parallel()
	s := withVault(t, &vault{value: vaultCanary, claims: `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`}, edgeInVault)
	transport, kill := overStdio(t, s.site)
	prompts := &shared{}
	c := session(t, transport, "modern", func(message string) *mcp.ElicitResult {
		_, _ = io.WriteString(prompts, message)
		return types(message)
	})
	scan := documented(t, "add.json")
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
	if sent := arrivals(s.site); len(sent) != 1 || !strings.Contains(sent[0].Body, `"communityString":"`+vaultCanary+`"`) {
		t.Fatalf("sent %v; told %s", sent, places["add_scan"])
	}
	places["prompts"] = prompts.String()
	readAll(t, s.state, places)
	places["changes"], places["audit"] = s.output("changes", "--json"), s.output("audit", "export")
	if err := kill(); err != nil {
		t.Fatal(err)
	}
	places["log"] = s.logs.String()
	noneHolds(t, places, vaultCanary)
}

// TestASecretThatIsNotInTheVault is logged of at the start, before a person confirms a change that would fail.
func TestASecretThatIsNotInTheVault(t *testing.T) {
	t.Parallel()
	s := withVault(t, &vault{}, strings.Replace(edgeInVault, "/secrets/edge", "/secrets/edges", 1))
	c := session(t, &mcp.CommandTransport{Command: s.command("stdio"), TerminateDuration: patience}, "modern", nil)
	call(t, c, "list_scans", nil)
	eventually(t, "what is missing to be logged", func() bool {
		logs := s.logs.String()
		return strings.Contains(logs, "a change that uses this credential would fail") && strings.Contains(logs, "edge-snmp") && strings.Contains(logs, "no such secret")
	})
}

// TestNothingSignsInToAVault: what stands in for Defender needs no sign-in, and a vault does.
func TestNothingSignsInToAVault(t *testing.T) {
	c := loaded(t, "credentials:\n"+edgeInVault, environment{"SCANWARDEN_DEFENDER_URL": "http://127.0.0.1:1", "SCANWARDEN_STATE_DIR": t.TempDir()})
	for name, from := range map[string]source{"a stand-in": draw(c, world{errs: io.Discard}).source(), "no sign-in at all": {}} {
		secret := c.credentials(from)["edge-snmp"].CommunityString
		_, err := secret.Read(t.Context())
		for _, err := range []error{err, secret.Exists(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "nothing signs in to Azure Key Vault here") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
