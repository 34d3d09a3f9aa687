package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"

	"scanwarden/defender"
)

// defaultListen is loopback, so that nothing is reachable from elsewhere unless it is configured.
const defaultListen = "127.0.0.1:8484"

// ListenAddress returns the address that `scanwarden serve` listens on.
func (c *Config) ListenAddress() string {
	if c.HTTP.Listen == "" {
		return defaultListen
	}
	return c.HTTP.Listen
}

// checkHTTP checks what is known before the server listens. ResolveHTTPAuth checks the rest.
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

// PublicOrigin returns scheme and host of the URL that callers use, or nil if none is configured.
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

// ResourceURL returns the URL of the MCP endpoint that callers use. address is where the server listens.
func (c *Config) ResourceURL(address *net.TCPAddr) string {
	if public, err := c.PublicOrigin(); err == nil && public != nil {
		return public.Scheme + "://" + public.Host + "/mcp"
	}
	return "http://" + address.String() + "/mcp"
}

// isPublic reports whether callers on other machines reach the server, through a proxy or directly. It is true for a
// public URL that cannot be parsed.
func (c *Config) isPublic() bool {
	origin, err := c.PublicOrigin()
	if err != nil || origin == nil {
		return err != nil
	}
	ip := net.ParseIP(origin.Hostname())
	return origin.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// AllowedHosts returns the Host and Origin headers that are accepted, so that a page that rebinds its name to this
// address is refused.
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
