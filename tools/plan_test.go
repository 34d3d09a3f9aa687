package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

func fiveMinutesAgo() time.Time { return time.Now().Add(-5 * time.Minute) }

// leafValues collects the values of a frozen body by their dotted names.
func leafValues(prefix string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			leafValues(strings.TrimPrefix(prefix+"."+name, "."), inner, into)
		}
	case nil:
		into[prefix] = "null"
	default:
		into[prefix] = fmt.Sprint(v)
	}
}

// TestNothingIsSentThatIsNotShown: the plan shows every value of the frozen body under its own name.
func TestNothingIsSentThatIsNotShown(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	vault := `{"type":"AuthPriv","keyVaultUrl":"https://snmp.vault.azure.net","keyVaultSecretName":"core"}`
	for _, c := range []struct{ operation, args string }{
		{"add_scan", labScan},
		{"add_scan", microsoftExample(t, "add-windows.old-page.request.repaired")},
		{"add_scan", microsoftExample(t, "add-network-noauthnopriv.request.derived")},
		{"add_scan", microsoftExample(t, "add-network-keyvault.request.derived-keyVaultUrl-spelling")},
		{"update_scan", `{"id":"Core switches","isActive":false}`},
		{"update_scan", `{"id":"Core switches","credential":"core-snmp"}`},
		{"update_scan", `{"id":"Core switches","scanAuthenticationParams":` + vault + `}`},
		{"update_scan", `{"id":"Core switches","target":"` + strings.Repeat("sw.", 60) + `example,` + manyHosts(1500) + `"}`},
	} {
		p := s.plan(c.operation, c.args)
		var body any
		if err := json.Unmarshal(p.Request.Body, &body); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		leafValues("", body, want)
		delete(want, "scanAuthenticationParams.fingerprint") // stands for the credential's parts, which are shown
		if name, ok := want["scanAuthenticationParams.credential"]; ok {
			delete(want, "scanAuthenticationParams.credential")
			wantWords(t, planField(t, p.Subjects[0], "credential").After, name, "AuthPriv", "user scanner")
		}
		for name, value := range want {
			if got := planField(t, p.Subjects[0], name).After; !strings.HasPrefix(got, value) {
				t.Errorf("%s: %s is sent as %.80q and shown as %.80q", c.operation, name, value, got)
			}
		}
	}
}

func manyHosts(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d.example", i)
	}
	return strings.Join(names, ",")
}

// TestAddShowsTheWholeScan is the plan of an add, word for word.
func TestAddShowsTheWholeScan(t *testing.T) {
	s := newStack(t, defendertest.Options{}, fixedClock(time.Now().Add(30*time.Second)))
	p := s.plan("add_scan", withFields(t, labScan, map[string]any{"target": "10.1.2.3, 10.1.2.4"}))
	want := confirm.Proposal{
		Operation: "add_scan",
		Target:    "contoso",
		Summary:   `Add Network scan "Lab": 2 addresses, every 4 hours, from scanner "scan-hq-01.contoso.example"`,
		Subjects: []confirm.Subject{{Title: "Lab", Fields: []confirm.Field{
			{Name: "scanType", After: "Network"},
			{Name: "scanName", After: "Lab"},
			{Name: "isActive", After: "true"},
			{Name: "target", After: "10.1.2.3,10.1.2.4"},
			{Name: "addresses", After: "2 addresses"},
			{Name: "intervalInHours", After: "4"},
			{Name: "targetType", After: "Ip"},
			{Name: "scannerAgent.machineId", After: hq},
			{Name: "scannerAgent.machineName", After: "scan-hq-01.contoso.example"},
			{Name: "scannerAgent.lastSeen", After: "4 minutes ago"},
			{Name: "credential", After: "core-snmp (AuthPriv, user scanner)"},
			{Name: "scanAuthenticationParams.@odata.type", After: "#microsoft.windowsDefenderATP.api.SnmpAuthParams"},
			{Name: "scanAuthenticationParams.type", After: "AuthPriv"},
			{Name: "scanAuthenticationParams.username", After: "scanner"},
			{Name: "scanAuthenticationParams.authProtocol", After: "SHA1"},
			{Name: "scanAuthenticationParams.privProtocol", After: "AES"},
		}}},
		Facts: confirm.Facts{
			Scans: []string{"Lab"}, Count: 1, Addresses: 2,
			Scanners: []string{"scan-hq-01.contoso.example"}, Credential: "core-snmp",
		},
		Keys: []string{`new scan ["lab","10.1.2.3,10.1.2.4","` + hq + `"]`},
	}
	got := p
	got.Request, got.Snapshot = confirm.Request{}, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var ids []string
	if err := json.Unmarshal(p.Snapshot, &ids); err != nil || len(ids) != 5 || !slices.IsSorted(ids) {
		t.Errorf("snapshot = %s, want the 5 known ids in order", p.Snapshot)
	}
	if strings.Contains(fmt.Sprintf("%s %+v", p.Request.Body, p), canary) {
		t.Error("the plan holds a secret")
	}
}

