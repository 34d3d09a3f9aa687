// Package keyvault reads the parts of named credentials from Azure Key Vault. It is the only room that sees azsecrets.
package keyvault

import (
	"context"
	"net/http"
	"time"

	"scanwarden/defender"
)

// Config says who reads.
type Config struct {
	TenantID string // the one tenant that tokens are asked for, whatever a vault says
	// Token returns a token for the scope; claims answer a challenge and are "" mostly.
	Token func(ctx context.Context, scope, claims string) (token string, expires time.Time, err error)
	HTTP  *http.Client
}

// Vaults reads secrets. Make one with New; it is safe for concurrent use.
type Vaults struct{ cfg Config }

// New makes no call.
func New(cfg Config) (*Vaults, error) { panic("contract") }

// Check says what is wrong with a secret's identifier, https://NAME.vault.azure.net/secrets/NAME[/VERSION].
func Check(id string) error { panic("contract") }

// Secret reads one secret.
func (v *Vaults) Secret(ctx context.Context, id string) (defender.Secret, error) { panic("contract") }

// Exists reports, without reading a value, nil when the secret is there and enabled.
func (v *Vaults) Exists(ctx context.Context, id string) error { panic("contract") }
