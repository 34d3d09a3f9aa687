package config_test

import (
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
)

// TestDatabaseAuth: a token can be the password of PostgreSQL alone, and only where no person signs in.
func TestDatabaseAuth(t *testing.T) {
	t.Parallel()
	const url = "postgres://u@db.example.com/x?sslmode=verify-full"
	for want, env := range map[string]config.Environment{
		"":                         {"SCANWARDEN_DATABASE_URL": url, "SCANWARDEN_DATABASE_AUTH": "entra"},
		"entra is for PostgreSQL":  {"SCANWARDEN_DATABASE_AUTH": "entra"},
		"a user signs in here":     {"SCANWARDEN_DATABASE_URL": url, "SCANWARDEN_DATABASE_AUTH": "entra", "SCANWARDEN_AUTH": "device-code", "AZURE_TENANT_ID": "contoso.example", "AZURE_CLIENT_ID": "11112222-bbbb-3333-cccc-4444dddd5555"},
		"SCANWARDEN_DATABASE_AUTH": {"SCANWARDEN_DATABASE_URL": url, "SCANWARDEN_DATABASE_AUTH": "token"},
	} {
		_, err := config.Load(env, nil)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", env, err, want)
		}
	}
}

// TestDatabaseScope follows the cloud.
func TestDatabaseScope(t *testing.T) {
	t.Parallel()
	for authority, want := range map[string]string{
		"":                         "https://ossrdbms-aad.database.windows.net/.default",
		"login.microsoftonline.us": "https://ossrdbms-aad.database.usgovcloudapi.net/.default",
		"https://sts.example.com":  "https://ossrdbms-aad.database.windows.net/.default",
	} {
		got, err := (&config.Config{Azure: config.AppRegistration{Authority: authority}}).DatabaseScope()
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", authority, got, err, want)
		}
	}
}
