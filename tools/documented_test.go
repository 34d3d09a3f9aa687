package tools_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// microsoftExample returns one of Microsoft's example requests, or one derived from its rules, without white space.
func microsoftExample(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata/documented", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// withoutSecrets returns an example as a user may paste it.
func withoutSecrets(t testing.TB, example string) string {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(example), &o); err != nil {
		t.Fatal(err)
	}
	if auth, ok := o["scanAuthenticationParams"].(map[string]any); ok {
		for _, s := range []string{"authPassword", "privPassword", "communityString"} {
			delete(auth, s)
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sameJSON(t testing.TB, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("(-documented +sent):\n%s", diff)
	}
}

// TestDocumentedAddsArriveToTheByte: each documented add, pasted without its secrets and confirmed, reaches Defender
// as the bytes of the example. The secrets come from a named credential.
func TestDocumentedAddsArriveToTheByte(t *testing.T) {
	placeholder := secret("PLACEHOLDER")
	for name, credential := range map[string]tools.Credential{
		"add-network-authnopriv.request.derived":                    {Type: "AuthNoPriv", Username: "PLACEHOLDER", AuthProtocol: "SHA1", AuthPassword: placeholder},
		"add-network-authpriv.request.derived":                      {Type: "AuthPriv", Username: "PLACEHOLDER", AuthProtocol: "SHA1", AuthPassword: placeholder, PrivProtocol: "AES", PrivPassword: placeholder},
		"add-network-communitystring.request.derived":               {Type: "CommunityString", CommunityString: placeholder},
		"add-network-noauthnopriv.request.derived":                  {},
		"add-network-keyvault.request.derived-keyVaultUri-spelling": {},
		"add-network-keyvault.request.derived-keyVaultUrl-spelling": {},
		"add-windows.old-page.request.repaired":                     {},
		"add-network-authpriv.new-page.request": {
			Type: "AuthPriv", Username: "username", AuthProtocol: "authProtocol", AuthPassword: secret("authPassword"),
			PrivProtocol: "privProtocol", PrivPassword: secret("privPassword"), CommunityString: secret("community-string"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			field := "keyVaultUri"
			if strings.Contains(name, "keyVaultUrl") {
				field = "keyVaultUrl"
			}
			s := newStack(t, defendertest.Options{KeyVaultField: field}, func(cfg *tools.Config) {
				cfg.Credentials = map[string]tools.Credential{"pasted": credential}
			})
			example := microsoftExample(t, name)
			args := withoutSecrets(t, example)
			if credential.Type != "" {
				if err := credential.Check("pasted"); err != nil {
					t.Errorf("the credential of Microsoft's example does not pass: %v", err)
				}
				args = withFields(t, args, map[string]any{"credential": "pasted"})
			}
			c, out := s.execute("add_scan", args)
			s.wantState(out, "applied")
			writes := s.Tenant.Writes()
			if len(writes) != 1 {
				t.Fatalf("%d writes arrived, want 1", len(writes))
			}
			if got := string(writes[0].Body); got != example {
				t.Errorf("arrived:\n%s\nwant:\n%s", got, example)
			}
			if credential.Type == "" && string(c.Request.Body) != example {
				t.Errorf("frozen:\n%s\nwant:\n%s", c.Request.Body, example)
			}
		})
	}
}

// TestDocumentedUpdates: the newer page's example sends every field, and so do we. The older one leaves out two,
// which are filled from the live scan.
func TestDocumentedUpdates(t *testing.T) {
	fields := map[string]tools.Credential{"pasted": {
		Type: "AuthPriv", Username: "username", AuthProtocol: "authProtocol", AuthPassword: secret("authPassword"),
		PrivProtocol: "privProtocol", PrivPassword: secret("privPassword"), CommunityString: secret("community-string"),
	}}
	s := newStack(t, defendertest.Options{OtherIDOnUpdate: true}, func(cfg *tools.Config) { cfg.Credentials = fields })

	example := microsoftExample(t, "update-network.new-page.request")
	_, out := s.execute("update_scan", withFields(t, withoutSecrets(t, example), map[string]any{"id": coreSwitches, "credential": "pasted"}))
	s.wantState(out, "applied")
	if got := string(s.Tenant.Writes()[0].Body); got != example {
		t.Errorf("arrived:\n%s\nwant:\n%s", got, example)
	}

	example = microsoftExample(t, "update-windows.old-page.request")
	p := s.plan("update_scan", withFields(t, example, map[string]any{"id": financeWin}))
	sameJSON(t, p.Request.Body, withFields(t, example, map[string]any{
		"scanType": "Windows", "scannerAgent": map[string]any{"machineId": hq},
	}))
	if p.Request.Method != "PATCH" || p.Request.Path != "/api/DeviceAuthenticatedScanDefinitions/"+financeWin {
		t.Errorf("request = %s %s", p.Request.Method, p.Request.Path)
	}

	p = s.plan("update_scan", withFields(t, microsoftExample(t, "update-pause-only.request.derived"), map[string]any{"id": "branch ROUTERS"}))
	sameJSON(t, p.Request.Body, `{"scanType":"Network","scanName":"Branch routers","isActive":false,
		"target":"198.51.100.1,198.51.100.65,198.51.100.129","intervalInHours":8,"targetType":"Ip",
		"scannerAgent":{"machineId":"`+branch+`"}}`)

	r := s.planRefused("update_scan", withFields(t, microsoftExample(t, "update-network.2022-page.request.contradictory"), map[string]any{"id": coreSwitches}))
	wantWords(t, r.Error(), "scanAuthenticationParams.type must be one of CommunityString")
}

// TestDocumentedWindowsExampleWithMachineName: the first published page also sent the scanner's name.
func TestDocumentedWindowsExampleWithMachineName(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	example := microsoftExample(t, "add-windows.2022-page.request")
	r := s.planRefused("add_scan", example)
	wantWords(t, r.Error(), `machineName is "DESKTOP-TEST"`, "scan-hq-01.contoso.example", "leave machineName out")

	machine := s.Tenant.AddScanner("DESKTOP-TEST", fiveMinutesAgo())
	s.Service.InvalidateCache()
	p := s.plan("add_scan", withFields(t, example, map[string]any{"scannerAgent": map[string]any{"machineName": "desktop-test"}}))
	sameJSON(t, p.Request.Body, withFields(t, example, map[string]any{"scannerAgent": map[string]any{"machineId": machine}}))
}

// TestDocumentedDelete accepts the example's PascalCase name as pasted.
func TestDocumentedDelete(t *testing.T) {
	s := newStack(t, defendertest.Options{Empty: true})
	s.Tenant.AddScanner("DESKTOP-TEST", fiveMinutesAgo())
	for _, id := range []string{"td32f17af-5cc2-4e4e-964a-4c4ef7d216e2", "ab32g20af-5dd2-4a5e-954a-4c4ef7d216e2"} {
		s.Tenant.AddScan(map[string]any{"id": id})
	}
	example := microsoftExample(t, "batch-delete.request.repaired")
	_, out := s.execute("delete_scans", example)
	s.wantState(out, "applied")
	if got := string(s.Tenant.Writes()[0].Body); got != example {
		t.Errorf("arrived:\n%s\nwant:\n%s", got, example)
	}
}

// TestExamplesOfTheSchemasCanBeSent: the example values of a schema are accepted.
func TestExamplesOfTheSchemasCanBeSent(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScanner("scan-hq-01", fiveMinutesAgo())
	for _, tool := range toolsList(t, "core-snmp") {
		if !strings.Contains(tool.Name, "scan") || tool.Annotations.ReadOnly {
			continue
		}
		args := exampleOf(decodeSchema(t, tool.Input))
		if auth, ok := args["scanAuthenticationParams"].(map[string]any); ok {
			for _, other := range []string{"domain", "isGmsaUser", "keyVaultUrl", "keyVaultSecretName"} {
				delete(auth, other) // of another type of credential
			}
		}
		s.plan(tool.Name, withFields(t, `{}`, args))
	}
}

func exampleOf(schema map[string]any) map[string]any {
	out := map[string]any{}
	for name, p := range schema["properties"].(map[string]any) {
		p := p.(map[string]any)
		if p["type"] == "object" {
			out[name] = exampleOf(p)
		} else {
			out[name] = p["examples"].([]any)[0]
		}
	}
	return out
}
