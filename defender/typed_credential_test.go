package defender_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"scanwarden/defender"
)

// typedScan returns the write that adds a scan whose credential of this type an approver types.
func typedScan(t *testing.T, a defender.Authentication) defender.Write {
	t.Helper()
	a.Credential = defender.TypedCredential
	hours := 4
	w, err := defender.AddScan(defender.Scan{
		ScanType: "Network", ScanName: "n", Target: "192.0.2.1", IntervalInHours: &hours, TargetType: "Ip", MachineID: "m", ScanAuthenticationParams: &a,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The secrets that were typed stand in the right fields, and the frozen body has none of them.
func TestATypedCredentialIsFilledIn(t *testing.T) {
	const kind = `"@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams",`
	for _, tt := range []struct{ public, frozen, sent string }{
		{"CommunityString", `{` + kind + `"type":"CommunityString","credential":"ask"}`, `{` + kind + `"type":"CommunityString","communityString":"secret-1"}`},
		{"AuthNoPriv", `{` + kind + `"type":"AuthNoPriv","username":"u","authProtocol":"SHA1","credential":"ask"}`,
			`{` + kind + `"type":"AuthNoPriv","username":"u","authProtocol":"SHA1","authPassword":"secret-1"}`},
		{"AuthPriv", `{` + kind + `"type":"AuthPriv","username":"u","authProtocol":"SHA1","privProtocol":"AES","credential":"ask"}`,
			`{` + kind + `"type":"AuthPriv","username":"u","authProtocol":"SHA1","authPassword":"secret-1","privProtocol":"AES","privPassword":"secret-2"}`},
	} {
		a := defender.Authentication{Type: tt.public}
		if a.Type != "CommunityString" {
			a.Username, a.AuthProtocol = "u", "SHA1"
		}
		if a.Type == "AuthPriv" {
			a.PrivProtocol = "AES"
		}
		w := typedScan(t, a)
		if !strings.Contains(string(w.Body), tt.frozen) {
			t.Fatalf("the frozen body of %s is\n%s\nwant in it\n%s", a.Type, w.Body, tt.frozen)
		}
		typed, err := defender.TypedReference(w.Body)
		if err != nil || typed == nil {
			t.Fatalf("%s: %v, %v", a.Type, typed, err)
		}
		s := startService(t, respond(200, bare))
		if _, err := sendWrite(t.Context(), newWriter(t, s.config()), w, typed); !errors.Is(err, defender.ErrNotSent) {
			t.Errorf("%s was sent without its secrets: %v", a.Type, err)
		}
		masked := string(defender.MaskTyped(w.Body, "••••"))
		for i, secret := range typed.TypedSecrets() {
			*secret.Value = defender.NewSecret([]string{"secret-1", "secret-2"}[i])
		}
		if _, err := sendWrite(t.Context(), newWriter(t, s.config()), w, typed); err != nil {
			t.Fatalf("%s: %v", a.Type, err)
		}
		want := strings.Replace(string(w.Body), tt.frozen, tt.sent, 1)
		if calls := s.requests(); len(calls) != 1 || calls[0].Body != want {
			t.Errorf("%s: sent\n%+v\nwant once\n%s", a.Type, calls, want)
		}
		if shown := strings.NewReplacer("secret-1", "••••", "secret-2", "••••").Replace(want); masked != shown {
			t.Errorf("%s is shown as\n%s\nwant\n%s", a.Type, masked, shown)
		}
	}
}

// What was typed for one change is not sent with another one.
func TestATypedCredentialFitsOneReference(t *testing.T) {
	s := startService(t, respond(200, bare))
	w := newWriter(t, s.config())
	confirmed := typedScan(t, defender.Authentication{Type: "AuthNoPriv", Username: "u", AuthProtocol: "SHA1"})
	for name, alter := range map[string]func(*defender.Authentication){
		"another user":     func(a *defender.Authentication) { a.Username = "root" },
		"another protocol": func(a *defender.Authentication) { a.AuthProtocol = "MD5" },
		"another type": func(a *defender.Authentication) {
			a.Type = "CommunityString"
			a.CommunityString = defender.NewSecret("x")
		},
		"Windows": func(a *defender.Authentication) { a.Windows = true },
		"a vault": func(a *defender.Authentication) { a.KeyVaultURL, a.KeyVaultName = "https://snmp.vault.azure.net/", "x" },
		"a name":  func(a *defender.Authentication) { a.Credential = "core-snmp" },
	} {
		typed, err := defender.TypedReference(confirmed.Body)
		if err != nil {
			t.Fatal(err)
		}
		typed.AuthPassword = defender.NewSecret("secret-1")
		alter(typed)
		if _, err := sendWrite(t.Context(), w, confirmed, typed); !errors.Is(err, defender.ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{
		"a secret in the clear":   `{"scanAuthenticationParams":{"type":"AuthNoPriv","authPassword":"x","credential":"ask"}}`,
		"a fingerprint":           `{"scanAuthenticationParams":{"credential":"ask","fingerprint":"f00d"}}`,
		"an unknown field":        `{"scanAuthenticationParams":{"@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams","type":"CommunityString","credential":"ask","x":1}}`,
		"a name of another type":  `{"scanAuthenticationParams":{"type":"CommunityString","credential":7}}`,
		"a name in another place": `{"scanAuthenticationParams":{"credential":"ask","type":"CommunityString"}}`,
	} {
		typed, err := defender.TypedReference(json.RawMessage(body))
		if err == nil && typed != nil {
			t.Errorf("%s is read as %+v", name, typed)
		}
	}
	if calls := s.requests(); len(calls) != 0 {
		t.Errorf("sent %+v", calls)
	}
	if typed, err := defender.TypedReference(json.RawMessage(`{"scanAuthenticationParams":` + ref + `}`)); typed != nil || err != nil {
		t.Errorf("a named credential is read as a typed one: %+v, %v", typed, err)
	}
}
