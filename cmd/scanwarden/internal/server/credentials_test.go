package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/defender"
)

func TestSecretFile(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"hunter2":              "hunter2",
		"hunter2\n":            "hunter2",
		"hunter2\r\n":          "hunter2",
		"hunter2\n\n":          "hunter2",
		" hunter2 \n":          " hunter2 ",
		"\ufeffhunter2":        "hunter2",
		"hun\nter2\n":          "",
		"\n":                   "",
		"":                     "",
		"\nhunter2\n ":         "",
		"h\x00u\x00n\x00t\x00": "",
		"${CORE_SNMP_AUTH}":    "",
		"changeme":             "changeme", // which a device may really have
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secretReader{}.read(t.Context(), config.SecretRef{File: path})
		if (err != nil) != (want == "") || revealSecret(got) != want {
			t.Errorf("%q: %v; want %q", content, err, want)
		}
	}
	if _, err := (secretReader{}).read(t.Context(), config.SecretRef{File: "/dev/zero"}); err == nil {
		t.Error("an endless file was read")
	}
	if _, err := (secretReader{env: config.Environment{}}).read(t.Context(), config.SecretRef{Env: "NOT_SET"}); err == nil {
		t.Error("a variable that is not set was read")
	}
}

// TestKeyVaultNeedsASignIn: a simulated Defender needs no sign-in, and a vault does.
func TestKeyVaultNeedsASignIn(t *testing.T) {
	t.Parallel()
	c := configtest.Load(t, "credentials:\n"+vaultCredential, config.Environment{"SCANWARDEN_DEFENDER_URL": "http://127.0.0.1:1", "SCANWARDEN_STATE_DIR": t.TempDir()})
	for name, from := range map[string]secretReader{"a stand-in": NewBuilder(c, nil, slog.New(slog.DiscardHandler), "test").secretReader(), "no sign-in at all": {}} {
		secret := c.NamedCredentials(from.field)["edge-snmp"].CommunityString
		_, err := secret.Read(t.Context())
		for _, err := range []error{err, secret.Exists(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "no application signs in to Azure Key Vault here") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

const vaultCredential = "  edge-snmp: {type: CommunityString, communityString: {keyVault: \"https://contoso.vault.azure.net/secrets/edge\"}}\n"

// revealSecret returns what a secret holds; only a test may.
func revealSecret(secret defender.Secret) (text string) {
	_ = secret.Reveal(func(s string) error { text = s; return nil })
	return text
}
