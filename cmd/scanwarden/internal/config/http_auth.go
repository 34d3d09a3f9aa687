package config

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"strings"

	httpauth "scanwarden/tools/mcpserver/auth"
)

// httpAuthModes lists how callers may authenticate, alone and together.
var httpAuthModes = []string{"entra", "token", "none", "slack", "entra,slack", "token,slack"}

// checkAuth normalizes http.auth and returns an error if its value is unknown.
func (c *Config) checkAuth() error {
	ways := splitCommas(c.HTTP.Auth)
	if len(ways) == 2 && ways[0] == "slack" { // in either order
		ways[0], ways[1] = ways[1], ways[0]
	}
	if c.HTTP.Auth == "" {
		return nil
	}
	c.HTTP.Auth = strings.Join(ways, ",")
	if !slices.Contains(httpAuthModes, c.HTTP.Auth) {
		return c.OriginOf("http.auth").Errorf("%q is not a way to authenticate; set it to one of %s", c.HTTP.Auth, strings.Join(httpAuthModes, " | "))
	}
	return nil
}

// AllowsAuth reports whether callers may authenticate in this way.
func (c *Config) AllowsAuth(way string) bool { return slices.Contains(splitCommas(c.HTTP.Auth), way) }

// EntraAuthConfig returns the configuration that verifies callers' Entra tokens. resource is the URL of the MCP
// endpoint.
func (c *Config) EntraAuthConfig(resource string) httpauth.EntraConfig {
	to, _ := c.Endpoints() // checked at load
	return httpauth.EntraConfig{
		TenantID: c.Azure.Tenant, ClientID: cmp.Or(c.HTTP.ClientID, c.Azure.Client), Authority: to.Authority,
		Resource: resource, Clients: c.HTTP.Clients,
	}
}

// checkEntraCallers returns an error if tokens of any tenant, or for any application, would be accepted.
func (c *Config) checkEntraCallers(auth string) error {
	callers := c.EntraAuthConfig("")
	if strings.HasPrefix(auth, "entra") && (callers.TenantID == "" || callers.ClientID == "") {
		return c.OriginOf("http.auth").Errorf("entra takes the tokens of one tenant for one app registration; set AZURE_TENANT_ID, and SCANWARDEN_HTTP_CLIENT_ID or AZURE_CLIENT_ID")
	}
	return nil
}

// checkAssistant returns an error if Slack's assistant may call and its signature could not be verified.
func (c *Config) checkAssistant(auth string) error {
	if strings.HasSuffix(auth, "slack") && (!c.SlackConfigured() || c.Slack.SigningSecret.Empty()) {
		return c.OriginOf("http.auth").Errorf("Slack's assistant signs its requests, and no signing secret is configured to verify them; set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET")
	}
	return nil
}

// ResolveHTTPAuth returns http.auth or its default for a server that listens at address and has this many tokens. It
// returns an error if unknown callers, or no caller at all, would be accepted.
func (c *Config) ResolveHTTPAuth(address *net.TCPAddr, tokens int) (string, error) {
	local := address != nil && address.IP.IsLoopback()
	auth := c.HTTP.Auth
	if auth == "" && c.Simulator && local && tokens == 0 {
		auth = "none"
	}
	switch {
	case auth == "none" && tokens > 0:
		return "", c.OriginOf("http.auth").Errorf("none, but a token is configured too; set it to token, or unset the token")
	case auth == "none" && !local:
		return "", c.OriginOf("http.auth").Errorf("none accepts every caller who can reach %s; set it to token and give SCANWARDEN_HTTP_TOKEN, or listen on 127.0.0.1", address)
	case auth == "none" && c.isPublic():
		return "", c.OriginOf("http.public_url").Errorf("a public URL accepts every caller while http.auth is none; set SCANWARDEN_HTTP_AUTH to token and give SCANWARDEN_HTTP_TOKEN, or unset the public URL")
	case tokens > 0 && auth != "" && !strings.HasPrefix(auth, "token"):
		return "", c.OriginOf("http.auth").Errorf("%s, but a token is configured too, which would be ignored; unset the token, or set http.auth to token", auth)
	case strings.HasPrefix(auth, "token") && tokens == 0, auth == "" && tokens == 0 && !c.SlackConfigured():
		return "", errors.New("no caller could be authenticated: set SCANWARDEN_HTTP_TOKEN to a secret of 16 characters or more, SCANWARDEN_HTTP_AUTH to entra, or to none on a loopback address")
	}
	return auth, cmp.Or(c.checkEntraCallers(auth), c.checkAssistant(auth))
}
