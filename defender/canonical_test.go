package defender_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/defender"
)

func decodeDefinition(t testing.TB, body string) defender.Definition {
	t.Helper()
	var d defender.Definition
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func canonicalOf(t testing.TB, body string) string {
	return string(decodeDefinition(t, body).Canonical())
}

func TestCanonicalFormIsSorted(t *testing.T) {
	got := canonicalOf(t, fixture(t, "definition.response.derived-from-metadata"))
	want := `{"createdby":"username@test.com","id":"d14cefe1-0301-488c-ad17-a86c428c3727","intervalinhours":4,"isactive":true,` +
		`"istroubleshootmode":false,"orgid":"0335a792-18d2-424b-aeed-559567054570","scanname":"Test Network scan",` +
		`"scanneragent":{"assignedapplicationid":"ae4a5cde-b4a1-4b76-8635-458b2cf15752",` +
		`"id":"0335a792-18d2-424b-aeed-559567054570_eb663a27ae9d032f61bc268a79eedf14c4b90f77",` +
		`"machineid":"eb663a27ae9d032f61bc268a79eedf14c4b90f77","machinename":"DESKTOP-TEST"},` +
		`"scantype":"Network","target":"192.0.2.10,192.0.2.11","targettype":"Ip"}`
	if got != want {
		t.Errorf("state\n%s\nwant\n%s", got, want)
	}
}

func TestCanonicalFormOfNothing(t *testing.T) {
	for name, d := range map[string]defender.Definition{"zero": {}, "null": decodeDefinition(t, `null`), "empty": decodeDefinition(t, `{}`)} {
		if got := string(d.Canonical()); got != "{}" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Volatile fields, and differences between editions of the service, are not changes.
func TestCanonicalFormIgnoresVolatileFields(t *testing.T) {
	const before = `{"id":"1","scanName":"n","target":"a","isActive":true,"intervalInHours":4,
		"scanAuthenticationParams":{"@odata.type":"#x.SnmpAuthParams","type":"AuthPriv","username":"u","isgmsaUser":true},
		"scannerAgent":{"machineId":"m","lastSeen":"2025-12-18T14:04:34Z","scannerSoftwareVersion":"1","mdeClientVersion":"2",
		"lastCommandExecutionTimestamp":"2025-12-18T13:29:48Z"},"latestScan":{"status":null}}`
	for name, after := range map[string]string{
		"latest scan":      strings.Replace(before, `"latestScan":{"status":null}`, `"latestScan":{"status":"Fail","executionDateTime":"2026-01-01T00:00:00Z"}`, 1),
		"last seen":        strings.Replace(before, "14:04:34", "15:04:34", 1),
		"last command":     strings.Replace(before, "13:29:48", "14:29:48", 1),
		"scanner version":  strings.Replace(before, `"scannerSoftwareVersion":"1"`, `"scannerSoftwareVersion":"9"`, 1),
		"client version":   strings.Replace(before, `"mdeClientVersion":"2"`, `"mdeClientVersion":null`, 1),
		"no times at all":  strings.Replace(before, `"lastSeen":"2025-12-18T14:04:34Z",`, ``, 1),
		"annotations":      strings.Replace(before, `{"id"`, `{"@odata.context":"https://h","target@odata.type":"x","@odata.etag":"y","id"`, 1),
		"another null":     strings.Replace(before, `{"id"`, `{"advancedActiveConfiguration":null,"id"`, 1),
		"gMSA spelling":    strings.Replace(before, `isgmsaUser`, `IsGMSAUser`, 1),
		"agent's casing":   strings.NewReplacer("lastCommand", "LastCommand", "scannerSoft", "ScannerSoft", "lastSeen", "LastSeen").Replace(before),
		"PascalCase":       toPascalCase(before),
		"order and spaces": `{ "target":"a",` + strings.Replace(before, `"target":"a",`, ``, 1)[1:],
	} {
		if after == before {
			t.Fatalf("%s changes nothing", name)
		}
		if a, b := canonicalOf(t, before), canonicalOf(t, after); a != b {
			t.Errorf("%s:\n%s\n%s", name, a, b)
		}
	}
}

// toPascalCase returns body with the first letter of every name in upper case.
func toPascalCase(body string) string {
	out := []byte(body)
	for i := 1; i < len(out); i++ {
		if out[i-1] == '"' && (i == 1 || strings.ContainsRune("{,\n\t ", rune(out[i-2]))) && out[i] >= 'a' && out[i] <= 'z' {
			out[i] -= 'a' - 'A'
		}
	}
	return string(out)
}

func TestCanonicalFormChangesWithTheScan(t *testing.T) {
	const before = `{"id":"1","scanName":"n","target":"a","isActive":true,"intervalInHours":4,"scanType":"Network","targetType":"Ip","orgId":"o",
		"scannerAgent":{"machineId":"m","id":"o_m"},"scanAuthenticationParams":{"type":"AuthPriv","username":"u","domain":"d",
		"authProtocol":"SHA1","privProtocol":"AES","isGmsaUser":true,"keyVaultUrl":"https://v","keyVaultSecretName":"s"},"unheardOf":1,
		"advancedActiveConfiguration":{"zone":"z","addresses":["a","b"]}}`
	for _, tt := range [][2]string{
		{`"id":"1"`, `"id":"2"`}, {`"scanName":"n"`, `"scanName":"N"`}, {`"target":"a"`, `"target":"a,b"`}, {`true,"interval`, `false,"interval`},
		{`"intervalInHours":4`, `"intervalInHours":null`}, {`Network`, `Windows`}, {`"Ip"`, `"Hostname"`}, {`"machineId":"m"`, `"machineId":"k"`},
		{`"type":"AuthPriv"`, `"type":"AuthNoPriv"`}, {`"username":"u"`, `"username":"v"`}, {`"domain":"d"`, `"domain":"e"`}, {`SHA1`, `MD5`},
		{`AES`, `DES`}, {`"isGmsaUser":true`, `"isGmsaUser":false`}, {`https://v`, `https://w`}, {`"keyVaultSecretName":"s"`, `"keyVaultSecretName":"t"`},
		{`"unheardOf":1`, `"unheardOf":1.5`}, {`"unheardOf":1`, `"unheardOf":{}`}, {`"zone":"z"`, `"zone":"y"`}, {`["a","b"]`, `["b","a"]`},
		{`"id":"1"`, `"Id":"9","id":"1"`}, {`{"id":"1"`, `{"extra":"x","id":"1"`},
	} {
		after := strings.Replace(before, tt[0], tt[1], 1)
		if after == before || canonicalOf(t, before) == canonicalOf(t, after) {
			t.Errorf("%s -> %s is not seen", tt[0], tt[1])
		}
	}
	const big = `{"unheardOf":%s}`
	if canonicalOf(t, fmt.Sprintf(big, "9007199254740993")) == canonicalOf(t, fmt.Sprintf(big, "9007199254740992")) {
		t.Error("large numbers are rounded")
	}
}

// The documented list of all definitions has passwords in it. None must be kept.
func TestADefinitionHoldsNoSecret(t *testing.T) {
	printed := fixture(t, "list-definitions-windows-and-network.old-page.response.repaired")
	var list struct{ Value []defender.Definition }
	if err := json.Unmarshal([]byte(printed), &list); err != nil {
		t.Fatal(err)
	}
	for _, d := range list.Value {
		assertNoSecrets(t, d, `:"authPassword"`, `:"privPassword"`, `"community-string"`)
	}
	if got := string(list.Value[1].Canonical()); !strings.Contains(got, `"username":"username"`) || !strings.Contains(got, `"type":"AuthPriv"`) {
		t.Errorf("public parts are missing from %s", got)
	}
	for _, body := range []string{
		`{"scanAuthenticationParams":{"AuthPassword":"%s","PRIVPASSWORD":"%[1]s","communitystring":"%[1]s","privateKey":"%[1]s","password":"%[1]s","Password":"%[1]s"}}`,
		`{"ScanAuthenticationParams":{"newSecretMember":"%s"}}`,
		`{"scanAuthenticationParams":{"username":{"authPassword":"%s"},"type":["%[1]s"]}}`,
		`{"scanAuthenticationParams":["%s"]}`,
		`{"scanAuthenticationParams":"%s"}`,
		`{"scanAuthenticationParams":null,"SCANAUTHENTICATIONPARAMS":{"authPassword":"%s"}}`,
		`{"authPassword":"%s","nested":{"Password":"%[1]s","list":[{"privateKey":"%[1]s","oldCommunityString":"%[1]s"}]}}`,
		`{"value":[{"scanAuthenticationParams":{"authPassword":"%s"}}]}`,
	} {
		assertNoSecrets(t, decodeDefinition(t, fmt.Sprintf(body, canary)), secretSpellings()...)
	}
}

func assertNoSecrets(t *testing.T, d defender.Definition, secrets ...string) {
	t.Helper()
	shown, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for how, text := range map[string]string{"State": string(d.Canonical()), "JSON": string(shown), "%#v": fmt.Sprintf("%#v %+v", d, d)} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q: %s", how, secret, text)
			}
		}
	}
}

func TestCanonicalFormIsDeterministic(t *testing.T) {
	const twins = `{"a":1,"A":2,"scanName":"x","ScanName":"y","SCANNAME":"z","scanAuthenticationParams":{"type":"a","Type":"b"}}`
	first := canonicalOf(t, twins)
	for range 50 {
		if again := canonicalOf(t, twins); again != first {
			t.Fatalf("%s\n%s", first, again)
		}
	}
	if other := canonicalOf(t, strings.Replace(twins, `"Type":"b"`, `"Type":"c"`, 1)); other == first {
		t.Error("a change of a name's second spelling is not seen")
	}
}
