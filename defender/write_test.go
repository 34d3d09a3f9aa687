package defender_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"scanwarden/defender"
)

const machine = "eb663a27ae9d032f61bc268a79eedf14c4b90f77"

// labScan returns the scan of the derived fixtures.
func labScan(auth *defender.Authentication) defender.Scan {
	return defender.Scan{ScanType: "Network", ScanName: "Lab switches", IsActive: true, Target: "192.0.2.10,192.0.2.11",
		IntervalInHours: ptr(4), TargetType: "Ip", MachineID: machine, ScanAuthenticationParams: auth}
}

// exampleScan returns the scan of the pages' own examples.
func exampleScan(kind, target string, auth *defender.Authentication) defender.Scan {
	return defender.Scan{ScanType: kind, ScanName: "Test " + kind + " scan", IsActive: true, Target: target,
		IntervalInHours: ptr(1), TargetType: "Ip", MachineID: machine, ScanAuthenticationParams: auth}
}

// windowsAuth returns the authentication in the older page's example, where the domain is "password".
func windowsAuth() *defender.Authentication {
	return &defender.Authentication{Type: "Kerberos", Windows: true, Username: "username", Domain: "password", IsGMSAUser: ptr(true)}
}

func newDelete(t testing.TB) defender.Write {
	t.Helper()
	w, err := defender.DeleteScans([]string{"td32f17af-5cc2-4e4e-964a-4c4ef7d216e2", "ab32g20af-5dd2-4a5e-954a-4c4ef7d216e2"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newAdd(t testing.TB, s defender.Scan) defender.Write {
	t.Helper()
	w, err := defender.AddScan(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newUpdate(t testing.TB, id string, s defender.Scan) defender.Write {
	t.Helper()
	w, err := defender.UpdateScan(id, s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func assertWrite(t *testing.T, got defender.Write, method, path, body string) {
	t.Helper()
	if got.Method != method || got.Path != path || string(got.Body) != body {
		t.Errorf("got  %s %s %s\nwant %s %s %s", got.Method, got.Path, got.Body, method, path, body)
	}
}

// The documented bodies without secrets are frozen field for field, in the order of the examples.
func TestFrozenBodies(t *testing.T) {
	const collection = "/api/DeviceAuthenticatedScanDefinitions"
	vault := func(field string) *defender.Authentication {
		return &defender.Authentication{Type: "AuthPriv", KeyVaultField: field, KeyVaultURL: "https://example.vault.azure.net/", KeyVaultName: "snmp-core"}
	}
	for name, s := range map[string]defender.Scan{
		"add-network-keyvault.request.derived-keyVaultUrl-spelling": labScan(vault("")),
		"add-network-keyvault.request.derived-keyVaultUri-spelling": labScan(vault("keyVaultUri")),
		"add-network-noauthnopriv.request.derived":                  labScan(&defender.Authentication{Type: "NoAuthNoPriv", Username: "PLACEHOLDER"}),
		"add-windows.old-page.request.repaired":                     exampleScan("Windows", "127.0.0.1", windowsAuth()),
	} {
		assertWrite(t, newAdd(t, s), "POST", collection, compactJSON(t, fixture(t, name)))
		if named := labScan(vault("keyVaultUrl")); string(newAdd(t, named).Body) != string(newAdd(t, labScan(vault(""))).Body) {
			t.Error("keyVaultUrl is not the default")
		}
	}
	assertWrite(t, newDelete(t), "POST", collection+"/BatchDelete", compactJSON(t, fixture(t, "batch-delete.request.repaired")))

	// The older page's update omits the scan type and the scanner.
	s := defender.Scan{ScanName: "Test Update Windows scan", Target: "127.0.0.2,127.0.0.3", IntervalInHours: ptr(1), TargetType: "Ip", ScanAuthenticationParams: windowsAuth()}
	assertWrite(t, newUpdate(t, "289224fb-1686-472c-9751-5555960854ca", s), "PATCH", collection+"/289224fb-1686-472c-9751-5555960854ca",
		compactJSON(t, fixture(t, "update-windows.old-page.request")))
}

func TestBodiesWithoutExamples(t *testing.T) {
	s := labScan(nil)
	s.IntervalInHours = nil
	if got := string(newUpdate(t, "a", s).Body); !strings.Contains(got, `"intervalInHours":null,`) || strings.Contains(got, "scanAuthenticationParams") {
		t.Errorf("no interval is not null, or no authentication is not left out: %s", got)
	}
	s.ScanName = `R&D <"\ü` + "\u2028>"
	if got := string(newUpdate(t, "a", s).Body); !strings.Contains(got, `"scanName":"R&D <\"\\ü\u2028>"`) {
		t.Errorf("the name is escaped as %s", got)
	}
	ref := &defender.Authentication{Credential: "core-snmp", Fingerprint: "f00d", Type: "AuthPriv", Username: "scanner",
		AuthPassword: defender.NewSecret(canary), PrivPassword: defender.NewSecret(canary)}
	body := string(newAdd(t, labScan(ref)).Body)
	if !strings.HasSuffix(body, `,"scanAuthenticationParams":{"credential":"core-snmp","fingerprint":"f00d"}}`) {
		t.Errorf("a credential is frozen as %s", body)
	}
	assertHidden(t, "the frozen body", body)
}

func TestAuthenticationAsJSON(t *testing.T) {
	for want, a := range map[string]defender.Authentication{
		`{"credential":"c","fingerprint":"f"}`: {Credential: "c", Fingerprint: "f", Type: "AuthPriv", AuthPassword: defender.NewSecret(canary)},
		`{"@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams","type":"NoAuthNoPriv","username":"<u>"}`:                  {Type: "NoAuthNoPriv", Username: "<u>"},
		`{"@odata.type":"#microsoft.windowsDefenderATP.api.WindowsAuthParams","type":"Negotiate","username":"u","isGmsaUser":false}`: {Type: "Negotiate", Windows: true, Username: "u", IsGMSAUser: ptr(false)},
	} {
		got, err := a.MarshalJSON()
		if err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	for _, a := range []defender.Authentication{
		{Type: "AuthNoPriv", AuthPassword: defender.NewSecret(canary)},
		{Type: "AuthPriv", PrivPassword: defender.NewSecret(canary)},
		{Type: "CommunityString", CommunityString: defender.NewSecret(canary)},
	} {
		got, err := json.Marshal(a)
		if err == nil || !strings.Contains(err.Error(), "name a credential instead") {
			t.Errorf("a secret without a credential marshals as %s, %v", got, err)
		}
		assertHidden(t, "JSON", fmt.Sprint(string(got), err))
	}
}

func TestWritesRefuseWhatCannotBeMeant(t *testing.T) {
	scan := func(change func(*defender.Scan)) func() (defender.Write, error) {
		s := labScan(&defender.Authentication{Type: "NoAuthNoPriv", Username: "u"})
		change(&s)
		return func() (defender.Write, error) { return defender.AddScan(s) }
	}
	auth := func(a defender.Authentication) func() (defender.Write, error) {
		return scan(func(s *defender.Scan) { s.ScanAuthenticationParams = &a })
	}
	secret := defender.NewSecret(canary)
	ids := func(ids ...string) func() (defender.Write, error) {
		return func() (defender.Write, error) { return defender.DeleteScans(ids) }
	}
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	if _, err := defender.DeleteScans(many[:500]); err != nil {
		t.Errorf("500 ids: %v", err)
	}
	for name, tt := range map[string]struct {
		make func() (defender.Write, error)
		want string
	}{
		"no type":         {scan(func(s *defender.Scan) { s.ScanType = "" }), "scanType is empty"},
		"no name":         {scan(func(s *defender.Scan) { s.ScanName = "" }), "scanName is empty"},
		"no target":       {scan(func(s *defender.Scan) { s.Target = "" }), "target is empty"},
		"no target type":  {scan(func(s *defender.Scan) { s.TargetType = "" }), "targetType is empty"},
		"no scanner":      {scan(func(s *defender.Scan) { s.MachineID = "" }), "scannerAgent.machineId is empty"},
		"broken name":     {scan(func(s *defender.Scan) { s.ScanName = "a\xff" }), "scanName is not valid UTF-8"},
		"broken target":   {scan(func(s *defender.Scan) { s.Target = "a\xff" }), "target is not valid UTF-8"},
		"broken scanner":  {scan(func(s *defender.Scan) { s.MachineID = "\xff" }), "scannerAgent.machineId is not valid UTF-8"},
		"clear password":  {auth(defender.Authentication{Type: "AuthNoPriv", AuthPassword: secret}), "name a credential"},
		"no auth type":    {auth(defender.Authentication{Username: "u"}), "type is empty"},
		"broken user":     {auth(defender.Authentication{Type: "NoAuthNoPriv", Username: "\xff"}), "username is not valid UTF-8"},
		"broken name ref": {auth(defender.Authentication{Credential: "\xff"}), "credential is not valid UTF-8"},
		"broken secret":   {auth(defender.Authentication{Credential: "c", AuthPassword: defender.NewSecret(canary + "\xff")}), "authPassword is not valid UTF-8"},
		"broken privacy":  {auth(defender.Authentication{Credential: "c", PrivPassword: defender.NewSecret(canary + "\xff")}), "privPassword is not valid UTF-8"},
		"broken string":   {auth(defender.Authentication{Credential: "c", CommunityString: defender.NewSecret(canary + "\xff")}), "communityString is not valid UTF-8"},
		"mixed windows":   {auth(defender.Authentication{Type: "Kerberos", Windows: true, AuthProtocol: "SHA1"}), "mixes Windows with SNMP"},
		"mixed SNMP":      {auth(defender.Authentication{Type: "AuthPriv", Domain: "d"}), "mixes SNMP with Windows"},
		"mixed gMSA":      {auth(defender.Authentication{Type: "AuthPriv", IsGMSAUser: ptr(false)}), "mixes SNMP with Windows"},
		"vault field":     {auth(defender.Authentication{Type: "AuthPriv", KeyVaultField: "keyvaulturl"}), "use keyVaultUrl or keyVaultUri"},
		"half a vault":    {auth(defender.Authentication{Type: "AuthPriv", KeyVaultURL: "https://v"}), "needs both"},
		"other half":      {auth(defender.Authentication{Type: "AuthPriv", KeyVaultName: "n"}), "needs both"},
		"no ids":          {ids(), "has 0 ids"},
		"too many ids":    {ids(many...), "has 501 ids"},
		"one id twice":    {ids("a", "b", "a"), `names "a" twice`},
		"empty id":        {ids("a", ""), "cannot be an id"},
		"invisible id":    {ids("a\u202e"), "cannot be an id"},
		"broken id":       {ids("a\xff"), "cannot be an id"},
		"long id":         {ids(strings.Repeat("x", 129)), "cannot be an id"},
		"update, no name": {func() (defender.Write, error) { return defender.UpdateScan("a", defender.Scan{Target: "t"}) }, "scanName is empty"},
		"update, no id":   {func() (defender.Write, error) { return defender.UpdateScan("", labScan(nil)) }, "cannot be a scan's"},
	} {
		w, err := tt.make()
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, defender.ErrInvalid) || w.Body != nil {
			t.Errorf("%s: %s, %v, want ErrInvalid with %q", name, w.Body, err, tt.want)
		}
		assertHidden(t, name, fmt.Sprint(err))
	}
}

// badIDs would leave the collection, or add a query, if they were only escaped.
var badIDs = []string{"", ".", "..", "../x", "a/b", "a/../b", "a%2fb", "%2e%2e", "a?b", "a#b", "a b", "a\n", "\n", "-a", "_a", "a.b", "ä",
	"a\x00", "a;b", "a\\b", "a:b", "a@b", strings.Repeat("x", 129), "a\n/../BatchDelete"}

func TestAnIDThatDoesNotFitAPathIsRefused(t *testing.T) {
	for _, id := range badIDs {
		if w, err := defender.UpdateScan(id, labScan(nil)); !errors.Is(err, defender.ErrInvalid) {
			t.Errorf("%q makes %s, %v", id, w.Path, err)
		}
	}
	for _, id := range []string{"a", "289224fb-1686-472c-9751-5555960854ca", "60c4vv57-asdf-3454-a456-2e45t9d79ec9d", "A_-9", strings.Repeat("x", 128)} {
		if w := newUpdate(t, id, labScan(nil)); !slices.Equal(strings.Split(w.Path, "/"), []string{"", "api", "DeviceAuthenticatedScanDefinitions", id}) {
			t.Errorf("%q makes %s", id, w.Path)
		}
	}
}
