package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/defender"
	"scanwarden/defender/entra"
	"scanwarden/defender/keyvault"
	"scanwarden/tools"
)

// secretReader reads the secrets that references point to.
type secretReader struct {
	env   config.Environment
	vault func() (*keyvault.Client, error) // nil if no application signs in
}

// maxSecret bounds a secret file. The service's own passwords are far shorter.
const maxSecret = 64 << 10

// read returns the secret. A file loses its one trailing newline, which editors add.
func (r secretReader) read(ctx context.Context, ref config.SecretRef) (defender.Secret, error) {
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

// exists returns nil if the secret exists. A secret in Key Vault is not read for that.
func (r secretReader) exists(ctx context.Context, ref config.SecretRef) error {
	if ref.KeyVault == "" {
		_, err := r.read(ctx, ref) // the value is dropped
		return err
	}
	vaults, err := r.vaultClient()
	if err != nil {
		return err
	}
	return vaults.Exists(ctx, ref.KeyVault)
}

// vaultClient returns the client of Key Vault, or an error if no application signs in.
func (r secretReader) vaultClient() (*keyvault.Client, error) {
	if r.vault == nil {
		return nil, errors.New("no application signs in to Azure Key Vault here; give an Entra ID credential, or put the secret into a file or the environment")
	}
	return r.vault()
}

// readEnvVar returns the value of an environment variable as a secret.
func readEnvVar(env config.Environment, name string) (defender.Secret, error) {
	if env[name] == "" {
		return defender.Secret{}, fmt.Errorf("environment variable %s is not set; set it and start scanwarden again", name)
	}
	return defender.NewSecret(env[name]), nil
}

// readSecretFile returns the content of a file without its trailing newline.
func readSecretFile(path string) (defender.Secret, error) {
	data, err := config.ReadFile(path, maxSecret)
	if err != nil {
		return defender.Secret{}, fmt.Errorf("secret file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if len(data) == 0 {
		return defender.Secret{}, fmt.Errorf("secret file %s is empty; put the secret into it", path)
	}
	return defender.NewSecret(string(data)), nil
}

// field returns the credential field for a reference. The Executor reads it at execution only, never at start.
func (r secretReader) field(ref config.SecretRef) tools.CredentialField {
	if ref == (config.SecretRef{}) {
		return tools.CredentialField{}
	}
	return tools.CredentialField{
		From:   ref.Location(),
		Read:   func(ctx context.Context) (defender.Secret, error) { return r.read(ctx, ref) },
		Exists: func(ctx context.Context) error { return r.exists(ctx, ref) },
	}
}

// newVaultClient returns a Key Vault client that signs in as app, the application that reads Defender. It returns an
// error if app is nil. The tenant is fixed, because a vault must not choose the tenant of the token that it receives.
func newVaultClient(c *config.Config, app *entra.Source) (*keyvault.Client, error) {
	if app == nil {
		return nil, errors.New("no application signs in to Azure Key Vault here; give an Entra ID credential, or put the secret into a file or the environment")
	}
	source := func(ctx context.Context, scope, claims string) (string, time.Time, error) {
		token, err := app.For(scope).Get(ctx, entra.TokenRequest{Claims: claims}) // with claims, Entra ID issues a new token
		return token.Text, token.Expires, err
	}
	return keyvault.New(keyvault.Config{TenantID: c.Azure.Tenant, Token: source})
}

// Credentials returns the named credentials by name.
func (b *Builder) Credentials() map[string]tools.Credential {
	return b.cfg.NamedCredentials(b.secretReader().field)
}

// checkLocalSecrets returns an error if a secret on this machine is missing. That stops the start, before a change that
// needs the secret is confirmed.
func (b *Builder) checkLocalSecrets(ctx context.Context) error {
	local := map[string]config.CredentialSettings{}
	for name, k := range b.cfg.Credentials {
		local[name], _ = k.Partition()
	}
	named := (&config.Config{Credentials: local}).NamedCredentials(b.secretReader().field)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if err := named[name].Exists(ctx, name); err != nil {
			return fmt.Errorf("credentials: %w", err)
		}
	}
	return nil
}

// checkVaultSecrets logs which secrets are missing in Key Vault or cannot be checked. That stops nothing: they may
// exist by the time they are needed.
func (b *Builder) checkVaultSecrets(ctx context.Context) {
	remote := map[string]config.CredentialSettings{}
	for name, k := range b.cfg.Credentials {
		_, remote[name] = k.Partition()
	}
	for name, k := range (&config.Config{Credentials: remote}).NamedCredentials(b.secretReader().field) {
		if err := k.Exists(ctx, name); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "a change that uses this credential would fail", "credential", name, "error", err)
		}
	}
}

// secretReader returns the reader of the configuration's own secrets.
func (b *Builder) secretReader() secretReader {
	return secretReader{env: b.env, vault: sync.OnceValues(func() (*keyvault.Client, error) {
		sources, err := b.SignIn()
		if err != nil {
			return nil, err
		}
		return newVaultClient(b.cfg, sources.vault)
	})}
}
