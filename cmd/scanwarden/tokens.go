package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// checkTokens refuses names that no principal could have.
func (c *Config) checkTokens() error {
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Tokens)) {
		switch {
		case name == "" || name == "default" || c.HTTP.Tokens[name] == (SecretRef{}):
			return c.OriginOf("http.tokens", name).Errorf("%q needs a name other than default and a place; write, for example, ada: {env: ADA_TOKEN}", name)
		case strings.ContainsFunc(name, unicode.IsSpace) || strings.Contains(name, "/"):
			return c.OriginOf("http.tokens", name).Errorf("%q has a blank or a slash in it; take it out, for token:NAME is who the caller is", name)
		}
	}
	return nil
}

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
		if len(secret) < MinTokenLength {
			return fmt.Errorf("the token has fewer than %d characters; make one with `openssl rand -hex 32`", MinTokenLength)
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
