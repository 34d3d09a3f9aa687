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

// TokenSource is how a call to Defender gets its bearer token.
type TokenSource = func(ctx context.Context, want defender.TokenRequest) (string, error)

// TokenSources are who signs in to Defender. The writer is nil in read-only mode: no credential that could write is
// even looked at.
type TokenSources struct {
	Read, Write TokenSource
	vault       *entra.Source // for Azure Key Vault, nil where nothing can sign in
	Close       func()
}

// newTokenSources returns who signs in. It makes no call. callers are the tokens of the people on whose behalf we act; stateDir
// is where a person's sign-in is kept.
func newTokenSources(c *config.Config, callers *userTokens, stateDir string) (TokenSources, error) {
	ids, err := newReadWriteSources(c, callers, stateDir)
	if c.ReadOnly {
		ids.Write = nil
	}
	return ids, err
}

func newReadWriteSources(c *config.Config, callers *userTokens, stateDir string) (TokenSources, error) {
	if c.UsesSimulator() {
		return TokenSources{Read: staticToken("simulator"), Write: staticToken("simulator"), Close: func() {}}, nil
	}
	reader, err := newAppSource(c, c.Azure, stateDir)
	if err != nil {
		return TokenSources{}, err
	}
	ids := TokenSources{Read: tokenSourceOf(reader), Write: tokenSourceOf(reader), vault: reader, Close: reader.Close}
	switch {
	case c.Auth == config.OnBehalfOf:
		ids.Read, ids.Write, err = onBehalfOfSources(c, reader, callers)
	case c.HasSeparateWriter() && !c.ReadOnly:
		var writer *entra.Source
		if writer, err = newAppSource(c, c.WriterApp(), stateDir); err == nil {
			ids.Write = tokenSourceOf(writer) // an application's, in which nobody has a sign-in to end
		}
	}
	return ids, err
}

// newAppSource is the sign-in of one app registration.
func newAppSource(c *config.Config, app config.AppRegistration, stateDir string) (*entra.Source, error) {
	cfg, err := c.EntraConfig(app)
	if err != nil {
		return nil, err
	}
	cfg.StateDir = stateDir
	return entra.New(cfg)
}

// onBehalfOfSources makes Defender see the people who call: reads and writes go out in their names. Where nobody calls,
// as in recovery, or somebody without an Entra sign-in does, the application may read by itself, and never write.
func onBehalfOfSources(c *config.Config, app *entra.Source, held *userTokens) (read, write TokenSource, err error) {
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
		assertion, err := held.get(confirm.Principal(want.Actor.User))
		if err != nil {
			return "", err
		}
		token, err := exchange.Get(ctx, assertion, entraRequest(want))
		return token.Text, err
	}
	alone := tokenSourceOf(app)
	read = func(ctx context.Context, want defender.TokenRequest) (string, error) {
		if strings.HasPrefix(want.Actor.User, "entra:") {
			return write(ctx, want) // as the caller, or not at all
		}
		return alone(ctx, want)
	}
	return read, write, nil
}

// errAgentHasNoToken keeps an agent from borrowing the sign-in of the person whose principal it bears.
var errAgentHasNoToken = errors.New("an application or AI agent has no user's sign-in, and Defender is called on behalf of users here; a user has to propose the change, with a client that is signed in as that user")

func tokenSourceOf(s *entra.Source) TokenSource {
	return func(ctx context.Context, want defender.TokenRequest) (string, error) {
		token, err := s.Get(ctx, entraRequest(want))
		return token.Text, err
	}
}

// entraRequest returns the request to Entra ID for a token that Defender accepts. The source decides on whose behalf.
func entraRequest(want defender.TokenRequest) entra.TokenRequest {
	return entra.TokenRequest{Fresh: want.Fresh, Claims: want.Claims}
}

func staticToken(token string) TokenSource {
	return func(context.Context, defender.TokenRequest) (string, error) { return token, nil }
}
