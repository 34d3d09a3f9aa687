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

// credentialConfig is a named credential: what is public about it, and where its secret parts are.
type credentialConfig struct {
	Type            string `yaml:"type"`
	Username        string `yaml:"username"`
	AuthProtocol    string `yaml:"authProtocol"`
	PrivProtocol    string `yaml:"privProtocol"`
	AuthPassword    part   `yaml:"authPassword"`
	PrivPassword    part   `yaml:"privPassword"`
	CommunityString part   `yaml:"communityString"`
}

// part says where one secret is: {env: NAME}, {file: PATH} or {keyVault: URL}. The zero value is absent.
type part struct {
	env, file, keyVault string
}

// source reads secrets from where parts say they are.
type source struct {
	env   environment
	vault func() (*keyvault.Client, error) // nil where nothing can sign in to one
}

// variableName is what an environment variable may be called (POSIX, Environment Variable Definition).
var variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// UnmarshalYAML is written by hand because the library's own errors quote the value, and a person who writes
// the secret itself in place of a reference would find it in a log.
func (p *part) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
		return fmt.Errorf("line %d: say where the secret is, as {env: NAME}, {file: PATH} or {keyVault: URL}; the secret itself does not belong in this file", node.Line)
	}
	key, value := node.Content[0], node.Content[1]
	if value.Kind != yaml.ScalarNode || value.Value == "" {
		return fmt.Errorf("line %d: a name or a path is missing: write {env: NAME}, {file: PATH} or {keyVault: URL}", key.Line)
	}
	switch key.Value {
	case "env":
		if !variableName().MatchString(value.Value) {
			return fmt.Errorf("line %d: what stands after env is not the name of an environment variable; the secret itself does not belong in this file", value.Line)
		}
		p.env = value.Value
	case "file":
		p.file = value.Value
	case "keyVault":
		if err := keyvault.Check(value.Value); err != nil {
			return fmt.Errorf("line %d: %w", value.Line, err)
		}
		p.keyVault = value.Value
	default:
		return fmt.Errorf("line %d: unknown place for a secret; use {env: NAME}, {file: PATH} or {keyVault: URL}", key.Line)
	}
	return nil
}

// maxSecret bounds a secret file; the service's own passwords are far shorter.
const maxSecret = 64 << 10

// read returns the secret. A file loses its one trailing newline, which editors add.
func (p part) read(ctx context.Context, from source) (defender.Secret, error) {
	switch {
	case p.env != "":
		return readVariable(from.env, p.env)
	case p.file != "":
		return readSecretFile(p.file)
	}
	vaults, err := from.vaults()
	if err != nil {
		return defender.Secret{}, err
	}
	return vaults.Secret(ctx, p.keyVault)
}

// exists is nil when the secret is there, as far as that can be told without reading it.
func (p part) exists(ctx context.Context, from source) error {
	if p.keyVault == "" {
		_, err := p.read(ctx, from) // the value is dropped at once
		return err
	}
	vaults, err := from.vaults()
	if err != nil {
		return err
	}
	return vaults.Exists(ctx, p.keyVault)
}

func (s source) vaults() (*keyvault.Client, error) {
	if s.vault == nil {
		return nil, errors.New("nothing signs in to Azure Key Vault here; give an Entra ID credential, or put the secret into a file or the environment")
	}
	return s.vault()
}

func readVariable(env environment, name string) (defender.Secret, error) {
	if env[name] == "" {
		return defender.Secret{}, fmt.Errorf("environment variable %s is not set; set it and start scanwarden again", name)
	}
	return defender.NewSecret(env[name]), nil
}

func readSecretFile(path string) (defender.Secret, error) {
	data, err := readFile(path, maxSecret)
	if err != nil {
		return defender.Secret{}, fmt.Errorf("secret file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return defender.Secret{}, fmt.Errorf("secret file %s is empty; put the secret into it", path)
	}
	return defender.NewSecret(string(data)), nil
}

// place is where the secret is, for people.
func (p part) place() string {
	switch {
	case p.env != "":
		return "env " + p.env
	case p.file != "":
		return "file " + p.file
	}
	return "Key Vault " + p.keyVault
}

// tool is the part as the executor takes it: read at execution only, never at start.
func (p part) tool(from source) tools.CredentialField {
	if p == (part{}) {
		return tools.CredentialField{}
	}
	return tools.CredentialField{
		From:   p.place(),
		Read:   func(ctx context.Context) (defender.Secret, error) { return p.read(ctx, from) },
		Exists: func(ctx context.Context) error { return p.exists(ctx, from) },
	}
}

// credentials are the named credentials as the desk and the executor take them.
func (c *config) credentials(from source) map[string]tools.Credential {
	named := make(map[string]tools.Credential, len(c.Credentials))
	for name, k := range c.Credentials {
		named[name] = tools.Credential{
			Type: k.Type, Username: k.Username, AuthProtocol: k.AuthProtocol, PrivProtocol: k.PrivProtocol,
			AuthPassword: k.AuthPassword.tool(from), PrivPassword: k.PrivPassword.tool(from),
			CommunityString: k.CommunityString.tool(from),
		}
	}
	return named
}

// vaults reads Azure Key Vault with the sign-in of the application that reads Defender. The tenant is pinned: a vault
// cannot choose whom our token is for.
func (c *config) vaults(app *entra.Source) (*keyvault.Client, error) {
	if app == nil {
		return nil, errors.New("nothing signs in to Azure Key Vault here; give an Entra ID credential, or put the secret into a file or the environment")
	}
	token := func(ctx context.Context, scope, claims string) (string, time.Time, error) {
		got, err := app.For(scope).Get(ctx, entra.TokenRequest{Claims: claims}) // with claims it is a new one
		return got.Text, got.Expires, err
	}
	return keyvault.New(keyvault.Config{TenantID: c.Azure.Tenant, Token: token})
}

// checkSecrets sees whether the parts of the named credentials that are on this machine are there, before a change is
// confirmed that needs one: what is missing stops the start.
func (bp blueprint) checkSecrets(ctx context.Context) error {
	here := map[string]credentialConfig{}
	for name, k := range bp.cfg.Credentials {
		here[name], _ = k.split()
	}
	named := (&config{Credentials: here}).credentials(bp.source())
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := named[name].Exists(ctx, name); err != nil {
			return fmt.Errorf("credentials: %w", err)
		}
	}
	return nil
}

// checkVaults logs which parts are not in Azure Key Vault, or cannot be asked for. That stops nothing: they may be
// there by the time they are needed.
func (bp blueprint) checkVaults(ctx context.Context) {
	there := map[string]credentialConfig{}
	for name, k := range bp.cfg.Credentials {
		_, there[name] = k.split()
	}
	for name, k := range (&config{Credentials: there}).credentials(bp.source()) {
		if err := k.Exists(ctx, name); err != nil && ctx.Err() == nil {
			bp.log.WarnContext(ctx, "a change that uses this credential would fail", "credential", name, "error", err)
		}
	}
}

// split parts the secrets on this machine from those in a vault.
func (k credentialConfig) split() (here, there credentialConfig) {
	here, there = k, k
	for _, p := range []struct{ here, there *part }{
		{&here.AuthPassword, &there.AuthPassword}, {&here.PrivPassword, &there.PrivPassword}, {&here.CommunityString, &there.CommunityString},
	} {
		if p.here.keyVault != "" {
			*p.here = part{}
		} else {
			*p.there = part{}
		}
	}
	return here, there
}
