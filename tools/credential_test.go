package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// TestAuthenticationRefusals: fields that are missing, of another type, or contradictory.
func TestAuthenticationRefusals(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	windows := func(auth string) string {
		return withFields(t, labScan, map[string]any{"scanType": "Windows", "credential": nil, "scanAuthenticationParams": json.RawMessage(auth)})
	}
	network := func(auth string) string {
		return withFields(t, labScan, map[string]any{"credential": nil, "scanAuthenticationParams": json.RawMessage(auth)})
	}
	named := func(auth string) string {
		return withFields(t, labScan, map[string]any{"scanAuthenticationParams": json.RawMessage(auth)})
	}
	const in = "scanAuthenticationParams."
	for _, c := range []struct {
		args, field string
		words       []string
	}{
		{network(`{}`), in + "type", []string{"is missing", "CommunityString, NoAuthNoPriv, AuthNoPriv, AuthPriv"}},
		{network(`{"type":"Kerberos"}`), in + "type", []string{"must be one of CommunityString"}},
		{windows(`{"type":"AuthPriv"}`), in + "type", []string{"must be one of Kerberos, Negotiate"}},
		{network(`{"type":"AuthPriv"}`), "credential", []string{"AuthPriv needs a secret", "set credential to one of core-snmp", "keyVaultUrl"}},
		{network(`{"type":"CommunityString"}`), "credential", []string{"needs a secret"}},
		{network(`{"type":"NoAuthNoPriv"}`), in + "username", []string{"is missing: NoAuthNoPriv needs it"}},
		{network(`{"type":"NoAuthNoPriv","username":""}`), in + "username", []string{"is missing"}},
		{network(`{"type":"NoAuthNoPriv","username":"a\u200bb"}`), in + "username", []string{"invisible character U+200B"}},
		{network(`{"type":"NoAuthNoPriv","username":"a","authProtocol":"MD5"}`), in + "authProtocol", []string{"does not belong to NoAuthNoPriv"}},
		{network(`{"type":"AuthPriv","domain":"CORP"}`), in + "domain", []string{"does not belong to AuthPriv"}},
		{network(`{"type":"AuthPriv","isGmsaUser":true}`), in + "isGmsaUser", []string{"does not belong"}},
		{network(`{"@odata.type":"#microsoft.windowsDefenderATP.api.WindowsAuthParams","type":"NoAuthNoPriv","username":"a"}`), in + "@odata.type", []string{"does not fit a Network scan", "SnmpAuthParams"}},
		{windows(`{"type":"Kerberos","username":"a","domain":"b"}`), in + "isGmsaUser", []string{"is missing"}},
		{windows(`{"type":"Kerberos","username":"a","domain":"b","isGmsaUser":false}`), in + "isGmsaUser", []string{"must be true"}},
		{windows(`{"type":"Negotiate","username":"a","isGmsaUser":true}`), in + "domain", []string{"is missing"}},
		{windows(`{"type":"Kerberos","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"x"}`), in + "isGmsaUser", []string{"must be true"}},
		{windows(`{"type":"Kerberos","authProtocol":"MD5"}`), in + "authProtocol", []string{"does not belong to Kerberos"}},
		{withFields(t, labScan, map[string]any{"scanType": "Windows"}), "credential", []string{"is for SNMP and cannot scan Windows"}},
		{withFields(t, labScan, map[string]any{"credential": "edge"}), "credential", []string{"credential does not name one that is configured", "core-snmp"}},
		{named(`{"type":"AuthNoPriv"}`), in + "type", []string{`is not "AuthPriv", which credential "core-snmp" has`}},
		{named(`{"username":"Scanner"}`), in + "username", []string{`is not "scanner", which credential "core-snmp" has`}},
		{named(`{"privProtocol":"DES"}`), in + "privProtocol", []string{`is not "AES"`}},
		{named(`{"domain":"CORP"}`), "credential", []string{"are for Windows"}},
		{named(`{"keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"x"}`), "credential", []string{"exclude each other"}},
		{network(`{"type":"AuthPriv","keyVaultUrl":"https://snmp.vault.azure.net/"}`), in + "keyVaultUrl", []string{"belong together"}},
		{network(`{"type":"AuthPriv","keyVaultSecretName":"x"}`), in + "keyVaultUrl", []string{"belong together"}},
		{network(`{"type":"NoAuthNoPriv","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"x"}`), in + "keyVaultUrl", []string{"no form for NoAuthNoPriv"}},
		{network(`{"type":"AuthPriv","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"a/b"}`), in + "keyVaultSecretName", []string{"letters, digits and hyphens"}},
	} {
		r := s.planRefused("add_scan", c.args)
		if r.Field != c.field {
			t.Errorf("%s: field %q, want %q", c.args, r.Field, c.field)
		}
		wantWords(t, r.Error(), c.words...)
	}
}

