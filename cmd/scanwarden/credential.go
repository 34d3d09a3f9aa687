package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"scanwarden/defender"
	"scanwarden/defender/entra"
	"scanwarden/defender/keyvault"
	"scanwarden/tools"
)

// CredentialSettings is a named credential: what is public about it, and where its secret parts are.
type CredentialSettings struct {
	Type            string    `yaml:"type"`
	Username        string    `yaml:"username"`
	AuthProtocol    string    `yaml:"authProtocol"`
	PrivProtocol    string    `yaml:"privProtocol"`
	AuthPassword    SecretRef `yaml:"authPassword"`
	PrivPassword    SecretRef `yaml:"privPassword"`
	CommunityString SecretRef `yaml:"communityString"`
}

// SecretRef says where one secret is: {env: NAME}, {file: PATH} or {keyVault: URL}. The zero value is absent.
type SecretRef struct {
	Env, File, KeyVault string
}

// secretReader reads secrets from where parts say they are.
type secretReader struct {
	env   Environment
	vault func() (*keyvault.Client, error) // nil where nothing can sign in to one
}

// reEnvName is what an environment variable may be called (POSIX, Environment Variable Definition).
var reEnvName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// UnmarshalYAML is written by hand because the library's own errors quote the value, and a person who writes
// the secret itself in place of a reference would find it in a log.
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
			return fmt.Errorf("line %d: what stands after env is not the name of an environment variable; the secret itself does not belong in this file", value.Line)
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
		return fmt.Errorf("line %d: unknown place for a secret; use {env: NAME}, {file: PATH} or {keyVault: URL}", key.Line)
	}
	return nil
}

// maxSecret bounds a secret file; the service's own passwords are far shorter.
const maxSecret = 64 << 10

// read returns the secret. A file loses its one trailing newline, which editors add.
func (r secretReader) read(ctx context.Context, ref SecretRef) (defender.Secret, error) {
	switch {
	case ref.Env != "":
		return readEnvVar(r.env, ref.Env)
	case ref.File != "":
		return readSecretFile(ref.File)
	}
	vaults, err := r.vaultClient()
	if err != nil {
		return defender.Secret{}, err
	}
	return vaults.Secret(ctx, ref.KeyVault)
}

// exists is nil when the secret is there, as far as that can be told without reading it.
func (r secretReader) exists(ctx context.Context, ref SecretRef) error {
	if ref.KeyVault == "" {
		_, err := r.read(ctx, ref) // the value is dropped at once
		return err
	}
	vaults, err := r.vaultClient()
	if err != nil {
		return err
	}
	return vaults.Exists(ctx, ref.KeyVault)
}

func (r secretReader) vaultClient() (*keyvault.Client, error) {
	if r.vault == nil {
		return nil, errors.New("nothing signs in to Azure Key Vault here; give an Entra ID credential, or put the secret into a file or the environment")
	}
	return r.vault()
}

func readEnvVar(env Environment, name string) (defender.Secret, error) {
	if env[name] == "" {
		return defender.Secret{}, fmt.Errorf("environment variable %s is not set; set it and start scanwarden again", name)
	}
	return defender.NewSecret(env[name]), nil
}

func readSecretFile(path string) (defender.Secret, error) {
	data, err := ReadFile(path, maxSecret)
	if err != nil {
		return defender.Secret{}, fmt.Errorf("secret file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return defender.Secret{}, fmt.Errorf("secret file %s is empty; put the secret into it", path)
	}
	return defender.NewSecret(string(data)), nil
}

// Location is where the secret is, for people.
func (p SecretRef) Location() string {
	switch {
	case p.Env != "":
		return "env " + p.Env
	case p.File != "":
		return "file " + p.File
	}
	return "Key Vault " + p.KeyVault
}

// tool is the part as the executor takes it: read at execution only, never at start.
func (r secretReader) field(ref SecretRef) tools.CredentialField {
	if ref == (SecretRef{}) {
		return tools.CredentialField{}
	}
	return tools.CredentialField{
		From:   ref.Location(),
		Read:   func(ctx context.Context) (defender.Secret, error) { return r.read(ctx, ref) },
		Exists: func(ctx context.Context) error { return r.exists(ctx, ref) },
	}
}

// NamedCredentials are the named credentials as the desk and the executor take them.
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

// newVaultClient reads Azure Key Vault with the sign-in of the application that reads Defender. The tenant is pinned: a vault
// cannot choose whom our token is for.
func newVaultClient(c *Config, app *entra.Source) (*keyvault.Client, error) {
	if app == nil {
		return nil, errors.New("nothing signs in to Azure Key Vault here; give an Entra ID credential, or put the secret into a file or the environment")
	}
	token := func(ctx context.Context, scope, claims string) (string, time.Time, error) {
		got, err := app.For(scope).Get(ctx, entra.TokenRequest{Claims: claims}) // with claims it is a new one
		return got.Text, got.Expires, err
	}
	return keyvault.New(keyvault.Config{TenantID: c.Azure.Tenant, Token: token})
}

// Credentials are the named credentials, read by this server's own reader.
func (b *Builder) Credentials() map[string]tools.Credential {
	return b.cfg.NamedCredentials(b.secretReader().field)
}

// checkLocalSecrets sees whether the parts of the named credentials that are on this machine are there, before a change is
// confirmed that needs one: what is missing stops the start.
func (b *Builder) checkLocalSecrets(ctx context.Context) error {
	here := map[string]CredentialSettings{}
	for name, k := range b.cfg.Credentials {
		here[name], _ = k.Partition()
	}
	named := (&Config{Credentials: here}).NamedCredentials(b.secretReader().field)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := named[name].Exists(ctx, name); err != nil {
			return fmt.Errorf("credentials: %w", err)
		}
	}
	return nil
}

// checkVaultSecrets logs which parts are not in Azure Key Vault, or cannot be asked for. That stops nothing: they may be
// there by the time they are needed.
func (b *Builder) checkVaultSecrets(ctx context.Context) {
	there := map[string]CredentialSettings{}
	for name, k := range b.cfg.Credentials {
		_, there[name] = k.Partition()
	}
	for name, k := range (&Config{Credentials: there}).NamedCredentials(b.secretReader().field) {
		if err := k.Exists(ctx, name); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "a change that uses this credential would fail", "credential", name, "error", err)
		}
	}
}

// Partition parts the secrets on this machine from those in a vault.
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
