package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"scanwarden/defender"
	"scanwarden/slackbot"
	"scanwarden/tools/mcpserver"
	httpauth "scanwarden/tools/mcpserver/auth"
)

// MinTokenLength is what a bearer token must have at least: it is all that stands between a caller and us.
const MinTokenLength = 16

func (c *Config) ListenAddress() string {
	if c.HTTP.Listen == "" {
		return "127.0.0.1:8484"
	}
	return c.HTTP.Listen
}

// checkHTTP checks what can be known before listening; entrance does the rest.
func (c *Config) checkHTTP() error {
	if _, port, err := net.SplitHostPort(c.ListenAddress()); err != nil {
		return c.OriginOf("http.listen").Errorf("%q is not HOST:PORT; write one, such as 127.0.0.1:8484", c.ListenAddress())
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return c.OriginOf("http.listen").Errorf("%q is not a port; write a number from 1 to 65535", port)
	}
	if _, err := c.PublicOrigin(); err != nil {
		return err
	}
	if err := c.checkAuth(); err != nil {
		return err
	}
	return c.checkTokens()
}

// PublicOrigin is the scheme and host of the URL that callers use, nil when none is configured.
func (c *Config) PublicOrigin() (*url.URL, error) {
	if c.HTTP.PublicURL == "" {
		return nil, nil
	}
	// The rule is the one for Defender's own URL: https, or http to this machine, and nothing but a host.
	if defender.CheckURL(c.HTTP.PublicURL) != nil {
		return nil, c.OriginOf("http.public_url").Errorf("write https:// and a host, such as https://scans.example.com, without a path (plain http is for loopback only)")
	}
	return url.Parse(c.HTTP.PublicURL)
}

// httpAuthModes are the ways in which callers prove who they are, and which of them go together.
var httpAuthModes = []string{"entra", "token", "none", "slack", "entra,slack", "token,slack"}

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

// AllowsAuth reports whether callers may prove who they are in this way.
func (c *Config) AllowsAuth(way string) bool { return slices.Contains(splitCommas(c.HTTP.Auth), way) }

// EntraAuthConfig is what the entrance is told of Entra ID.
func (c *Config) EntraAuthConfig(resource string) httpauth.EntraConfig {
	to, _ := c.Endpoints() // checked at load
	return httpauth.EntraConfig{
		TenantID: c.Azure.Tenant, ClientID: cmp.Or(c.HTTP.ClientID, c.Azure.Client), Authority: to.Authority,
		Resource: resource, Clients: c.HTTP.Clients,
	}
}

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

// checkEntraCallers refuses tokens of anybody for anything.
func (c *Config) checkEntraCallers(auth string) error {
	callers := c.EntraAuthConfig("")
	if strings.HasPrefix(auth, "entra") && (callers.TenantID == "" || callers.ClientID == "") {
		return c.OriginOf("http.auth").Errorf("entra takes the tokens of one tenant for one app registration; set AZURE_TENANT_ID, and SCANWARDEN_HTTP_CLIENT_ID or AZURE_CLIENT_ID")
	}
	return nil
}

// checkAssistant refuses to let Slack's assistant in where nothing could check its signature.
func (c *Config) checkAssistant(auth string) error {
	if strings.HasSuffix(auth, "slack") && (!c.SlackConfigured() || c.Slack.SigningSecret.Empty()) {
		return c.OriginOf("http.auth").Errorf("Slack's assistant signs its requests, and there is nothing to check them with; set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET")
	}
	return nil
}

// ResolveHTTPAuth is http.auth with its default, and refuses what would let strangers in, or nobody.
func (c *Config) ResolveHTTPAuth(address *net.TCPAddr, tokens int) (string, error) {
	local := address != nil && address.IP.IsLoopback()
	auth := c.HTTP.Auth
	if auth == "" && c.Simulator && local && tokens == 0 {
		auth = "none"
	}
	switch {
	case auth == "none" && tokens > 0:
		return "", c.OriginOf("http.auth").Errorf("none, but a token is configured too; set it to token, or take the token away")
	case auth == "none" && !local:
		return "", c.OriginOf("http.auth").Errorf("none lets everybody in who can reach %s; set it to token and give SCANWARDEN_HTTP_TOKEN, or listen on 127.0.0.1", address)
	case auth == "none" && c.isPublic():
		return "", c.OriginOf("http.public_url").Errorf("a public URL lets strangers in while http.auth is none; set SCANWARDEN_HTTP_AUTH to token and give SCANWARDEN_HTTP_TOKEN, or take the public URL away")
	case tokens > 0 && auth != "" && !strings.HasPrefix(auth, "token"):
		return "", c.OriginOf("http.auth").Errorf("%s, but a token is configured too, which would not be looked at; take the token away, or set it to token", auth)
	case strings.HasPrefix(auth, "token") && tokens == 0, auth == "" && tokens == 0 && !c.SlackConfigured():
		return "", errors.New("no caller could be authenticated: set SCANWARDEN_HTTP_TOKEN to a secret of 16 characters or more, SCANWARDEN_HTTP_AUTH to entra, or to none on a loopback address")
	}
	return auth, cmp.Or(c.checkEntraCallers(auth), c.checkAssistant(auth))
}

// resourceURL is the URL of the MCP endpoint, as its callers know it.
func (c *Config) ResourceURL(address *net.TCPAddr) string {
	if public, err := c.PublicOrigin(); err == nil && public != nil {
		return public.Scheme + "://" + public.Host + "/mcp"
	}
	return "http://" + address.String() + "/mcp"
}

// isPublic reports whether callers come from elsewhere, through a proxy on this machine or any other way.
func (c *Config) isPublic() bool {
	origin, err := c.PublicOrigin()
	if err != nil || origin == nil {
		return err != nil
	}
	ip := net.ParseIP(origin.Hostname())
	return origin.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// AllowedHosts are the Host and Origin headers that are ours, so that a page that rebinds its name to this address
// is turned away.
func (c *Config) AllowedHosts(address *net.TCPAddr) (hosts, origins []string) {
	if address == nil {
		return nil, nil
	}
	port := strconv.Itoa(address.Port)
	hosts = []string{net.JoinHostPort("localhost", port), net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}
	if own := address.String(); !address.IP.IsUnspecified() && !slices.Contains(hosts, own) {
		hosts = append(hosts, own)
	}
	for _, host := range hosts {
		origins = append(origins, "http://"+host)
	}
	if public, err := c.PublicOrigin(); err == nil && public != nil {
		hosts = append(hosts, public.Host)
		origins = append(origins, public.Scheme+"://"+public.Host)
	}
	return hosts, origins
}
