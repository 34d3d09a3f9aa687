package server

import (
	"context"
	"net"
	"strings"

	"scanwarden/slackbot"
	"scanwarden/tools/mcpserver"
	httpauth "scanwarden/tools/mcpserver/auth"
)

// loadBearerTokens reads the bearer tokens, and finds what is wrong with who may call before there is a listener: it is wrong
// whether or not the address can be had.
func (b *Builder) loadBearerTokens(ctx context.Context) (TokenHashes, error) {
	address, err := net.ResolveTCPAddr("tcp", b.cfg.ListenAddress())
	if err != nil {
		return nil, b.cfg.OriginOf("http.listen").Errorf("%w; choose another address", err)
	}
	tokens, err := b.ReadTokenHashes(ctx)
	if err != nil {
		return nil, err
	}
	_, err = b.cfg.ResolveHTTPAuth(address, len(tokens))
	return tokens, err
}

// newHTTPConfig says who may call the HTTP server at address. It fails closed: unless something tells who calls,
// nobody may, except that a server on loopback may be told to trust everybody there.
func (b *Builder) newHTTPConfig(ctx context.Context, address net.Addr, tokens TokenHashes) (mcpserver.HTTPConfig, error) {
	tcp, _ := address.(*net.TCPAddr)
	door := mcpserver.HTTPConfig{}
	door.Hosts, door.Origins = b.cfg.AllowedHosts(tcp)
	auth, err := b.cfg.ResolveHTTPAuth(tcp, len(tokens))
	if err != nil {
		return door, err
	}
	switch strings.TrimSuffix(auth, ",slack") {
	case "none":
		door.Authenticator = httpauth.Anonymous(LocalUser(b.env))
	case "entra":
		callers := b.cfg.EntraAuthConfig(b.cfg.ResourceURL(tcp))
		if b.users != nil {
			callers.Verified = b.users.add
		}
		if door.Authenticator, err = httpauth.Entra(ctx, callers); err != nil {
			return door, b.cfg.OriginOf("http.auth").Errorf("%w", err)
		}
	default:
		door.Authenticator = httpauth.BearerTokens(tokens) // without any, it lets nobody in
	}
	if strings.HasSuffix(auth, "slack") {
		assistant := httpauth.SlackAssistant(httpauth.SlackConfig{Verify: slackbot.NewVerifier(b.cfg.Slack.SigningSecret), ResolveUser: b.bot.ResolveUser})
		if door.Authenticator = httpauth.BySignature(assistant, door.Authenticator); auth == "slack" {
			door.Authenticator = assistant // nobody else comes, so nobody is asked for a token
		}
	}
	return door, nil
}