// TestOnlyVaultsAreVaults: the scanner, with its identity, is never sent to another host.
func TestOnlyVaultsAreVaults(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	add := func(url string) string {
		return withFields(t, labScan, map[string]any{"credential": nil, "scanAuthenticationParams": map[string]any{
			"type": "AuthPriv", "keyVaultUrl": url, "keyVaultSecretName": "core"}})
	}
	for _, url := range []string{
		"https://snmp.vault.azure.net/", "https://snmp.vault.azure.net", "https://a-1.vault.azure.cn/", "https://abc.vault.usgovcloudapi.net",
	} {
		if got := planField(t, s.plan("add_scan", add(url)).Subjects[0], "scanAuthenticationParams.keyVaultUri").After; got != url {
			t.Errorf("%s is shown as %s", url, got)
		}
	}
	for _, url := range []string{
		"http://snmp.vault.azure.net/", "https://vault.azure.net/", "https://snmp.vault.azure.net.evil.example/",
		"https://evil.example/snmp.vault.azure.net/", "https://snmp.vault.azure.net/secrets/x", "https://snmp.vault.azure.net:444/",
		"https://user@snmp.vault.azure.net/", "https://snmp.vault.azure.net/?x", "https://a.b.vault.azure.net/",
		"https://snmp.vault.azure.net/\n", "https://ab.vault.azure.net/", "https://-nmp.vault.azure.net/",
	} {
		r := s.planRefused("add_scan", add(url))
		wantWords(t, r.Error(), "not the address of an Azure Key Vault", "https://NAME.vault.azure.net/")
	}
}

// TestVaultFieldIsReadOnce: $metadata is read when a vault is first used, and a failure is not cached.
func TestVaultFieldIsReadOnce(t *testing.T) {
	s := newStack(t, defendertest.Options{KeyVaultField: "keyVaultUri"})
	args := microsoftExample(t, "add-network-keyvault.request.derived-keyVaultUrl-spelling")
	asked := func() (n int) {
		for _, c := range s.Tenant.Calls() {
			if strings.HasSuffix(c.Path, "$metadata") {
				n++
			}
		}
		return n
	}
	s.plan("add_scan", labScan)
	if asked() != 0 {
		t.Error("$metadata was read although no vault is used")
	}
	s.Tenant.Fail(defendertest.Fault{Path: "$metadata", Status: 404})
	p := s.plan("add_scan", args)
	if body := string(p.Request.Body); !strings.Contains(body, `"keyVaultUrl"`) {
		t.Errorf("without $metadata the pages' spelling is due: %s", body)
	}
	wantWords(t, strings.Join(p.Warnings, "\n"), "keyVaultUrl: Defender's $metadata", "could not be read", "check that the scan authenticates")
	for range 2 {
		p := s.plan("add_scan", args)
		if body := string(p.Request.Body); !strings.Contains(body, `"keyVaultUri"`) {
			t.Errorf("$metadata's spelling is due: %s", body)
		}
		if all := strings.Join(p.Warnings, "\n"); strings.Contains(all, "$metadata") {
			t.Errorf("warned although $metadata was read: %s", all)
		}
	}
	if n := asked(); n != 2 {
		t.Errorf("$metadata was read %d times, want 2", n)
	}
}

