package entra_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func TestSecretIsSentInTheForm(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		wantToken(t, f.source(t, nil), false, "1")
		form := f.TokenForms()[0]
		for field, want := range map[string]string{
			"grant_type": "client_credentials", "client_id": clientID, "client_secret": secret, "client_assertion": "",
		} {
			if got := form.Get(field); got != want {
				t.Errorf("%s = %q, want %q", field, got, want)
			}
		}
		if got := strings.Fields(form.Get("scope"))[0]; got != scope {
			t.Errorf("scope %q", got)
		}
	})
}

func TestSecretThatCannotBeRead(t *testing.T) {
	cases := map[string]struct {
		read func() (string, error)
		want string
	}{
		"failure": {func() (string, error) { return "", errors.New("vault sealed") }, "check AZURE_CLIENT_SECRET: vault sealed"},
		"empty":   {func() (string, error) { return "", nil }, "set AZURE_CLIENT_SECRET"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				s := f.source(t, func(cfg *entra.Config) { cfg.ClientSecret = c.read })
				wantHint(t, wantSignInError(t, s, entra.Error{}), c.want)
			})
		})
	}
}

func TestFederatedTokenIsReadForEachAssertion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		first, second := federatedToken(federationSubject, "first"), federatedToken(federationSubject, "second")
		writeFile(t, file, " "+first+" \n")
		s := f.source(t, func(c *entra.Config) { c.ClientSecret, c.FederatedTokenFile = nil, file })
		wantToken(t, s, false, "1")
		writeFile(t, file, second+"\r\n")
		time.Sleep(time.Hour)
		wantToken(t, s, false, "2")
		forms := f.TokenForms()
		for i, want := range []string{first, second} {
			if got := forms[i].Get("client_assertion"); got != want || forms[i].Get("client_assertion_type") != assertionType {
				t.Errorf("assertion %d = %q (%s), want %q", i, got, forms[i].Get("client_assertion_type"), want)
			}
			if forms[i].Has("client_secret") {
				t.Errorf("a secret was sent beside assertion %d", i)
			}
		}
	})
}

func TestFederatedTokenThatCannotBeRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for name, c := range map[string]struct{ content, want string }{
		"missing":      {"", "cannot be read"},
		"empty":        {"\n", "holds no signed token"},
		"a secret":     {secret, "holds no signed token"},
		"two tokens":   {"a.b c", "holds no signed token"},
		"a key":        {"canary.a.b\n-----BEGIN", "holds no signed token"},
		"UTF-16":       {"c\x00a\x00n\x00a\x00r\x00y\x00.\x00b\x00.\x00c\x00", "holds no signed token"},
		"a large file": {strings.Repeat("a", 64<<10) + ".canary.b", "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(file)
			if c.content != "" {
				writeFile(t, file, c.content)
			}
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				s := f.source(t, func(cfg *entra.Config) { cfg.ClientSecret, cfg.FederatedTokenFile = nil, file })
				problem := wantSignInError(t, s, entra.Error{})
				wantHint(t, problem, c.want)
				wantHint(t, problem, "AZURE_FEDERATED_TOKEN_FILE")
				wantTokenRequests(t, f, 0)
			})
			err := entra.Config{FederatedTokenFile: file, Prefix: "SCANWARDEN_WRITE_"}.CheckTokenFile()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "check SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE") || strings.Contains(err.Error(), "canary") {
				t.Errorf("without asking anybody: %v", err)
			}
		})
	}
}

// TestTokenFileThatIsNotRead covers a valid file, one that no sign-in would read, and none.
func TestTokenFileThatIsNotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "header.one.signature")
	for name, c := range map[string]entra.Config{
		"whole": {FederatedTokenFile: file}, "none": {}, "managed": {Mode: entra.ManagedIdentity, FederatedTokenFile: "/missing"},
	} {
		if err := c.CheckTokenFile(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func writeFile(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
