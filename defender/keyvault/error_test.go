package keyvault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/keyvault"
)

// wantError returns err as an *Error. It checks that the text is one plain sentence with words in it and no secret.
func wantError(t testing.TB, err error, words ...string) *keyvault.Error {
	t.Helper()
	var own *keyvault.Error
	if !errors.As(err, &own) {
		t.Fatalf("%v (%T), want an *Error", err, err)
	}
	shown := fmt.Sprintf("%v %+v %#v", err, err, *own)
	for ; err != nil; err = errors.Unwrap(err) {
		shown += err.Error()
	}
	if strings.Contains(shown, "canary") || strings.ContainsAny(own.Error(), "\n\r\x1b") || len(own.Error()) > 600 {
		t.Errorf("%q is not a plain sentence without secrets", shown)
	}
	if own.Reason == "" || own.Next == "" || own.Secret == "" {
		t.Errorf("%+v has an empty field", own)
	}
	for _, w := range words {
		if !strings.Contains(own.Error(), w) {
			t.Errorf("%q does not contain %q", own.Error(), w)
		}
	}
	return own
}

// wantBothFail checks that Secret and Exists fail with the same error.
func wantBothFail(t testing.TB, v *keyvault.Client, id string, words ...string) {
	t.Helper()
	_, err := v.Secret(t.Context(), id)
	wantError(t, err, words...)
	wantError(t, v.Exists(t.Context(), id), words...)
}

// TestRefusals checks that each code of Key Vault, and each status without one, gives a sentence with the next step.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer response
		words  []string
	}{
		{response{status: 404, body: errorJSON("SecretNotFound", "")}, []string{"core in snmp.vault.azure.net", "there is no such secret", "create it"}},
		{response{status: 403, body: errorJSON("Forbidden", "SecretDisabled")}, []string{"it is disabled"}},
		{response{status: 403, body: errorJSON("Forbidden", "ForbiddenByRbac")}, []string{"is not allowed to read it", "role Key Vault Secrets User"}},
		{response{status: 403, body: errorJSON("Forbidden", "AccessDenied")}, []string{"Key Vault Secrets User", "access policies"}},
		{response{status: 403, body: errorJSON("Forbidden", "")}, []string{"Key Vault Secrets User"}},
		{response{status: 403, body: "<html>" + canary}, []string{"Key Vault Secrets User"}},
		{response{status: 403, body: errorJSON("Forbidden", "ForbiddenByFirewall")}, []string{"firewall"}},
		{response{status: 403, body: errorJSON("Forbidden", "ForbiddenByConnection")}, []string{"private endpoint"}},
		{response{status: 404, body: errorJSON(canary, canary), header: map[string]string{"x-ms-error-code": canary}}, []string{"not one of Key Vault (HTTP 404)", "proxy"}},
		{response{status: 400, body: errorJSON("BadParameter", "")}, []string{"HTTP 400"}},
		{response{status: 302, header: map[string]string{"Location": "https://evil.example/" + canary}}, []string{"HTTP 302", "proxy"}},
		{response{status: 401, header: map[string]string{"WWW-Authenticate": `Bearer authorization="https://login.microsoftonline.com/` + tenant + `", resource="https://vault.azure.net"`}}, []string{"HTTP 401", "clock"}},
		{response{status: 200, body: "<html>" + canary}, []string{"cannot be read", "proxy"}},
		{response{status: 200, body: `{"value":"` + strings.Repeat(canary, 50_000) + `"}`}, []string{"longer than any"}},
		{response{status: 200, flood: true}, []string{"longer than any"}},
	} {
		t.Run(fmt.Sprint(c.answer.status, " ", c.words[0]), func(t *testing.T) {
			a := startFake(t)
			v := a.newClient(t)
			a.answerNext(c.answer, c.answer)
			_, err := v.Secret(t.Context(), coreID)
			wantError(t, err, c.words...)
			a.mu.Lock()
			a.queued = []response{c.answer, c.answer}
			a.mu.Unlock()
			e := wantError(t, v.Exists(t.Context(), coreID), c.words...)
			if e.Temporary || c.answer.status != 200 && e.Status != c.answer.status {
				t.Errorf("%+v", e)
			}
			for _, r := range a.received() {
				if r.host == "evil.example" {
					t.Error("a redirect was followed")
				}
			}
		})
	}
}

// TestUnusableSecrets checks that a disabled, expired or empty secret is an error, although a vault returns its value.
func TestUnusableSecrets(t *testing.T) {
	past, future := time.Now().Add(-time.Hour), time.Now().Add(30*24*time.Hour)
	for name, c := range map[string]struct {
		secret secret
		words  []string
		listed bool // whether Exists reports it too, without reading the value
	}{
		"disabled":  {secret{value: canary, attributes: map[string]any{"enabled": false}}, []string{"disabled", "enable it"}, true},
		"expired":   {secret{value: canary, attributes: map[string]any{"enabled": true, "exp": past.Unix()}}, []string{"expired on " + past.UTC().Format("2 January 2006"), "renew it"}, true},
		"not yet":   {secret{value: canary, attributes: map[string]any{"nbf": future.Unix()}}, []string{"not valid before " + future.UTC().Format("2 January 2006")}, true},
		"empty":     {secret{value: ""}, []string{"it is empty"}, false},
		"no value":  {secret{}, []string{"it is empty"}, false},
		"two lines": {secret{value: canary + "\n" + canary}, []string{"cannot be a password", "control character", "on one line"}, false},
		"UTF-16":    {secret{value: canary + "\x00"}, []string{"UTF-16", "save it as UTF-8"}, false},
		"too large": {secret{value: strings.Repeat(canary, 3000)}, []string{"longer than any password"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := startFake(t)
			a.secrets["snmp.vault.azure.net/core"] = c.secret
			v := a.newClient(t)
			_, err := v.Secret(t.Context(), coreID)
			wantError(t, err, c.words...)
			if err := v.Exists(t.Context(), coreID); c.listed {
				wantError(t, err, c.words...)
			} else if err != nil {
				t.Errorf("Exists = %v", err)
			}
		})
	}
	a := startFake(t)
	a.secrets["snmp.vault.azure.net/core"] = secret{value: canary, attributes: map[string]any{"enabled": true, "nbf": past.Unix(), "exp": future.Unix()}}
	wantSecret(t, a.newClient(t), coreID, canary)
	a.secrets["snmp.vault.azure.net/core"] = secret{value: strings.Repeat("x", 64<<10)}
	wantSecret(t, a.newClient(t), coreID, strings.Repeat("x", 64<<10))
}
