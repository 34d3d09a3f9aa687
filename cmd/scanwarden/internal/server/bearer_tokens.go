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

// TokenHashes holds the hash of each bearer token by the principal that it identifies.
type TokenHashes = map[confirm.Principal][sha256.Size]byte

// ReadTokenHashes reads the bearer tokens and keeps only their hashes.
func (b *Builder) ReadTokenHashes(ctx context.Context) (TokenHashes, error) {
	hashes := TokenHashes{}
	if !b.cfg.HTTP.Token.Empty() {
		if err := addBearerToken(hashes, "default", b.cfg.HTTP.Token); err != nil {
			return nil, fmt.Errorf("SCANWARDEN_HTTP_TOKEN: %w", err)
		}
	}
	reader := b.secretReader()
	for _, name := range slices.Sorted(maps.Keys(b.cfg.HTTP.Tokens)) {
		token, err := reader.read(ctx, b.cfg.HTTP.Tokens[name])
		if err == nil {
			err = addBearerToken(hashes, name, token)
		}
		if err != nil {
			return nil, fmt.Errorf("http.tokens: %s: %w", name, err)
		}
	}
	return hashes, nil
}

// addBearerToken adds the hash of a token. It returns an error if the token is short or belongs to another caller.
func addBearerToken(hashes TokenHashes, name string, token defender.Secret) error {
	return token.Reveal(func(secret string) error {
		if len(secret) < config.MinTokenLength {
			return fmt.Errorf("the token has fewer than %d characters; make one with `openssl rand -hex 32`", config.MinTokenLength)
		}
		hash := sha256.Sum256([]byte(secret))
		for other, taken := range hashes {
			if taken == hash {
				return fmt.Errorf("the token is the same as that of %s; give each caller one of their own", other)
			}
		}
		hashes[confirm.Principal("token:"+name)] = hash
		return nil
	})
}