// TestAVaultReferenceReachesDefender in the spelling that its $metadata declares, whichever was given. The simulator
// refuses the other one.
func TestAVaultReferenceReachesDefender(t *testing.T) {
	for _, declared := range []string{"keyVaultUrl", "keyVaultUri"} {
		for _, given := range []string{"keyVaultUrl", "keyVaultUri"} {
			t.Run(declared+" for "+given, func(t *testing.T) {
				s := newStack(t, defendertest.Options{KeyVaultField: declared})
				args := microsoftExample(t, "add-network-keyvault.request.derived-"+given+"-spelling")
				_, out := s.execute("add_scan", args)
				s.wantState(out, "applied")
				wantWords(t, string(s.Tenant.Writes()[0].Body), `"`+declared+`":"https://`, `"keyVaultSecretName":"`)
				update := `{"id":"Core switches","scanAuthenticationParams":{"type":"AuthPriv","` + given + `":"https://snmp.vault.azure.net/","keyVaultSecretName":"core"}}`
				_, out = s.execute("update_scan", update)
				s.wantState(out, "applied")
				wantWords(t, string(s.Tenant.Writes()[1].Body), `"`+declared+`":"https://snmp.vault.azure.net/"`)
			})
		}
	}
}

// TestCredentialExists checks each secret at its source, and reads only the one that cannot be checked otherwise.
func TestCredentialExists(t *testing.T) {
	read := 0
	counted := func(text string) tools.CredentialField {
		p := secret(text)
		value := p.Read
		p.Read = func(ctx context.Context) (defender.Secret, error) { read++; return value(ctx) }
		return p
	}
	there := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	c := coreSNMP()
	c.AuthPassword, c.PrivPassword = counted(canary), counted(canary)
	c.AuthPassword.Exists = there(nil)
	if err := c.Exists(t.Context(), "core-snmp"); err != nil || read != 1 {
		t.Errorf("Exists = %v after %d reads, want nil after 1", err, read)
	}

	gone := errors.New("it is not in the vault")
	c.AuthPassword.From, c.AuthPassword.Exists = "vault x", there(gone)
	c.PrivPassword = secret("")
	err := c.Exists(t.Context(), "core-snmp")
	if !errors.Is(err, gone) {
		t.Fatalf("Exists = %v, want the part's own error", err)
	}
	wantWords(t, err.Error(), `authPassword of credential "core-snmp" could not be read from vault x: it is not in the vault`,
		`privPassword of credential "core-snmp" is empty in env CANARY`)

	c = tools.Credential{Type: "CommunityString", CommunityString: secret("x")}
	c.CommunityString.Read = func(context.Context) (defender.Secret, error) { return defender.Secret{}, gone }
	wantWords(t, fmt.Sprint(c.Exists(t.Context(), "edge")), `communityString of credential "edge" could not be read from env CANARY`)
	if err := (tools.Credential{Type: "NoAuthNoPriv", Username: "x"}).Exists(t.Context(), "guest"); err != nil {
		t.Errorf("a credential without secrets: %v", err)
	}
}

// TestCredentialCheck: the error names the field at fault in a configured credential.
func TestCredentialCheck(t *testing.T) {
	good := coreSNMP()
	if err := good.Check("core-snmp"); err != nil {
		t.Error(err)
	}
	if err := (tools.Credential{Type: "CommunityString", CommunityString: secret("x")}).Check("edge"); err != nil {
		t.Error(err)
	}
	for word, spoil := range map[string]func(*tools.Credential){
		"type must be one of":            func(c *tools.Credential) { c.Type = "Kerberos" },
		"AuthPriv needs username":        func(c *tools.Credential) { c.Username = "" },
		"AuthPriv needs authProtocol":    func(c *tools.Credential) { c.AuthProtocol = "" },
		"AuthPriv needs authPassword":    func(c *tools.Credential) { c.AuthPassword = tools.CredentialField{} },
		"AuthPriv needs privPassword":    func(c *tools.Credential) { c.PrivPassword = tools.CredentialField{From: "env X"} },
		"AuthNoPriv has no privProtocol": func(c *tools.Credential) { c.Type = "AuthNoPriv" },
		"AuthNoPriv has no communityString": func(c *tools.Credential) {
			*c = tools.Credential{Type: "AuthNoPriv", Username: "a", AuthProtocol: "MD5", AuthPassword: secret("x"), CommunityString: secret("y")}
		},
		"invisible character U+200B": func(c *tools.Credential) { c.Username = "a\u200b" },
	} {
		c := coreSNMP()
		spoil(&c)
		err := c.Check("core-snmp")
		if err == nil {
			t.Errorf("passed, want %q", word)
			continue
		}
		wantWords(t, err.Error(), word, `credential "core-snmp"`)
	}
}

