package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/entra"
	"scanwarden/tools"
)

// tokenSource is how a call to Defender gets its bearer token.
type tokenSource = func(ctx context.Context, want defender.TokenRequest) (string, error)

// onBehalfOf is the one way to sign in that is not a mode of the application's own.
const onBehalfOf = "on-behalf-of"

// ways are the values of auth.
var ways = []string{string(entra.Client), string(entra.ManagedIdentity), string(entra.DeviceCode), string(entra.Interactive), onBehalfOf}

func (c *config) checkSignIn() error {
	if c.Auth != "" && !slices.Contains(ways, c.Auth) {
		return c.at("auth").wrong("%q is not a way to sign in; set it to one of %s", c.Auth, strings.Join(ways, ", "))
	}
	if c.writesApart() && c.Auth != "" && c.Auth != string(entra.Client) {
		return fmt.Errorf("SCANWARDEN_WRITE_CLIENT_ID: with auth %s there is one sign-in for reading and writing; unset the SCANWARDEN_WRITE_ settings or set auth (SCANWARDEN_AUTH) to client", c.Auth)
	}
	if c.Auth == onBehalfOf && c.HTTP.ClientID != "" && !strings.EqualFold(c.HTTP.ClientID, c.Azure.Client) {
		return c.at("http.client_id").wrong("with auth on-behalf-of, callers' tokens are for the application that exchanges them, AZURE_CLIENT_ID; unset it, or set both to the same")
	}
	if c.Auth == onBehalfOf && !c.admits("entra") {
		return c.at("auth").wrong("on-behalf-of needs callers who sign in with Entra ID; set http.auth (SCANWARDEN_HTTP_AUTH) to entra")
	}
	return c.checkAuthority()
}

