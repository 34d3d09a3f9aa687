package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"scanwarden/defender/entra"
	"scanwarden/tools"
)

// OnBehalfOf is the value of auth with which Defender is called on behalf of each caller.
const OnBehalfOf = "on-behalf-of"

// authModes lists the values of auth.
var authModes = []string{string(entra.Client), string(entra.ManagedIdentity), string(entra.DeviceCode), string(entra.Interactive), OnBehalfOf}

// checkSignIn returns an error if the way to sign in is unknown or conflicts with another setting.
func (c *Config) checkSignIn() error {
	if c.Auth != "" && !slices.Contains(authModes, c.Auth) {
		return c.OriginOf("auth").Errorf("%q is not a way to sign in; set it to one of %s", c.Auth, strings.Join(authModes, ", "))
	}
	if c.HasSeparateWriter() && c.Auth != "" && c.Auth != string(entra.Client) {
		return fmt.Errorf("SCANWARDEN_WRITE_CLIENT_ID: with auth %s there is one sign-in for reading and writing; unset the SCANWARDEN_WRITE_ settings or set auth (SCANWARDEN_AUTH) to client", c.Auth)
	}
	if c.Auth == OnBehalfOf && c.HTTP.ClientID != "" && !strings.EqualFold(c.HTTP.ClientID, c.Azure.Client) {
		return c.OriginOf("http.client_id").Errorf("with auth on-behalf-of, callers' tokens are for the application that exchanges them, AZURE_CLIENT_ID; unset it, or set both to the same")
	}
	if c.Auth == OnBehalfOf && !c.AllowsAuth("entra") {
		return c.OriginOf("auth").Errorf("on-behalf-of needs callers who sign in with Entra ID; set http.auth (SCANWARDEN_HTTP_AUTH) to entra")
	}
	return c.checkAuthority()
}

// checkAuthority returns an error unless the sign-in host is a host alone. The error does not repeat the value, because
// a user part may hold a password.
func (c *Config) checkAuthority() error {
	const do = "; write https:// and a host name, such as https://login.microsoftonline.com"
	if strings.HasPrefix(strings.ToLower(c.Azure.Authority), "http://") {
		return errors.New("AZURE_AUTHORITY_HOST: a sign-in host must use https" + do)
	}
	host := c.authorityHost()
	if u, err := url.Parse("https://" + host); c.Azure.Authority != "" && (err != nil || u.Host != host || u.Hostname() == "") {
		return errors.New("AZURE_AUTHORITY_HOST: it is not a host alone, or has a user, a path or a query" + do)
	}
	return nil
}

// HasSeparateWriter reports whether a second app registration writes to Defender.
func (c *Config) HasSeparateWriter() bool { return c.Write.Client != "" || c.Write.HasCredential() }

// UserSignsIn reports whether a user signs in to Entra ID interactively, with a device code or a browser.
func (c *Config) UserSignsIn() bool {
	return c.Auth == string(entra.DeviceCode) || c.Auth == string(entra.Interactive)
}

// CheckServeAuth returns an error if a user signs in interactively. On a service the first caller would sign in for all
// others.
func (c *Config) CheckServeAuth() error {
	if c.UserSignsIn() {
		return c.OriginOf("auth").Errorf("%s signs in one person, at a stdio server; set it to client, managed-identity or on-behalf-of for serve", c.Auth)
	}
	return nil
}

// EntraConfig returns the configuration of the sign-in of one app registration. Its StateDir is not set.
func (c *Config) EntraConfig(app AppRegistration) (entra.Config, error) {
	to, err := c.Endpoints()
	if err != nil {
		return entra.Config{}, err
	}
	mode := entra.Mode(c.Auth)
	if c.Auth == OnBehalfOf {
		mode = entra.Client // the application itself, which reads where there is no caller
	}
	return entra.Config{
		Mode: mode, TenantID: cmp.Or(app.Tenant, c.Azure.Tenant), ClientID: app.Client, ClientSecret: app.clientSecret(),
		CertificatePath: app.Certificate, FederatedTokenFile: app.TokenFile,
		Authority: to.Authority, NoInstanceDiscovery: c.hasCustomAuthority(), Scope: to.Scope,
		Prefix: app.envPrefix, Prompt: tools.Progress,
	}, nil
}

// DatabaseScope returns the scope of tokens that Azure Database for PostgreSQL takes as a password, in the cloud of the
// sign-in host (Microsoft Learn, "Microsoft Entra authentication with Azure Database for PostgreSQL").
func (c *Config) DatabaseScope() (string, error) {
	to, err := c.Endpoints()
	switch to.Authority {
	case "https://login.microsoftonline.us":
		return "https://ossrdbms-aad.database.usgovcloudapi.net/.default", err
	case "https://login.partner.microsoftonline.cn":
		return "https://ossrdbms-aad.database.chinacloudapi.cn/.default", err
	}
	return "https://ossrdbms-aad.database.windows.net/.default", err
}

// clientSecret returns a function that reveals the client secret, or nil if there is none.
func (a AppRegistration) clientSecret() func() (string, error) {
	if a.Secret.Empty() {
		return nil
	}
	return func() (secret string, err error) {
		err = a.Secret.Reveal(func(s string) error { secret = s; return nil })
		return secret, err
	}
}

// HasCredential reports whether the application can sign in by itself.
func (a AppRegistration) HasCredential() bool {
	return !a.Secret.Empty() || a.Certificate != "" || a.TokenFile != ""
}

// hasCustomAuthority reports whether the sign-in host is unknown to Microsoft's instance discovery, so that discovery
// would fail.
func (c *Config) hasCustomAuthority() bool {
	known := []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
	return c.Azure.Authority != "" && !slices.Contains(known, strings.ToLower(c.authorityHost()))
}

// UsesSimulator reports whether Defender is a simulator on this machine. Plain http is accepted to loopback only, and
// without a credential no token could be for a real tenant.
func (c *Config) UsesSimulator() bool {
	u, err := url.Parse(c.Defender.URL)
	return err == nil && u.Scheme == "http" && !c.Azure.HasCredential() && (c.Auth == "" || c.Auth == string(entra.Client))
}

// SkippedSignIn returns the advice for a refused token if no sign-in was made because Defender's URL was taken for that
// of a simulator. Otherwise it returns "".
func (c *Config) SkippedSignIn() string {
	if c.Simulator || !c.UsesSimulator() {
		return ""
	}
	return `no sign-in was made, and the bearer token "simulator" was sent: a plain http URL on this machine, without a ` +
		"credential, is taken for the simulator; set AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential, or correct " +
		"defender.url (SCANWARDEN_DEFENDER_URL)"
}

// TargetName returns the name of the tenant that changes are planned for. Only the same tenant may execute them.
func (c *Config) TargetName() (string, error) {
	if c.Simulator {
		return "simulator", nil
	}
	to, err := c.Endpoints()
	return strings.TrimSpace(to.URL + " " + strings.ToLower(c.Azure.Tenant)), err
}
