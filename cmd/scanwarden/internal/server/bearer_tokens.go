package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/defender"
)

// TokenHashes are the sums of the bearer tokens, and whose they are.
type TokenHashes = map[confirm.Principal][sha256.Size]byte

// readTokenHashes reads the bearer tokens and keeps their sums only.
func (b *Builder) ReadTokenHashes(ctx context.Context) (TokenHashes, error) {
	sums := TokenHashes{}
	if !b.cfg.HTTP.Token.Empty() {
		if err := addBearerToken(sums, "default", b.cfg.HTTP.Token); err != nil {
			return nil, fmt.Errorf("SCANWARDEN_HTTP_TOKEN: %w", err)
		}
	}
	reader := b.secretReader()
	for _, name := range slices.Sorted(maps.Keys(b.cfg.HTTP.Tokens)) {
		token, err := reader.read(ctx, b.cfg.HTTP.Tokens[name])
		if err == nil {
			err = addBearerToken(sums, name, token)
		}
		if err != nil {
			return nil, fmt.Errorf("http.tokens: %s: %w", name, err)
		}
	}
	return sums, nil
}

func addBearerToken(sums TokenHashes, name string, token defender.Secret) error {
	return token.Reveal(func(secret string) error {
		if len(secret) < config.MinTokenLength {
			return fmt.Errorf("the token has fewer than %d characters; make one with `openssl rand -hex 32`", config.MinTokenLength)
		}
		sum := sha256.Sum256([]byte(secret))
		for other, taken := range sums {
			if taken == sum {
				return fmt.Errorf("the token is the same as that of %s; give each caller one of their own", other)
			}
		}
		sums[confirm.Principal("token:"+name)] = sum
		return nil
	})
}
