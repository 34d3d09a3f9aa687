package main

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"scanwarden/defender"
	"scanwarden/defender/entra"
	"scanwarden/tools"
)

// tokenSource is how a call to Defender gets its bearer token.
type tokenSource = func(ctx context.Context, ask defender.TokenAsk) (string, error)

// signIn returns the source of tokens for Defender. It makes no call.
func (c *config) signIn() (tokenSource, error) {
	if c.standIn() {
		return fixedToken("simulator"), nil
	}
	to, err := c.endpoints()
	if err != nil {
		return nil, err
	}
	source, err := entra.New(entra.Config{
		TenantID: c.Azure.Tenant, ClientID: c.Azure.Client, ClientSecret: c.clientSecret(),
		CertificatePath: c.Azure.Certificate, FederatedTokenFile: c.Azure.TokenFile,
		Authority: to.Authority, NoInstanceDiscovery: c.privateAuthority(), Scope: to.Scope,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, ask defender.TokenAsk) (string, error) { return source.Token(ctx, ask.Fresh) }, nil
}

func fixedToken(token string) tokenSource {
	return func(context.Context, defender.TokenAsk) (string, error) { return token, nil }
}

func (c *config) clientSecret() func() (string, error) {
	if c.Azure.Secret.Empty() {
		return nil
	}
	return func() (secret string, err error) {
		err = c.Azure.Secret.Reveal(func(s string) error { secret = s; return nil })
		return secret, err
	}
}

// privateAuthority reports a sign-in host that Microsoft's instance discovery does not know, so that asking
// it would fail.
func (c *config) privateAuthority() bool {
	known := []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
	return c.Azure.Authority != "" && !slices.Contains(known, strings.ToLower(c.authorityHost()))
}

// hasCredential reports whether there is anything to sign in to Entra with.
func (c *config) hasCredential() bool {
	return !c.Azure.Secret.Empty() || c.Azure.Certificate != "" || c.Azure.TokenFile != ""
}

// standIn reports a Defender that is a simulator on this machine: plain http is accepted to loopback alone,
// and with no credential there is no real tenant that a token could be for.
func (c *config) standIn() bool {
	u, err := url.Parse(c.Defender.URL)
	return err == nil && u.Scheme == "http" && !c.hasCredential()
}

// missing says what has to be given before a tool call can reach a tenant, nil when nothing has.
func (c *config) missing() error {
	if c.Simulator || c.standIn() {
		return nil
	}
	var names []string
	if c.Azure.Tenant == "" {
		names = append(names, "AZURE_TENANT_ID")
	}
	if c.Azure.Client == "" {
		names = append(names, "AZURE_CLIENT_ID")
	}
	if !c.hasCredential() {
		names = append(names, "AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE)")
	}
	if len(names) == 0 {
		return nil
	}
	return &tools.Refusal{
		Reason: "scanwarden has no Defender tenant to talk to yet: " + strings.Join(names, " and ") + " not set",
		Next:   "Have the operator set what is missing and start scanwarden again, or start it with --simulator to try it without a tenant.",
	}
}

// target names the tenant that changes are planned for: no other one may run them.
func (c *config) target() (string, error) {
	if c.Simulator {
		return "simulator", nil
	}
	to, err := c.endpoints()
	return strings.TrimSpace(to.URL + " " + strings.ToLower(c.Azure.Tenant)), err
}
