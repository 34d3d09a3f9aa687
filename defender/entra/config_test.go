package entra_test

import (
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

func TestNewNamesWhatToSet(t *testing.T) {
	withSecret := func() (string, error) { return secret, nil }
	cases := map[string]struct {
		edit func(*entra.Config)
		want string
	}{
		"nothing set": {func(c *entra.Config) { *c = entra.Config{} },
			"set AZURE_TENANT_ID, and AZURE_CLIENT_ID, and one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE"},
		"no tenant":      {func(c *entra.Config) { c.TenantID = "" }, "set AZURE_TENANT_ID"},
		"no client":      {func(c *entra.Config) { c.ClientID = "" }, "set AZURE_CLIENT_ID"},
		"no credential":  {func(c *entra.Config) { c.ClientSecret = nil }, "set one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE"},
		"two":            {func(c *entra.Config) { c.CertificatePath = "x" }, "AZURE_CLIENT_SECRET and AZURE_CLIENT_CERTIFICATE_PATH are set together: keep the one to sign in with and unset the rest"},
		"two others":     {func(c *entra.Config) { c.ClientSecret, c.CertificatePath, c.FederatedTokenFile = nil, "x", "y" }, "AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE are set together: keep the one to sign in with and unset the rest"},
		"any tenant":     {func(c *entra.Config) { c.TenantID = "Common" }, `AZURE_TENANT_ID must name one tenant, not "Common"`},
		"ADFS":           {func(c *entra.Config) { c.TenantID = "adfs" }, `AZURE_TENANT_ID must be the GUID or domain name of an Entra ID tenant, not "adfs"`},
		"tenant as path": {func(c *entra.Config) { c.TenantID = "a/../b" }, "AZURE_TENANT_ID must be the tenant's GUID or domain name and nothing else"},
		"tenant of dots": {func(c *entra.Config) { c.TenantID = ".." }, "AZURE_TENANT_ID must be the tenant's GUID or domain name and nothing else"},
		"plain http":     {func(c *entra.Config) { c.Authority = "http://login.microsoftonline.com" }, "AZURE_AUTHORITY_HOST must be https:// and a host name, such as https://login.microsoftonline.com"},
		"bare host":      {func(c *entra.Config) { c.Authority = "login.microsoftonline.com" }, "AZURE_AUTHORITY_HOST must be https:// and a host name, such as https://login.microsoftonline.com"},
		"path":           {func(c *entra.Config) { c.Authority = "https://login.microsoftonline.com/common" }, "AZURE_AUTHORITY_HOST must be https:// and a host name, such as https://login.microsoftonline.com"},
		"password":       {func(c *entra.Config) { c.Authority = "https://u:canary@login.microsoftonline.com" }, "AZURE_AUTHORITY_HOST must be https:// and a host name, such as https://login.microsoftonline.com"},
		"no host":        {func(c *entra.Config) { c.Authority = "https://:443" }, "AZURE_AUTHORITY_HOST must be https:// and a host name, such as https://login.microsoftonline.com"},
		"one permission": {func(c *entra.Config) { c.Scope = "https://api.securitycenter.microsoft.com/Machine.Read" }, "SCANWARDEN_DEFENDER_SCOPE must end in /.default, such as https://api.securitycenter.microsoft.com/.default"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := entra.Config{TenantID: tenant, ClientID: clientID, ClientSecret: withSecret}
			c.edit(&cfg)
			_, err := entra.New(cfg)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.TrimPrefix(err.Error(), "configure the Entra ID sign-in: "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestZeroValuesMeanTheCommercialCloud(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, func(c *entra.Config) { c.Authority, c.Scope = "", "" })
		wantToken(t, s, false, "1")
		if got := f.TokenForms()[0].Get("scope"); !strings.HasPrefix(got, scope+" ") {
			t.Errorf("scope %q", got)
		}
	})
}