// TestUpdateShowsEveryField, with those that stay.
func TestUpdateShowsEveryField(t *testing.T) {
	s := newStack(t, defendertest.Options{}, fixedClock(time.Now().Add(30*time.Second)))
	p := s.plan("update_scan", `{"id":"core switches","target":"192.0.2.10","scannerAgent":{"machineId":"SCAN-branch-02.contoso.example"}}`)
	want := []confirm.Field{
		{Name: "id", Before: coreSwitches, After: coreSwitches},
		{Name: "scanType", Before: "Network", After: "Network"},
		{Name: "scanName", Before: "Core switches", After: "Core switches"},
		{Name: "isActive", Before: "true", After: "true"},
		{Name: "target", Before: "192.0.2.10,192.0.2.11,192.0.2.12", After: "192.0.2.10"},
		{Name: "addresses", Before: "3 addresses", After: "1 address"},
		{Name: "intervalInHours", Before: "4", After: "4"},
		{Name: "targetType", Before: "Ip", After: "Ip"},
		{Name: "scannerAgent.machineId", Before: hq, After: branch},
		{Name: "scannerAgent.machineName", Before: "scan-hq-01.contoso.example", After: "scan-branch-02.contoso.example"},
		{Name: "scannerAgent.lastSeen", Before: "4 minutes ago", After: "11 minutes ago"},
		{Name: "credential", Before: "kept", After: "kept"},
	}
	if diff := cmp.Diff(want, p.Subjects[0].Fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := `Update scan "Core switches": change target from "192.0.2.10,192.0.2.11,192.0.2.12" to "192.0.2.10", scannerAgent.machineId`; p.Summary != want {
		t.Errorf("summary = %q, want %q", p.Summary, want)
	}
	if auth := sentValue(t, p, "scanAuthenticationParams"); auth != nil {
		t.Errorf("credentials are sent although they stay: %v", auth)
	}
	if len(p.Warnings) > 0 {
		t.Errorf("unexpected warnings: %q", p.Warnings)
	}
}

// TestUpdateReplacesCredentials only on request, and warns that this cannot be undone.
func TestUpdateReplacesCredentials(t *testing.T) {
	s := newStack(t, defendertest.Options{KeyVaultField: "keyVaultUrl"})
	for _, c := range []struct{ args, after string }{
		{`{"id":"Core switches","credential":"core-snmp"}`, "replaced by core-snmp (AuthPriv, user scanner)"},
		{`{"id":"Core switches","scanAuthenticationParams":{"type":"CommunityString","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"core"}}`,
			"replaced by Key Vault secret core (CommunityString)"},
		{`{"id":"Core switches","scanAuthenticationParams":{"type":"NoAuthNoPriv","username":"guest"}}`,
			"replaced by NoAuthNoPriv, user guest, without a secret"},
	} {
		p := s.plan("update_scan", c.args)
		if got := planField(t, p.Subjects[0], "credential"); got.After != c.after || got.Before != "as stored in Defender" {
			t.Errorf("credential is shown as %+v, want %q", got, c.after)
		}
		wantWords(t, strings.Join(p.Warnings, "\n"), "cannot be undone")
		wantWords(t, p.Summary, "change credential")
	}
}

// TestUpdateRefusals: updates that would change nothing, or more than this API can.
func TestUpdateRefusals(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScan(map[string]any{"scanName": "OT", "scanType": "AdvancedActive"})
	s.Tenant.AddScan(map[string]any{"scanName": "Orphan", "scannerAgent": map[string]any{"machineId": nil}})
	twins := []string{s.Tenant.AddScan(map[string]any{"scanName": "Twin"}), s.Tenant.AddScan(map[string]any{"scanName": "twin "})}
	for _, c := range []struct {
		args, field string
		words       []string
	}{
		{`{}`, "id", []string{"id is missing", "list_scans"}},
		{`{"id":"nowhere"}`, "id", []string{`no scan with the id or name "nowhere"`}},
		{`{"id":"TWIN","isActive":false}`, "id", append([]string{"2 scans are named"}, twins...)},
		{`{"id":"Core switches"}`, "", []string{"nothing would change"}},
		{`{"id":"Core switches","scanName":"Core switches","isActive":true,"target":"192.0.2.10,192.0.2.11,192.0.2.12","scannerAgent":{"machineId":"` + strings.ToUpper(hq) + `"}}`, "", []string{"nothing would change"}},
		{`{"id":"OT","isActive":false}`, "scanType", []string{`"AdvancedActive"`, "portal"}},
		{`{"id":"Orphan","isActive":false}`, "scannerAgent.machineId", []string{"lost its scanner"}},
		{`{"id":"Core switches","scanType":"Windows"}`, "scanType", []string{"cannot use the stored credential", "new credentials"}},
		{`{"id":"Core switches","targetType":"Hostname"}`, "target", []string{"is an address, but targetType is Hostname"}},
		{`{"id":"Core switches","scannerAgent":{"machineId":"nobody"}}`, "scannerAgent.machineId", []string{`name "nobody"`, hq}},
		{`{"id":"Core switches","scannerAgent":{}}`, "scannerAgent.machineId", []string{"missing", "list_scanners"}},
	} {
		r := s.planRefused("update_scan", c.args)
		if r.Field != c.field {
			t.Errorf("%s: field %q, want %q", c.args, r.Field, c.field)
		}
		wantWords(t, r.Error(), c.words...)
	}
}

// TestDeleteListsEverything that is deleted.
func TestDeleteListsEverything(t *testing.T) {
	s := newStack(t, defendertest.Options{}, fixedClock(time.Now().Add(30*time.Second)))
	s.Tenant.Edit(branchRouters, map[string]any{"latestScan": map[string]any{"status": "Fail", "failureReason": "no route\u202e", "executionDateTime": time.Now().Add(-3 * time.Hour).UTC().Format(time.RFC3339)}})
	p := s.plan("delete_scans", `{"scanDefinitionIds":["core switches","`+branchRouters+`","`+coreSwitches+`"]}`)
	if want := `Delete 2 scans: "Core switches", "Branch routers"`; p.Summary != want {
		t.Errorf("summary = %q, want %q", p.Summary, want)
	}
	sameJSON(t, p.Request.Body, `{"ScanDefinitionIds":["`+coreSwitches+`","`+branchRouters+`"]}`)
	want := []confirm.Field{
		{Name: "id", Before: branchRouters},
		{Name: "scanType", Before: "Network"},
		{Name: "scanName", Before: "Branch routers"},
		{Name: "isActive", Before: "true"},
		{Name: "target", Before: "198.51.100.1,198.51.100.65,198.51.100.129"},
		{Name: "addresses", Before: "3 addresses"},
		{Name: "intervalInHours", Before: "8"},
		{Name: "targetType", Before: "Ip"},
		{Name: "scannerAgent.machineId", Before: branch},
		{Name: "scannerAgent.machineName", Before: "scan-branch-02.contoso.example"},
		{Name: "scannerAgent.lastSeen", Before: "11 minutes ago"},
		{Name: "credential", Before: "as stored in Defender"},
		{Name: "createdBy", Before: "test@contoso.com"},
		{Name: "latestScan", Before: "Fail, 3 hours ago, no route⟨U+202E⟩"},
	}
	if diff := cmp.Diff(want, p.Subjects[1].Fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantWords(t, strings.Join(p.Warnings, "\n"), "cannot be undone", "lost for good")
}

func TestDeleteRefusals(t *testing.T) {
	s := newStack(t, defendertest.Options{}, func(cfg *tools.Config) { cfg.Policy.MaxScansPerDelete = 2 })
	for args, words := range map[string][]string{
		`{}`:                       {"missing or empty"},
		`{"scanDefinitionIds":[]}`: {"missing or empty"},
		`{"scanDefinitionIds":["Core switches","x","","y"]}`:                                 {`"x", "", "y"`, "list_scans"},
		`{"scanDefinitionIds":["Core switches","Branch routers","Internet edge firewalls"]}`: {"3 scans", "the 2 that policy allows", "max_scans_per_delete"},
	} {
		r := s.planRefused("delete_scans", args)
		if r.Field != "scanDefinitionIds" {
			t.Errorf("%s: field %q", args, r.Field)
		}
		wantWords(t, r.Error(), words...)
	}
}

// TestAnIDBeatsAName: a scan that is named after the id of another cannot take its place.
func TestAnIDBeatsAName(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScan(map[string]any{"scanName": coreSwitches})
	p := s.plan("delete_scans", `{"scanDefinitionIds":["`+coreSwitches+`"]}`)
	if got := planField(t, p.Subjects[0], "scanName").Before; got != "Core switches" {
		t.Errorf("the id means %q", got)
	}
}

// TestScanWarnings: those about names, scanners, activity and Windows.
func TestScanWarnings(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScanner("sleepy", time.Now().Add(-30*time.Hour))
	s.Tenant.AddScanner("unseen", time.Time{})
	for _, c := range []struct{ operation, args, warning string }{
		{"add_scan", withFields(t, labScan, map[string]any{"scanName": "core SWITCHES"}), `"core SWITCHES" already exists as ` + coreSwitches},
		{"update_scan", `{"id":"Branch routers","scanName":"Core switches"}`, `already exists as ` + coreSwitches},
		{"add_scan", withFields(t, labScan, map[string]any{"scannerAgent": map[string]any{"machineId": "sleepy"}}), `"sleepy" was last seen 30 hours ago: it may be switched off`},
		{"add_scan", withFields(t, labScan, map[string]any{"scannerAgent": map[string]any{"machineId": plant}}), "was last seen 41 days ago: it may be gone for good"},
		{"update_scan", `{"id":"Plant floor switches","intervalInHours":12}`, "was last seen 41 days ago"},
		{"update_scan", `{"id":"Plant floor switches","intervalInHours":12}`, "not active"},
		{"add_scan", withFields(t, labScan, map[string]any{"isActive": false}), "not active"},
		{"add_scan", microsoftExample(t, "add-windows.old-page.request.repaired"), "retired Windows authenticated scans on 2025-12-18"},
		{"update_scan", `{"id":"Finance servers","intervalInHours":24}`, "retired Windows authenticated scans"},
		{"update_scan", `{"id":"Core switches","target":"203.0.113.4"}`, `203.0.113.4 by "Internet edge firewalls"`},
		{"add_scan", microsoftExample(t, "add-network-noauthnopriv.request.derived"), "already covered"},
	} {
		p := s.plan(c.operation, c.args)
		wantWords(t, strings.Join(p.Warnings, "\n"), c.warning)
	}
	protocols := s.plan("add_scan", withFields(t, labScan, map[string]any{"credential": nil, "scanAuthenticationParams": map[string]any{
		"type": "AuthPriv", "authProtocol": "SHA256", "privProtocol": "aes", "keyVaultUrl": "https://snmp.vault.azure.net/", "keyVaultSecretName": "x"}}))
	wantWords(t, strings.Join(protocols.Warnings, "\n"), `"SHA256" is none of those Microsoft documents: MD5, SHA1`)
	if strings.Contains(strings.Join(protocols.Warnings, "\n"), "privProtocol") {
		t.Errorf("warned of a documented protocol: %q", protocols.Warnings)
	}
}

// TestMixedScriptsAreWarnedOf: letters of two scripts in one name, in scans that are added, updated or deleted.
func TestMixedScriptsAreWarnedOf(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Edit(branchRouters, map[string]any{"scanName": "Br\u0430nch"})
	cyrillic := "the Cyrillic \u0430 (U+0430)"
	for _, c := range []struct{ operation, args, warning string }{
		{"add_scan", withFields(t, labScan, map[string]any{"scanName": "L\u0430b"}), cyrillic},
		{"add_scan", withFields(t, labScan, map[string]any{"scanName": "\u0430Lab"}), cyrillic},
		{"add_scan", withFields(t, labScan, map[string]any{"scanName": "L\u0430b\u03bf"}), cyrillic},
		{"add_scan", withFields(t, labScan, map[string]any{"scanName": "C\u03bfre"}), "the Greek \u03bf (U+03BF)"},
		{"update_scan", `{"id":"Core switches","scanName":"L\u0430b"}`, cyrillic},
		{"update_scan", `{"id":"` + branchRouters + `","isActive":false}`, cyrillic},
		{"delete_scans", `{"scanDefinitionIds":["` + branchRouters + `"]}`, cyrillic},
	} {
		wantWords(t, strings.Join(s.plan(c.operation, c.args).Warnings, "\n"), c.warning)
	}
	for _, name := range []string{"Büro Zürich", "\u0421\u0435\u0442\u044c 1", "\u0394\u03af\u03ba\u03c4\u03c5\u03bf", "5 \u00b5m", "\u30b9\u30ad\u30e3\u30f3 A"} {
		if p := s.plan("add_scan", withFields(t, labScan, map[string]any{"scanName": name})); len(p.Warnings) > 0 {
			t.Errorf("%s: unexpected warnings %q", name, p.Warnings)
		}
	}
}

// TestNothingHides: invisible characters are escaped wherever a plan shows them, and sent as they are.
func TestNothingHides(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	evil := "Core\u202eseh\u200b\u3164\n\U000e0041x"
	s.Tenant.Edit(coreSwitches, map[string]any{"scanName": evil})
	p := s.plan("update_scan", `{"id":"`+coreSwitches+`","isActive":false}`)
	if got := sentValue(t, p, "scanName"); got != evil {
		t.Errorf("the name is sent as %q", got)
	}
	shown := tools.Render(confirm.Change{Proposal: p})
	if strings.ContainsAny(shown, "\u202e\u200b\u3164\U000e0041") {
		t.Errorf("the plan hides something: %q", shown)
	}
	wantWords(t, shown, "Core⟨U+202E⟩seh⟨U+200B⟩⟨U+3164⟩⟨U+000A⟩⟨U+E0041⟩x")
	for _, name := range []string{"a\u202eb", "a\u200bb", "a\x00b", "a\u00a0b", "a\u2028b", "a\ufe0fb", ""} {
		r := s.planRefused("add_scan", withFields(t, labScan, map[string]any{"scanName": name}))
		if r.Field != "scanName" {
			t.Errorf("%q: %v", name, r)
		}
	}
}

// TestChangesBetweenLookalikesShow: two different texts are never shown alike.
func TestChangesBetweenLookalikesShow(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Edit(coreSwitches, map[string]any{"scanName": "Core\u200b"})
	p := s.plan("update_scan", `{"id":"`+coreSwitches+`","scanName":"Core⟨U+200B⟩","isActive":false}`)
	if f := planField(t, p.Subjects[0], "scanName"); f.Before == f.After {
		t.Errorf("the change of name goes unseen: %+v", f)
	}
}

// TestAddRefusals: single fields of a new scan that are refused.
func TestAddRefusals(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct {
		change map[string]any
		field  string
		words  []string
	}{
		{map[string]any{"scanType": nil, "target": nil, "scannerAgent": nil}, "scanType", []string{"missing: scanType, target, scannerAgent.machineId"}},
		{map[string]any{"credential": nil}, "credential", []string{"needs credentials", "core-snmp", "keyVaultUrl"}},
		{map[string]any{"scanType": "Linux"}, "scanType", []string{"must be one of Network, Windows"}},
		{map[string]any{"targetType": "Combined"}, "targetType", []string{"must be one of Ip, Hostname"}},
		{map[string]any{"scanName": strings.Repeat("ä", 129)}, "scanName", []string{"129 characters", "at most 128"}},
		{map[string]any{"scanName": "  "}, "scanName", []string{"must not be empty"}},
		{map[string]any{"intervalInHours": 0}, "intervalInHours", []string{"from 1 to 720", "our bounds"}},
		{map[string]any{"intervalInHours": 721}, "intervalInHours", []string{"from 1 to 720"}},
		{map[string]any{"scannerAgent": map[string]any{"machineId": "unknown"}}, "scannerAgent.machineId", []string{`name "unknown"`, "scan-hq-01.contoso.example"}},
	} {
		r := s.planRefused("add_scan", withFields(t, labScan, c.change))
		if r.Field != c.field {
			t.Errorf("%v: field %q, want %q", c.change, r.Field, c.field)
		}
		wantWords(t, r.Error(), c.words...)
	}
	s.Tenant.AddScanner("scan-hq-01.contoso.example", fiveMinutesAgo())
	s.Service.InvalidateCache()
	r := s.planRefused("add_scan", withFields(t, labScan, map[string]any{"scannerAgent": map[string]any{"machineId": "scan-hq-01.contoso.example"}}))
	wantWords(t, r.Error(), "2 scanners are named", hq)
}

// TestOnlyProposingOperationsArePlanned, and only the others are called.
func TestOnlyProposingOperationsArePlanned(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, op := range []string{"list_scans", "get_change", "no_such", ""} {
		s.planRefused(op, `{}`)
	}
	for _, op := range []string{"add_scan", "delete_scans", "no_such"} {
		if out, err := s.Service.Call(t.Context(), tools.Caller{Principal: "local:ada"}, op, json.RawMessage(labScan)); err == nil {
			t.Errorf("%s was called without a person: %v", op, out)
		}
	}
	if n := len(s.Tenant.Writes()); n > 0 {
		t.Errorf("%d writes", n)
	}
}
