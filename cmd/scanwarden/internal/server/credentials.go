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

// secretReader reads secrets from where parts say they are.
type secretReader struct {
	env   config.Environment
	vault func() (*keyvault.Client, error) // nil where nothing can sign in to one
}

// maxSecret bounds a secret file; the service's own passwords are far shorter.
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

// exists is nil when the secret is there, as far as that can be told without reading it.
func (r secretReader) exists(ctx context.Context, ref config.SecretRef) error {
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

func readEnvVar(env config.Environment, name string) (defender.Secret, error) {
	if env[name] == "" {
		return defender.Secret{}, fmt.Errorf("environment variable %s is not set; set it and start scanwarden again", name)
	}
	return defender.NewSecret(env[name]), nil
}

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

// tool is the part as the executor takes it: read at execution only, never at start.
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

// newVaultClient reads Azure Key Vault with the sign-in of the application that reads Defender. The tenant is pinned: a vault
// cannot choose whom our token is for.
func newVaultClient(c *config.Config, app *entra.Source) (*keyvault.Client, error) {
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
	here := map[string]config.CredentialSettings{}
	for name, k := range b.cfg.Credentials {
		here[name], _ = k.Partition()
	}
	named := (&config.Config{Credentials: here}).NamedCredentials(b.secretReader().field)
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
	there := map[string]config.CredentialSettings{}
	for name, k := range b.cfg.Credentials {
		_, there[name] = k.Partition()
	}
	for name, k := range (&config.Config{Credentials: there}).NamedCredentials(b.secretReader().field) {
		if err := k.Exists(ctx, name); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "a change that uses this credential would fail", "credential", name, "error", err)
		}
	}
}

// secretReader reads the secrets of our own configuration.
func (b *Builder) secretReader() secretReader {
	return secretReader{env: b.env, vault: sync.OnceValues(func() (*keyvault.Client, error) {
		ids, err := b.SignIn()
		if err != nil {
			return nil, err
		}
		return newVaultClient(b.cfg, ids.vault)
	})}
}
