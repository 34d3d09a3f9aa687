package tools_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// fieldCall is a call from a report of the field: see the directory testdata/field.
type fieldCall struct {
	Label     string          `json:"label"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
}

func fieldCase(t *testing.T, name string) []fieldCall {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "field", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Calls []fieldCall }
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c.Calls
}

// TestFieldCases: what clients of the field send is planned, or refused for the reason at the call's place. "" is a plan.
func TestFieldCases(t *testing.T) {
	for name, want := range map[string][]string{
		"09-scalars-as-strings":      {"", "", "", "", "intervalInHours must be a whole number", "isActive must be true or false"},
		"10-nested-as-json-string":   {"", "", "", "", ""},
		"12-empty-optionals":         {"", "", ""},
		"14-scanner-of-our-own-list": {"", "", "", `scannerAgent.id is "0335a792-18d2-424b-aeed-559567054570_` + hq + `", but scannerAgent.machineId is "` + branch + `"`},
		"21-en-dash-range":           {"", "", "", `target entry "192.0.2.*" is not an IP address`},
		"27-snmp-words":              {"", ""},
		"33-secret-in-the-wrong-field": {
			"credential does not name one that is configured", `"communityString" is a secret`, `"authPassword" is a secret`,
			"scanAuthenticationParams.keyVaultUrl is not the address of an Azure Key Vault",
		},
	} {
		calls := fieldCase(t, name)
		if len(calls) != len(want) {
			t.Fatalf("%s has %d calls, want %d", name, len(calls), len(want))
		}
		s := newStackWithGate(t)
		for i, c := range calls {
			_, err := s.planOrCall(c.Tool, c.Arguments)
			switch {
			case want[i] == "" && err != nil:
				t.Errorf("%s, %s: %v", name, c.Label, err)
			case want[i] != "" && (err == nil || !strings.Contains(err.Error(), want[i])):
				t.Errorf("%s, %s: %v, want %q", name, c.Label, err, want[i])
			case err != nil && strings.Contains(err.Error(), "CANARY"):
				t.Errorf("%s, %s: repeats the secret: %v", name, c.Label, err)
			}
		}
	}
}

// TestWhatMeansAValueIsThatValue: other forms of the same arguments freeze the same bytes.
func TestWhatMeansAValueIsThatValue(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	want := string(s.plan("add_scan", `{"scanType":"Network","scanName":"Lab","isActive":false,"target":"10.1.2.3,10.1.2.4","intervalInHours":24,
		"targetType":"Ip","scannerAgent":{"machineId":"`+hq+`"},"scanAuthenticationParams":{"type":"NoAuthNoPriv","username":"scanner"}}`).Request.Body)
	base := `{"scanType":"Network","scanName":"Lab","isActive":false,"target":"10.1.2.3,10.1.2.4","intervalInHours":24,
		"scannerAgent":{"machineId":"` + hq + `"},"scanAuthenticationParams":{"type":"NoAuthNoPriv","username":"scanner"}}`
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	auth := map[string]any{"type": "NoAuthNoPriv", "username": "scanner"}
	for name, fields := range map[string]map[string]any{
		"numbers and booleans as text": {"intervalInHours": "24", "isActive": "FALSE"},
		"words for false":              {"isActive": "off", "intervalInHours": " 24 "},
		"a number with a fraction":     {"intervalInHours": json.Number("24.0")},
		"objects as text":              {"scannerAgent": `{"machineId":"` + hq + `"}`, "scanAuthenticationParams": text(auth)},
		"objects as text in text":      {"scannerAgent": text(`{"machineId":"` + hq + `"}`), "scanAuthenticationParams": text(text(auth))},
		"text in an object in text":    {"scanAuthenticationParams": ` {"type":"noAuthNoPriv","username":"scanner","isGmsaUser":null,"domain":""} `},
		"empty texts": {"credential": "", "targetType": "", "scanAuthenticationParams": map[string]any{
			"type": "NoAuthNoPriv", "username": "scanner", "authProtocol": "", "keyVaultUrl": "", "@odata.type": ""}},
		"a list for the target":      {"target": []any{"10.1.2.3", "10.1.2.4"}},
		"a list for the target, too": {"target": `["10.1.2.3","10.1.2.4"]`},
		"lines":                      {"target": "10.1.2.3\n10.1.2.4\n"},
		"text and a dotted name":     {"scannerAgent": `{"id":""}`, "scannerAgent.machineId": hq},
		"empty and a dotted name":    {"scannerAgent": "", "scannerAgent.machineId": hq},
		"other words":                {"scanType": "network", "targetType": "IP addresses", "scanAuthenticationParams.type": nil},
	} {
		for form, args := range map[string]string{"object": withFields(t, base, fields), "text": text(withFields(t, base, fields))} {
			if got := string(s.plan("add_scan", args).Request.Body); got != want {
				t.Errorf("%s as %s:\n%s\nwant\n%s", name, form, got, want)
			}
		}
	}
}

// TestEmptyFieldsLeaveAnUpdateAlone: an update takes an empty text for a field that is left out, and an object that has
// nothing else too.
func TestEmptyFieldsLeaveAnUpdateAlone(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	want := s.plan("update_scan", `{"id":"Core switches","intervalInHours":12}`)
	got := s.plan("update_scan", `{"id":"Core switches","intervalInHours":"12","scanName":"","isActive":"","target":"","targetType":null,
		"scannerAgent":{"machineId":""},"scanAuthenticationParams":"{\"type\":\"\",\"username\":null}","credential":""}`)
	if diff := cmp.Diff(string(want.Request.Body), string(got.Request.Body)); diff != "" {
		t.Error(diff)
	}
}

// TestListsOfOne: a name is a list of one even if it has commas, and ids are taken apart.
func TestListsOfOne(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	id := s.Tenant.AddScan(map[string]any{"scanName": "Core, edge"})
	for args, want := range map[string][]string{
		`"Core, edge"`: {id},
		`"[\"Core, edge\",\"` + branchRouters + `\"]"`:  {id, branchRouters},
		`"` + coreSwitches + `, ` + branchRouters + `"`: {coreSwitches, branchRouters},
		`"` + coreSwitches + `;` + branchRouters + `"`:  {coreSwitches, branchRouters},
		`["Branch routers"]`:                            {branchRouters},
		`"\"[\\\"Branch routers\\\"]\""`:                {branchRouters},
	} {
		p := s.plan("delete_scans", `{"scanDefinitionIds":`+args+`}`)
		var body struct{ ScanDefinitionIds []string }
		if err := json.Unmarshal(p.Request.Body, &body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, body.ScanDefinitionIds); diff != "" {
			t.Errorf("%s (-want +got):\n%s", args, diff)
		}
	}
}

// TestAmbiguousInputIsRefused: what could mean two things is not guessed, and JSON text has the bounds of JSON.
func TestAmbiguousInputIsRefused(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	deep := `x`
	for range 5 {
		b, err := json.Marshal(deep)
		if err != nil {
			t.Fatal(err)
		}
		deep = string(b)
	}
	for _, c := range []struct{ args, want string }{
		{`{"scannerAgent":"{\"machineId\":\"a\",\"machineId\":\"b\"}"}`, `"machineId" is given twice`},
		{`{"scannerAgent":"{\"machineId\":\"a\"}","scannerAgent.machineId":"b"}`, `"scannerAgent.machineId" is given twice`},
		{`{"scannerAgent":"{\"machineId\":"}`, "scannerAgent must be an object, not a string"},
		{`{"scannerAgent":"scan-hq-01"}`, "scannerAgent must be an object, not a string"},
		{`{"scannerAgent":"[1]"}`, "scannerAgent must be an object"},
		{`{"scanAuthenticationParams":{"a":1,"a":2}}`, "a field is given twice"},
		{`{"scanAuthenticationParams":{"a":1}}`, "scanAuthenticationParams has 1 field that it does not know; the fields are scanAuthenticationParams."},
		{`{"scanAuthenticationParams":{"userName":"x"}}`, "did you mean scanAuthenticationParams.username?"},
		{`{"scanName":` + deep + `}`, "nested too deep"},
		{`{"scanName":"` + strings.Repeat("[", 9) + `"}`, "nested too deep"},
		{`"{\"scanName\":"`, "must be a JSON object, not a string"},
	} {
		_, err := s.Service.Plan(t.Context(), tools.Caller{}, "add_scan", json.RawMessage(c.args))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}

// TestScannersAreFoundAsTheyAreDescribed by Defender, Microsoft365DSC and our own lists.
func TestScannersAreFoundAsTheyAreDescribed(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	const id, name = "0335a792-18d2-424b-aeed-559567054570_" + hq, "scan-hq-01.contoso.example"
	for _, c := range []struct{ scanner, field, want string }{
		{`{"id":"` + id + `"}`, "", ""},
		{`{"name":"` + name + `"}`, "", ""},
		{`{"machineName":"` + strings.ToUpper(name) + `"}`, "", ""},
		{`{"computerDnsName":"` + name + `"}`, "", ""},
		{`{"id":"` + id + `","machineId":"` + hq + `","name":"` + name + `","machineName":"` + name + `","lastSeen":7,"scannerSoftwareVersion":{},"assignedApplicationId":[]}`, "", ""},
		{`{"machineId":"` + name + `","id":"` + id + `"}`, "", ""},
		{`{"machineId":"` + hq + `","name":"scan-branch-07"}`, "scannerAgent.name", "leave name out"},
		{`{"machineId":"` + branch + `","id":"` + id + `"}`, "scannerAgent.id", "which means the scanner"},
		{`{"id":"` + id + `","machineName":"nobody"}`, "scannerAgent.machineName", `"nobody"`},
		{`{"id":"nobody"}`, "scannerAgent.id", `no scanner with the machine id or name "nobody"`},
		{`{"lastSeen":"2026-11-29T10:48:13Z"}`, "scannerAgent.machineId", "missing"},
		{`{"owner":"me"}`, "scannerAgent.owner", "the fields are scannerAgent.machineId"},
	} {
		args := withFields(t, labScan, map[string]any{"scannerAgent": json.RawMessage(c.scanner)})
		if c.want != "" {
			if r := s.planRefused("add_scan", args); r.Field != c.field || !strings.Contains(r.Error(), c.want) {
				t.Errorf("%s: field %q, %s; want %q, %q", c.scanner, r.Field, r, c.field, c.want)
			}
			continue
		}
		if got := fmt.Sprint(sentValue(t, s.plan("add_scan", args), "scannerAgent")); got != "map[machineId:"+hq+"]" {
			t.Errorf("%s is sent as %s", c.scanner, got)
		}
	}
	update := `{"id":"Core switches","scanName":"New","scannerAgent":{"machineId":"` + hq + `","name":"nobody"}}`
	if r := s.planRefused("update_scan", update); r.Field != "scannerAgent.name" {
		t.Errorf("a contradiction about the scanner that stays: %s", r)
	}
}

// TestAScanMayNameItsScannerOtherwise than the list of scanners, as in Microsoft's examples. list_scans returns that name.
func TestAScanMayNameItsScannerOtherwise(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Fail(defendertest.Fault{Method: "GET", Path: "DeviceAuthenticatedScanDefinitions", Times: -1, Body: `{"value":[{"id":"a","scanType":"Network",
		"scanName":"Core","scannerAgent":{"machineId":"` + hq + `","machineName":"SCAN-HQ"}}]}`})
	s.plan("add_scan", withFields(t, labScan, map[string]any{"scannerAgent": map[string]any{"machineId": hq, "name": "scan-hq"}}))
	r := s.planRefused("add_scan", withFields(t, labScan, map[string]any{"scannerAgent": map[string]any{"machineId": branch, "name": "scan-hq"}}))
	wantWords(t, r.Error(), "scannerAgent.name")
}

// TestWordsForProtocols: the words of SNMP tools become Microsoft's, other key lengths stay with a warning, and what is no
// protocol is refused without being repeated.
func TestWordsForProtocols(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	args := func(auth, priv string) string {
		return withFields(t, labScan, map[string]any{"credential": nil, "scanAuthenticationParams": map[string]any{
			"type": "auth-priv", "authProtocol": auth, "privProtocol": priv, "keyVaultUrl": "https://snmp.vault.azure.net/", "keyVaultSecretName": "x",
		}})
	}
	for _, c := range []struct{ auth, priv, sentAuth, sentPriv, warning string }{
		{"SHA", "AES128", "SHA1", "AES", ""}, {"sha-1", "aes-128", "SHA1", "AES", ""}, {"HMAC-SHA-96", "CFB128-AES-128", "SHA1", "AES", ""},
		{"md5", "des", "MD5", "DES", ""}, {"HMAC-MD5", "DES-56", "MD5", "DES", ""}, {"usmHMACSHAAuthProtocol", "3DES-EDE", "SHA1", "3DES", ""},
		{"SHA-256", "AES", "SHA-256", "AES", `"SHA-256" is none of those Microsoft documents`},
		{"SHA", "AES256", "SHA1", "AES256", `"AES256" is none of those`}, {"SHA512", "AES-192-C", "SHA512", "AES-192-C", `"AES-192-C" is none of those`},
	} {
		p := s.plan("add_scan", args(c.auth, c.priv))
		sent := sentValue(t, p, "scanAuthenticationParams").(map[string]any)
		if sent["authProtocol"] != c.sentAuth || sent["privProtocol"] != c.sentPriv {
			t.Errorf("%s, %s: sent as %v", c.auth, c.priv, sent)
		}
		if shown := planField(t, p.Subjects[0], "scanAuthenticationParams.authProtocol").After; shown != c.sentAuth {
			t.Errorf("%s is shown as %s", c.auth, shown)
		}
		if all := strings.Join(p.Warnings, "\n"); !strings.Contains(all, c.warning) || c.warning == "" && all != "" {
			t.Errorf("%s, %s: warnings %q", c.auth, c.priv, all)
		}
	}
	for _, bad := range []string{"hunter2", "correct horse battery staple", strings.Repeat("sha", 20), "md5:x"} {
		if r := s.planRefused("add_scan", args(bad, "AES")); strings.Contains(r.Error(), bad) || !strings.Contains(r.Error(), "MD5, SHA1") {
			t.Errorf("%s: %s", bad, r)
		}
	}
}

// TestANamedCredentialMayHaveOtherWords for its protocols, and beside it in the call.
func TestANamedCredentialMayHaveOtherWords(t *testing.T) {
	words := coreSNMP()
	words.AuthProtocol, words.PrivProtocol = "SHA", "aes-128"
	s := newStack(t, defendertest.Options{}, func(cfg *tools.Config) { cfg.Credentials = map[string]tools.Credential{"core-snmp": words} })
	args := withFields(t, labScan, map[string]any{"scanAuthenticationParams": map[string]any{
		"type": "authPriv", "authProtocol": "sha1", "privProtocol": "AES128"}})
	p := s.plan("add_scan", args)
	if len(p.Warnings) > 0 {
		t.Errorf("warnings: %q", p.Warnings)
	}
	_, out := s.execute("add_scan", args)
	s.wantState(out, "applied")
	wantWords(t, string(s.Tenant.Writes()[0].Body), `"authProtocol":"SHA1"`, `"privProtocol":"AES"`)
}
