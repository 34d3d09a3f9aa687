package server

import (
	"context"
	"errors"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/entra"
)

// TokenSource returns a bearer token for a call to Defender.
type TokenSource = func(ctx context.Context, want defender.TokenRequest) (string, error)

// TokenSources are the sources of tokens for Defender and Key Vault. Write is nil in read-only mode, in which no
// credential that could write is even read.
type TokenSources struct {
	Read, Write TokenSource
	vault       *entra.Source // for Azure Key Vault, nil if no application signs in
	Close       func()
}

// newTokenSources returns the sources of tokens. It makes no call. users holds the tokens for calls on
// behalf of users; stateDir is where a user's own sign-in is kept.
func newTokenSources(c *config.Config, users *userTokens, stateDir string) (TokenSources, error) {
	sources, err := newReadWriteSources(c, users, stateDir)
	if c.ReadOnly {
		sources.Write = nil
	}
	return sources, err
}

// newReadWriteSources is newTokenSources for a server that is not read-only.
func newReadWriteSources(c *config.Config, users *userTokens, stateDir string) (TokenSources, error) {
	if c.UsesSimulator() {
		return TokenSources{Read: staticToken("simulator"), Write: staticToken("simulator"), Close: func() {}}, nil
	}
	reader, err := newAppSource(c, c.Azure, stateDir)
	if err != nil {
		return TokenSources{}, err
	}
	sources := TokenSources{Read: tokenSourceOf(reader), Write: tokenSourceOf(reader), vault: reader, Close: reader.Close}
	switch {
	case c.Auth == config.OnBehalfOf:
		sources.Read, sources.Write, err = onBehalfOfSources(c, reader, users)
	case c.HasSeparateWriter() && !c.ReadOnly:
		var writer *entra.Source
		if writer, err = newAppSource(c, c.WriterApp(), stateDir); err == nil {
			sources.Write = tokenSourceOf(writer) // an application has no interactive sign-in to end
		}
	}
	return sources, err
}

// newAppSource returns the sign-in of one app registration.
func newAppSource(c *config.Config, app config.AppRegistration, stateDir string) (*entra.Source, error) {
	cfg, err := c.EntraConfig(app)
	if err != nil {
		return nil, err
	}
	cfg.StateDir = stateDir
	return entra.New(cfg)
}

// onBehalfOfSources returns sources that call Defender on behalf of the caller. Without a caller, as in recovery, or
// without an Entra sign-in of the caller, the application reads with its own token and never writes.
func onBehalfOfSources(c *config.Config, app *entra.Source, users *userTokens) (read, write TokenSource, err error) {
	cfg, err := c.EntraConfig(c.Azure)
	if err != nil {
		return nil, nil, err
	}
	exchange, err := entra.NewOnBehalfOf(cfg)
	if err != nil {
		return nil, nil, err
	}
	write = func(ctx context.Context, want defender.TokenRequest) (string, error) {
		if want.Actor.Agent {
			return "", errAgentHasNoToken
		}
		assertion, err := users.get(confirm.Principal(want.Actor.User))
		if err != nil {
			return "", err
		}
		token, err := exchange.Get(ctx, assertion, entraRequest(want))
		return token.Text, err
	}
	own := tokenSourceOf(app)
	read = func(ctx context.Context, want defender.TokenRequest) (string, error) {
		if strings.HasPrefix(want.Actor.User, "entra:") {
			return write(ctx, want) // on behalf of the caller, or not at all
		}
		return own(ctx, want)
	}
	return read, write, nil
}

// errAgentHasNoToken prevents an agent from using the sign-in of the user with the same principal.
var errAgentHasNoToken = errors.New("an application or AI agent has no user's sign-in, and Defender is called on behalf of users here; a user has to propose the change, with a client that is signed in as that user")

// tokenSourceOf returns a source that asks for tokens of an application.
func tokenSourceOf(s *entra.Source) TokenSource {
	return func(ctx context.Context, want defender.TokenRequest) (string, error) {
		token, err := s.Get(ctx, entraRequest(want))
		return token.Text, err
	}
}

// entraRequest returns the request to Entra ID for a token that Defender accepts. The source decides about the actor.
func entraRequest(want defender.TokenRequest) entra.TokenRequest {
	return entra.TokenRequest{Fresh: want.Fresh, Claims: want.Claims}
}

// staticToken returns a source that always returns the same token.
func staticToken(token string) TokenSource {
	return func(context.Context, defender.TokenRequest) (string, error) { return token, nil }
}
