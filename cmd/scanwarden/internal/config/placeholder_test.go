package config

import (
	"maps"
	"strings"
	"testing"
)

// secretVariables are all settings that are secrets, and the one that may hold a password, each with what else it needs.
var secretVariables = map[string]Environment{
	"AZURE_CLIENT_SECRET":            {},
	"SCANWARDEN_WRITE_CLIENT_SECRET": {},
	"SCANWARDEN_HTTP_TOKEN":          {},
	"SLACK_BOT_TOKEN":                {"SLACK_APP_TOKEN": "xapp-1"},
	"SLACK_APP_TOKEN":                {"SLACK_BOT_TOKEN": "xoxb-1"},
	"SLACK_SIGNING_SECRET":           {"SLACK_BOT_TOKEN": "xoxb-1"},
	"SCANWARDEN_DATABASE_URL":        {},
}

func TestEverySecretVariableIsTrimmed(t *testing.T) {
	t.Parallel()
	for _, s := range Settings {
		if _, listed := secretVariables[s.Env]; s.Secret && !listed {
			t.Errorf("%s is a secret and is not tested", s.Env)
		}
	}
	for name, also := range secretVariables {
		value := "canary-0123456789"
		if name == "SCANWARDEN_DATABASE_URL" {
			value = "postgres://ada:canary-0123456789@db.example.com/d"
		}
		load := func(value string) (*Config, error) {
			env := maps.Clone(also)
			env[name] = value
			return Load(env, nil)
		}
		want, err := load(value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := load("\ufeff" + value + "\r\n\n")
		if err != nil {
			t.Errorf("%s with a mark and newlines: %v", name, err)
		} else if !equalSecrets(want, got) {
			t.Errorf("%s keeps a mark or newlines", name)
		}
		for what, bad := range map[string]string{"a newline": value + "\n" + value, "a control character": value + "\x01", "UTF-16": "\xff\xfe" + value, "nothing": "\n"} {
			if _, err := load(bad); err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s with %s: %v", name, what, err)
			}
		}
	}
}

// equalSecrets reports whether two configurations have the same secrets.
func equalSecrets(a, b *Config) bool {
	return a.DatabaseURL == b.DatabaseURL && sameSecret(a.Azure.Secret, b.Azure.Secret) && sameSecret(a.Write.Secret, b.Write.Secret) &&
		sameSecret(a.HTTP.Token, b.HTTP.Token) && sameSecret(a.Slack.BotToken, b.Slack.BotToken) &&
		sameSecret(a.Slack.AppToken, b.Slack.AppToken) && sameSecret(a.Slack.SigningSecret, b.Slack.SigningSecret)
}

func TestPlaceholdersAreRecognized(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"<your-tenant-id>", "<secret>", "changeme", "CHANGE_ME", "change-this", "replace me", "${TENANT}", "${env:TENANT}",
		"{{ tenant }}", "$TENANT", "$(TENANT)", "%TENANT%", "...", "xoxb-...", "xapp-…", "TODO", "xxxx", "your-tenant-id", "xoxb-your-token"} {
		if !isPlaceholder(value) {
			t.Errorf("%q is taken for a value", value)
		}
	}
	for _, value := range []string{"a", "11111111-2222-3333-4444-555555555555", "contoso.onmicrosoft.com", "xoxb-1", "p$ssw{rd}", "50%", "100%sure%", "C0123456789", "token:ada,token:bob", "https://scans.example.com"} {
		if isPlaceholder(value) {
			t.Errorf("%q is taken for a placeholder", value)
		}
	}
}

// TestPlaceholders: what only the sign-in needs is like a setting that is missing, so that the server starts and says so
// in every tool call. Every other placeholder is a mistake. The simulator needs no sign-in.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	env := Environment{"AZURE_TENANT_ID": "<your-tenant-id>", "AZURE_CLIENT_ID": "${CLIENT}", "AZURE_CLIENT_SECRET": "changeme"}
	c := loadConfig(t, "", env)
	if err := c.MissingSettings(); err == nil || !strings.Contains(err.Error(), "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID are placeholders") ||
		strings.Contains(err.Error(), "not set") || strings.Contains(err.Error(), "changeme") {
		t.Errorf("three placeholders: %v", err)
	}
	env["AZURE_CLIENT_SECRET"] = ""
	if err := loadConfig(t, "", env).MissingSettings(); err == nil || !strings.Contains(err.Error(), "are placeholders and AZURE_CLIENT_SECRET (or") {
		t.Errorf("one is missing: %v", err)
	}
	whole := Environment{"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s", "AZURE_AUTHORITY_HOST": "<host>"}
	if err := loadConfig(t, "", whole).MissingSettings(); err == nil || !strings.Contains(err.Error(), "AZURE_AUTHORITY_HOST is a placeholder") {
		t.Errorf("an optional setting: %v", err)
	}
	given, err := Load(whole, Flags{"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"})
	if err != nil || given.MissingSettings() != nil {
		t.Errorf("a flag replaces it: %v, %v", err, given.MissingSettings())
	}
	c.Simulator = true
	if err := c.MissingSettings(); err != nil {
		t.Errorf("with the simulator: %v", err)
	}
	for name, value := range map[string]string{"SCANWARDEN_HTTP_TOKEN": "${SCANWARDEN_TOKEN_OF_CALLERS}", "SLACK_BOT_TOKEN": "xoxb-...", "SCANWARDEN_PUBLIC_URL": "<url>", "SCANWARDEN_EXPIRES": "..."} {
		if _, err := Load(Environment{name: value}, nil); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "placeholder") || strings.Contains(err.Error(), value) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(Environment{"SCANWARDEN_DATABASE_URL": "postgres://ada:${PASSWORD}@h/d"}, nil); err == nil || !strings.Contains(err.Error(), "variable") {
		t.Errorf("a variable in the database URL: %v", err)
	}
}