// checkAuthority takes a host alone. It does not repeat the value: a user part may hold a password.
func (c *config) checkAuthority() error {
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

// writesApart reports whether another app registration writes than the one that reads.
func (c *config) writesApart() bool { return c.Write.Client != "" || c.Write.hasCredential() }

// checkService refuses a sign-in that a service must not have: whoever called first would sign in, for everybody.
func (c *config) checkService() error {
	if c.Auth == string(entra.DeviceCode) || c.Auth == string(entra.Interactive) {
		return c.at("auth").wrong("%s signs in one person, at a stdio server; set it to client, managed-identity or on-behalf-of for serve", c.Auth)
	}
	return nil
}

// identities are who signs in to Defender. The writer is nil in read-only mode: no credential that could write is
// even looked at.
type identities struct {
	read, write tokenSource
	vault       *entra.Source // for Azure Key Vault, nil where nothing can sign in
	close       func()
}

// signIn returns who signs in. It makes no call. callers are the tokens of the people on whose behalf we act; stateDir
// is where a person's sign-in is kept.
func (c *config) signIn(callers *callers, stateDir string) (identities, error) {
	ids, err := c.identify(callers, stateDir)
	if c.ReadOnly {
		ids.write = nil
	}
	return ids, err
}

func (c *config) identify(callers *callers, stateDir string) (identities, error) {
	if c.standIn() {
		return identities{read: fixedToken("simulator"), write: fixedToken("simulator"), close: func() {}}, nil
	}
	reader, err := c.source(c.Azure, stateDir)
	if err != nil {
		return identities{}, err
	}
	ids := identities{read: tokens(reader), write: tokens(reader), vault: reader, close: reader.Close}
	switch {
	case c.Auth == onBehalfOf:
		ids.read, ids.write, err = c.inTheirName(reader, callers)
	case c.writesApart() && !c.ReadOnly:
		var writer *entra.Source
		if writer, err = c.source(c.writer(), stateDir); err == nil {
			ids.write = tokens(writer) // an application's, in which nobody has a sign-in to end
		}
	}
	return ids, err
}

// source is the sign-in of one app registration.
func (c *config) source(app azureConfig, stateDir string) (*entra.Source, error) {
	cfg, err := c.entra(app)
	if err != nil {
		return nil, err
	}
	cfg.StateDir = stateDir
	return entra.New(cfg)
}

// entra is what the sign-in of app is told.
func (c *config) entra(app azureConfig) (entra.Config, error) {
	to, err := c.endpoints()
	if err != nil {
		return entra.Config{}, err
	}
	mode := entra.Mode(c.Auth)
	if c.Auth == onBehalfOf {
		mode = entra.Client // the application itself, which reads where there is no caller
	}
	return entra.Config{
		Mode: mode, TenantID: cmp.Or(app.Tenant, c.Azure.Tenant), ClientID: app.Client, ClientSecret: app.clientSecret(),
		CertificatePath: app.Certificate, FederatedTokenFile: app.TokenFile,
		Authority: to.Authority, NoInstanceDiscovery: c.privateAuthority(), Scope: to.Scope,
		Prefix: app.prefix, Prompt: tools.Progress,
	}, nil
}

// inTheirName makes Defender see the people who call: reads and writes go out in their names. Where nobody calls,
// as in recovery, or somebody without an Entra sign-in does, the application may read by itself, and never write.
func (c *config) inTheirName(app *entra.Source, held *callers) (read, write tokenSource, err error) {
	cfg, err := c.entra(c.Azure)
	if err != nil {
		return nil, nil, err
	}
	exchange, err := entra.NewOnBehalfOf(cfg)
	if err != nil {
		return nil, nil, err
	}
	write = func(ctx context.Context, want defender.TokenRequest) (string, error) {
		if want.Actor.Agent {
			return "", errAgent
		}
		assertion, err := held.assertion(confirm.Principal(want.Actor.User))
		if err != nil {
			return "", err
		}
		token, err := exchange.Get(ctx, assertion, entraRequest(want))
		return token.Text, err
	}
	alone := tokens(app)
	read = func(ctx context.Context, want defender.TokenRequest) (string, error) {
		if strings.HasPrefix(want.Actor.User, "entra:") {
			return write(ctx, want) // as the caller, or not at all
		}
		return alone(ctx, want)
	}
	return read, write, nil
}

// errAgent keeps an agent from borrowing the sign-in of the person whose principal it bears.
var errAgent = errors.New("an application or AI agent has no sign-in of a person's, and Defender is called in people's names here; a person has to ask, with a client that is signed in as themself")

func tokens(s *entra.Source) tokenSource {
	return func(ctx context.Context, want defender.TokenRequest) (string, error) {
		token, err := s.Get(ctx, entraRequest(want))
		return token.Text, err
	}
}

// entraRequest returns what Entra ID is asked for; on whose behalf is decided by the source that is asked.
func entraRequest(want defender.TokenRequest) entra.TokenRequest {
	return entra.TokenRequest{Fresh: want.Fresh, Claims: want.Claims}
}

func fixedToken(token string) tokenSource {
	return func(context.Context, defender.TokenRequest) (string, error) { return token, nil }
}

func (a azureConfig) clientSecret() func() (string, error) {
	if a.Secret.Empty() {
		return nil
	}
	return func() (secret string, err error) {
		err = a.Secret.Reveal(func(s string) error { secret = s; return nil })
		return secret, err
	}
}

// hasCredential reports whether there is anything to sign in to Entra with, as an application.
func (a azureConfig) hasCredential() bool {
	return !a.Secret.Empty() || a.Certificate != "" || a.TokenFile != ""
}

// privateAuthority reports a sign-in host that Microsoft's instance discovery does not know, so that asking
// it would fail.
func (c *config) privateAuthority() bool {
	known := []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
	return c.Azure.Authority != "" && !slices.Contains(known, strings.ToLower(c.authorityHost()))
}

// standIn reports a Defender that is a simulator on this machine: plain http is accepted to loopback alone,
// and with no credential there is no real tenant that a token could be for.
func (c *config) standIn() bool {
	u, err := url.Parse(c.Defender.URL)
	return err == nil && u.Scheme == "http" && !c.Azure.hasCredential() && (c.Auth == "" || c.Auth == string(entra.Client))
}

// target names the tenant that changes are planned for: no other one may run them.
func (c *config) target() (string, error) {
	if c.Simulator {
		return "simulator", nil
	}
	to, err := c.endpoints()
	return strings.TrimSpace(to.URL + " " + strings.ToLower(c.Azure.Tenant)), err
}
