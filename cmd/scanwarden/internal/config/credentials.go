package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"scanwarden/defender"
	"scanwarden/defender/keyvault"
	"scanwarden/tools"
)

// CredentialSettings is a named credential: its public fields, and references to its secrets.
type CredentialSettings struct {
	Type            string    `yaml:"type"`
	Username        string    `yaml:"username"`
	AuthProtocol    string    `yaml:"authProtocol"`
	PrivProtocol    string    `yaml:"privProtocol"`
	AuthPassword    SecretRef `yaml:"authPassword"`
	PrivPassword    SecretRef `yaml:"privPassword"`
	CommunityString SecretRef `yaml:"communityString"`
}

// SecretRef is the location of one secret: {env: NAME}, {file: PATH} or {keyVault: URL}. The zero value means no
// secret.
type SecretRef struct {
	Env, File, KeyVault string
}

// reEnvName matches the names of environment variables (POSIX, Environment Variable Definition).
var reEnvName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// UnmarshalYAML reads a reference. It is hand-written because the YAML library's errors quote the value: a user might
// write the secret in place of its reference, and the quote would reach a log.
func (p *SecretRef) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
		return fmt.Errorf("line %d: say where the secret is, as {env: NAME}, {file: PATH} or {keyVault: URL}; the secret itself does not belong in this file", node.Line)
	}
	key, value := node.Content[0], node.Content[1]
	if value.Kind != yaml.ScalarNode || value.Value == "" {
		return fmt.Errorf("line %d: a name or a path is missing: write {env: NAME}, {file: PATH} or {keyVault: URL}", key.Line)
	}
	switch key.Value {
	case "env":
		if !reEnvName().MatchString(value.Value) {
			return fmt.Errorf("line %d: the text after env is not the name of an environment variable; the secret itself does not belong in this file", value.Line)
		}
		p.Env = value.Value
	case "file":
		p.File = value.Value
	case "keyVault":
		if err := keyvault.Check(value.Value); err != nil {
			return fmt.Errorf("line %d: %w", value.Line, err)
		}
		p.KeyVault = value.Value
	default:
		return fmt.Errorf("line %d: unknown kind of secret reference; use {env: NAME}, {file: PATH} or {keyVault: URL}", key.Line)
	}
	return nil
}

// Location returns the location for people, such as "env NAME" or "file PATH".
func (p SecretRef) Location() string {
	switch {
	case p.Env != "":
		return "env " + p.Env
	case p.File != "":
		return "file " + p.File
	}
	return "Key Vault " + p.KeyVault
}

// NamedCredentials returns the named credentials by name. field returns the credential field that reads a reference.
func (c *Config) NamedCredentials(field func(SecretRef) tools.CredentialField) map[string]tools.Credential {
	named := make(map[string]tools.Credential, len(c.Credentials))
	for name, k := range c.Credentials {
		named[name] = tools.Credential{
			Type: k.Type, Username: k.Username, AuthProtocol: k.AuthProtocol, PrivProtocol: k.PrivProtocol,
			AuthPassword: field(k.AuthPassword), PrivPassword: field(k.PrivPassword), CommunityString: field(k.CommunityString),
		}
	}
	return named
}

// Partition returns the credential with only those secrets that are on this machine, and with only those in Key Vault.
func (k CredentialSettings) Partition() (here, there CredentialSettings) {
	here, there = k, k
	for _, p := range []struct{ here, there *SecretRef }{
		{&here.AuthPassword, &there.AuthPassword}, {&here.PrivPassword, &there.PrivPassword}, {&here.CommunityString, &there.CommunityString},
	} {
		if p.here.KeyVault != "" {
			*p.here = SecretRef{}
		} else {
			*p.there = SecretRef{}
		}
	}
	return here, there
}

// checkCredentials returns an error for the first credential that lacks a field or has one too many.
func (c *Config) checkCredentials() error {
	named := c.NamedCredentials(unreadField)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if tools.IsAskCredential(name) {
			return c.OriginOf("credentials", name).Errorf("a credential cannot be called %q, which has an approver type one; choose another name", name)
		}
		if err := named[name].Check(name); err != nil {
			return c.OriginOf("credentials", name).Errorf("%w", err)
		}
	}
	return nil
}

// unreadField returns a field that has the location of ref and refuses to be read. It is for checks that need no
// secret.
func unreadField(ref SecretRef) tools.CredentialField {
	if ref == (SecretRef{}) {
		return tools.CredentialField{}
	}
	return tools.CredentialField{From: ref.Location(), Read: func(context.Context) (defender.Secret, error) {
		return defender.Secret{}, errors.New("secrets are not read while the configuration is checked")
	}}
}