// TestCredentialsMustStillBeWhatWasConfirmed: otherwise nothing is sent.
func TestCredentialsMustStillBeWhatWasConfirmed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(map[string]tools.Credential)
		words []string
	}{
		"gone": {func(all map[string]tools.Credential) { delete(all, "core-snmp") }, []string{"no longer configured"}},
		"another user": {func(all map[string]tools.Credential) {
			setCredential(all, func(c *tools.Credential) { c.Username = "root" })
		}, []string{"changed in the configuration"}},
		"another place": {func(all map[string]tools.Credential) {
			setCredential(all, func(c *tools.Credential) { c.AuthPassword.From = "env OTHER" })
		}, []string{"changed in the configuration"}},
		"unreadable": {func(all map[string]tools.Credential) {
			setCredential(all, func(c *tools.Credential) {
				c.PrivPassword.Read = func(context.Context) (defender.Secret, error) { return defender.Secret{}, errors.New("is not set") }
			})
		}, []string{"privPassword", "env CANARY", "is not set"}},
		"empty": {func(all map[string]tools.Credential) {
			setCredential(all, func(c *tools.Credential) { c.AuthPassword = secret("") })
		}, []string{"authPassword", "is empty in env CANARY"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan("add_scan", labScan))
			c.spoil(s.credentials)
			out := s.Executor.Execute(t.Context(), planned, noCheck)
			s.wantState(out, "failed", append(c.words, "nothing was sent", `"core-snmp"`)...)
			if n := len(s.Tenant.Writes()); n > 0 {
				t.Errorf("%d writes arrived", n)
			}
		})
	}
}

func setCredential(all map[string]tools.Credential, alter func(*tools.Credential)) {
	c := all["core-snmp"]
	alter(&c)
	all["core-snmp"] = c
}

// TestRotatedSecretsKeepAChangeValid: the approver confirmed the credential, not its value.
func TestRotatedSecretsKeepAChangeValid(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	c := executingChange(s.plan("add_scan", labScan))
	setCredential(s.credentials, func(c *tools.Credential) { c.AuthPassword = secret("rotated") })
	s.wantState(s.Executor.Execute(t.Context(), c, noCheck), "applied")
	wantWords(t, string(s.Tenant.Writes()[0].Body), `"authPassword":"rotated"`)
}

// TestCanaryReachesDefenderAndNothingElse: the secrets of a named credential are in the one request, and in nothing
// that is recorded, shown or returned.
func TestCanaryReachesDefenderAndNothingElse(t *testing.T) {
	s := newStack(t, defendertest.Options{AuthInLists: true})
	c, out := s.execute("add_scan", labScan)
	s.wantState(out, "applied")
	wantWords(t, string(s.Tenant.Writes()[0].Body), canary+"-auth", canary+"-priv")
	c.Outcome = out
	s.Service.InvalidateCache()
	listed, err := s.Service.Call(t.Context(), tools.Caller{Principal: "local:ada"}, "list_scans", nil)
	if err != nil {
		t.Fatal(err)
	}
	echo := executingChange(s.plan("update_scan", `{"id":"Lab","credential":"core-snmp"}`))
	s.Tenant.Fail(defendertest.Fault{Method: "PATCH", Echo: true})
	echoed := s.Executor.Execute(t.Context(), echo, noCheck)
	for _, kept := range []any{c, tools.ResultOf(c), tools.Render(c), listed, echo, echoed, s.credentials} {
		text, err := json.Marshal(kept)
		if err != nil {
			text = nil // functions do not marshal; %+v below shows them
		}
		if strings.Contains(fmt.Sprintf("%s %+v %#v", text, kept, kept), canary) {
			t.Errorf("the secret leaked into %T: %s", kept, text)
		}
	}
	s.wantState(echoed, "failed")
}
