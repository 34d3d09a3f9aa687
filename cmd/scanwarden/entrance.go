package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools/entrance"
	"scanwarden/tools/mcpserver"
)

// shortestToken is what a bearer token must have at least: it is all that stands between a caller and us.
const shortestToken = 16

func (c *config) listen() string {
	if c.HTTP.Listen == "" {
		return "127.0.0.1:8484"
	}
	return c.HTTP.Listen
}

// checkHTTP checks what can be known before listening; entrance does the rest.
func (c *config) checkHTTP() error {
	if _, port, err := net.SplitHostPort(c.listen()); err != nil {
		return fmt.Errorf("http.listen (SCANWARDEN_LISTEN): %q is not HOST:PORT; write one, such as 127.0.0.1:8484", c.listen())
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("http.listen (SCANWARDEN_LISTEN): %q is not a port; write a number from 1 to 65535", port)
	}
	if _, err := c.publicOrigin(); err != nil {
		return err
	}
	switch c.HTTP.Auth {
	case "", "token", "none":
	case "entra":
		return errors.New("http.auth (SCANWARDEN_HTTP_AUTH): this build knows token and none, not entra; set it to token and give SCANWARDEN_HTTP_TOKEN")
	default:
		return fmt.Errorf("http.auth (SCANWARDEN_HTTP_AUTH): %q is not a way to authenticate; set it to token, or to none on a loopback address", c.HTTP.Auth)
	}
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Tokens)) {
		if name == "" || name == "default" || c.HTTP.Tokens[name] == (part{}) {
			return fmt.Errorf("http.tokens: %q needs a name other than default and a place; write, for example, ada: {env: ADA_TOKEN}", name)
		}
	}
	return nil
}

// publicOrigin is the scheme and host of the URL that callers use, nil when none is configured.
func (c *config) publicOrigin() (*url.URL, error) {
	if c.HTTP.PublicURL == "" {
		return nil, nil
	}
	// The rule is the one for Defender's own URL: https, or http to this machine, and nothing but a host.
	if defender.CheckURL(c.HTTP.PublicURL) != nil {
		return nil, errors.New("http.public_url (SCANWARDEN_PUBLIC_URL): write https:// and a host, such as https://scans.example.com, without a path (plain http is for loopback only)")
	}
	return url.Parse(c.HTTP.PublicURL)
}

// entrance says who may call the HTTP server at address. It fails closed: without a token nobody may, except
// that a server on loopback may be told to trust everybody there.
func (c *config) entrance(env environment, address net.Addr) (mcpserver.HTTPConfig, error) {
	tokens, err := c.tokens(env)
	if err != nil {
		return mcpserver.HTTPConfig{}, err
	}
	tcp, ok := address.(*net.TCPAddr)
	local := ok && tcp.IP.IsLoopback()
	auth := c.HTTP.Auth
	if auth == "" && c.Simulator && local && len(tokens) == 0 {
		auth = "none"
	}
	door := mcpserver.HTTPConfig{}
	door.Hosts, door.Origins = c.names(tcp)
	switch {
	case auth == "none" && len(tokens) > 0:
		return door, errors.New("http.auth (SCANWARDEN_HTTP_AUTH): none, but a token is configured too; set it to token, or take the token away")
	case auth == "none" && !local:
		return door, fmt.Errorf("http.auth (SCANWARDEN_HTTP_AUTH): none lets everybody in who can reach %s; set it to token and give SCANWARDEN_HTTP_TOKEN, or listen on 127.0.0.1", address)
	case auth == "none" && c.public():
		return door, errors.New("http.public_url (SCANWARDEN_PUBLIC_URL): a public URL lets strangers in while http.auth is none; set SCANWARDEN_HTTP_AUTH to token and give SCANWARDEN_HTTP_TOKEN, or take the public URL away")
	case auth == "none":
		door.Keeper = entrance.Anyone(localUser(env))
		return door, nil
	case len(tokens) == 0:
		return door, errors.New("no caller could be authenticated: set SCANWARDEN_HTTP_TOKEN to a secret of 16 characters or more, or SCANWARDEN_HTTP_AUTH to none on a loopback address")
	}
	door.Keeper = entrance.Tokens(tokens)
	return door, nil
}

// public reports whether callers come from elsewhere, through a proxy on this machine or any other way.
func (c *config) public() bool {
	origin, err := c.publicOrigin()
	if err != nil || origin == nil {
		return err != nil
	}
	ip := net.ParseIP(origin.Hostname())
	return origin.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// names are the Host and Origin headers that are ours, so that a page that rebinds its name to this address
// is turned away.
func (c *config) names(address *net.TCPAddr) (hosts, origins []string) {
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
	if public, err := c.publicOrigin(); err == nil && public != nil {
		hosts = append(hosts, public.Host)
		origins = append(origins, public.Scheme+"://"+public.Host)
	}
	return hosts, origins
}

// tokens reads the bearer tokens and keeps their sums only.
func (c *config) tokens(env environment) (map[confirm.Principal][sha256.Size]byte, error) {
	sums := map[confirm.Principal][sha256.Size]byte{}
	if !c.HTTP.Token.Empty() {
		if err := addToken(sums, "default", c.HTTP.Token); err != nil {
			return nil, fmt.Errorf("SCANWARDEN_HTTP_TOKEN: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.HTTP.Tokens)) {
		token, err := c.HTTP.Tokens[name].read(env)
		if err == nil {
			err = addToken(sums, name, token)
		}
		if err != nil {
			return nil, fmt.Errorf("http.tokens: %s: %w", name, err)
		}
	}
	return sums, nil
}

func addToken(sums map[confirm.Principal][sha256.Size]byte, name string, token defender.Secret) error {
	return token.Reveal(func(secret string) error {
		if len(secret) < shortestToken {
			return fmt.Errorf("the token has fewer than %d characters; make one with `openssl rand -hex 32`", shortestToken)
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
