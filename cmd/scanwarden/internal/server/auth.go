package server

import (
	"context"
	"net"
	"strings"

	"scanwarden/slackbot"
	"scanwarden/tools/mcpserver"
	httpauth "scanwarden/tools/mcpserver/auth"
)

// loadBearerTokens returns the hashes of the bearer tokens. It checks the authentication of callers before the server
// listens, so that a mistake is reported even if the address cannot be used.
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

// newHTTPConfig returns how the HTTP server at address authenticates its callers. It fails closed: no caller is
// accepted unless one can be identified, except on loopback with authentication set to none.
func (b *Builder) newHTTPConfig(ctx context.Context, address net.Addr, tokens TokenHashes) (mcpserver.HTTPConfig, error) {
	tcp, _ := address.(*net.TCPAddr)
	cfg := mcpserver.HTTPConfig{}
	cfg.Hosts, cfg.Origins = b.cfg.AllowedHosts(tcp)
	auth, err := b.cfg.ResolveHTTPAuth(tcp, len(tokens))
	if err != nil {
		return cfg, err
	}
	switch strings.TrimSuffix(auth, ",slack") {
	case "none":
		cfg.Authenticator = httpauth.Anonymous(LocalUser(b.env))
	case "entra":
		callers := b.cfg.EntraAuthConfig(b.cfg.ResourceURL(tcp))
		if b.users != nil {
			callers.Verified = b.users.add
		}
		if cfg.Authenticator, err = httpauth.Entra(ctx, callers); err != nil {
			return cfg, b.cfg.OriginOf("http.auth").Errorf("%w", err)
		}
	default:
		cfg.Authenticator = httpauth.BearerTokens(tokens, b.cfg.ConfirmPolicy().Agents...) // without tokens it accepts no caller
	}
	if strings.HasSuffix(auth, "slack") {
		assistant := httpauth.SlackAssistant(httpauth.SlackConfig{Verify: slackbot.NewVerifier(b.cfg.Slack.SigningSecret), ResolveUser: b.bot.ResolveUser})
		if cfg.Authenticator = httpauth.BySignature(assistant, cfg.Authenticator); auth == "slack" {
			cfg.Authenticator = assistant // no other caller is expected, so a challenge names no token
		}
	}
	return cfg, nil
}
