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

// OnBehalfOf is the one way to sign in that is not a mode of the application's own.
const OnBehalfOf = "on-behalf-of"

// authModes are the values of auth.
var authModes = []string{string(entra.Client), string(entra.ManagedIdentity), string(entra.DeviceCode), string(entra.Interactive), OnBehalfOf}

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

// checkAuthority takes a host alone. It does not repeat the value: a user part may hold a password.
func (c *Config) checkAuthority() error {
	const do = "; write https:// and a host name, such as https://login.microsoftonline.com"
	if strings.HasPrefix(strings.ToLower(c.Azure.Authority), "http://") {
		return errors.New("AZURE_AUTHORITY_HOST: plain http is not spoken to a sign-in host" + do)
	}
	host := c.authorityHost()
	if u, err := url.Parse("https://" + host); c.Azure.Authority != "" && (err != nil || u.Host != host || u.Hostname() == "") {
		return errors.New("AZURE_AUTHORITY_HOST: it is not a host alone, or has a user, a path or a query" + do)
	}
	return nil
}

// HasSeparateWriter reports whether another app registration writes than the one that reads.
func (c *Config) HasSeparateWriter() bool { return c.Write.Client != "" || c.Write.HasCredential() }

// UserSignsIn reports whether a user signs in to Entra ID interactively, with a device code or a browser.
func (c *Config) UserSignsIn() bool {
	return c.Auth == string(entra.DeviceCode) || c.Auth == string(entra.Interactive)
}

// CheckServeAuth refuses a sign-in that a service must not have: whoever called first would sign in, for everybody.
func (c *Config) CheckServeAuth() error {
	if c.UserSignsIn() {
		return c.OriginOf("auth").Errorf("%s signs in one person, at a stdio server; set it to client, managed-identity or on-behalf-of for serve", c.Auth)
	}
	return nil
}

// EntraConfig is what the sign-in of app is told.
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

func (a AppRegistration) clientSecret() func() (string, error) {
	if a.Secret.Empty() {
		return nil
	}
	return func() (secret string, err error) {
		err = a.Secret.Reveal(func(s string) error { secret = s; return nil })
		return secret, err
	}
}

// HasCredential reports whether there is anything to sign in to Entra with, as an application.
func (a AppRegistration) HasCredential() bool {
	return !a.Secret.Empty() || a.Certificate != "" || a.TokenFile != ""
}

// hasCustomAuthority reports a sign-in host that Microsoft's instance discovery does not know, so that asking
// it would fail.
func (c *Config) hasCustomAuthority() bool {
	known := []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
	return c.Azure.Authority != "" && !slices.Contains(known, strings.ToLower(c.authorityHost()))
}

// UsesSimulator reports a Defender that is a simulator on this machine: plain http is accepted to loopback alone,
// and with no credential there is no real tenant that a token could be for.
func (c *Config) UsesSimulator() bool {
	u, err := url.Parse(c.Defender.URL)
	return err == nil && u.Scheme == "http" && !c.Azure.HasCredential() && (c.Auth == "" || c.Auth == string(entra.Client))
}

// TargetName names the tenant that changes are planned for: no other one may run them.
func (c *Config) TargetName() (string, error) {
	if c.Simulator {
		return "simulator", nil
	}
	to, err := c.Endpoints()
	return strings.TrimSpace(to.URL + " " + strings.ToLower(c.Azure.Tenant)), err
}
