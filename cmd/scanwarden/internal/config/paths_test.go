package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pathSettings give each setting that is a path a value, and return what was made of it.
var pathSettings = map[string]struct {
	env  string // the variable
	file string // or the configuration file
	read func(*Config) string
}{
	"state directory":   {env: "SCANWARDEN_STATE_DIR", read: func(c *Config) string { return c.StateDir }},
	"certificate":       {env: "AZURE_CLIENT_CERTIFICATE_PATH", read: func(c *Config) string { return c.Azure.Certificate }},
	"token file":        {env: "AZURE_FEDERATED_TOKEN_FILE", read: func(c *Config) string { return c.Azure.TokenFile }},
	"write certificate": {env: "SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH", read: func(c *Config) string { return c.Write.Certificate }},
	"write token file":  {env: "SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE", read: func(c *Config) string { return c.Write.TokenFile }},
	"ledger":            {file: "database_url: 'sqlite:PATH'", read: func(c *Config) string { return strings.TrimPrefix(c.DatabaseURL, "sqlite:") }},
	"bearer token":      {file: "http: {tokens: {ada: {file: 'PATH'}}}", read: func(c *Config) string { return c.HTTP.Tokens["ada"].File }},
	"password": {file: "credentials: {core: {type: AuthPriv, username: u, authProtocol: SHA1, privProtocol: AES, authPassword: {env: A}, privPassword: {file: 'PATH'}}}",
		read: func(c *Config) string { return c.Credentials["core"].PrivPassword.File }},
	"community": {file: "credentials: {edge: {type: CommunityString, communityString: {file: 'PATH'}}}",
		read: func(c *Config) string { return c.Credentials["edge"].CommunityString.File }},
}

func TestPathsAreExpanded(t *testing.T) {
	t.Parallel()
	for name, s := range pathSettings {
		load := func(path string, home string) (*Config, error) {
			env := Environment{"HOME": home}
			if s.env != "" {
				env[s.env] = path
			} else {
				env["SCANWARDEN_CONFIG"] = filepath.Join(t.TempDir(), "scanwarden.yaml")
				if err := os.WriteFile(env["SCANWARDEN_CONFIG"], []byte(strings.ReplaceAll(s.file, "PATH", path)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return Load(env, nil)
		}
		for path, want := range map[string]string{
			"~/x/file": "/home/ada/x/file", "/srv/a~b": "/srv/a~b", "state/~": "state/~", "/srv/50%/a$": "/srv/50%/a$",
		} {
			if c, err := load(path, "/home/ada"); err != nil || s.read(c) != want {
				t.Errorf("%s %q: %v, want %q", name, path, err, want)
			}
		}
		for _, path := range []string{"${HOME}/x", "$HOME/x", "$(pwd)/x", "%LOCALAPPDATA%/x", "${workspaceFolder}/x", "~grace/x"} {
			if _, err := load(path, "/home/ada"); err == nil || strings.Contains(err.Error(), path) || s.env != "" && !strings.Contains(err.Error(), s.env) {
				t.Errorf("%s %q: %v", name, path, err)
			}
		}
		if _, err := load("~/x", ""); err == nil {
			t.Errorf("%s: there is no home directory", name)
		}
	}
}

func TestThePathOfTheFileIsExpanded(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "scanwarden.yaml"), []byte("read_only: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(Environment{"HOME": home, "SCANWARDEN_CONFIG": "~/scanwarden.yaml"}, nil); err != nil || !c.ReadOnly {
		t.Errorf("%v", err)
	}
	for name, load := range map[string]func() (*Config, error){
		"SCANWARDEN_CONFIG": func() (*Config, error) { return Load(Environment{"SCANWARDEN_CONFIG": "${HOME}/x"}, nil) },
		"--config":          func() (*Config, error) { return Load(nil, Flags{"SCANWARDEN_CONFIG": "$HOME/x"}) },
	} {
		if _, err := load(); err == nil || !strings.Contains(err.Error(), name+": the path has a variable") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
