package entra_test

import (
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

func TestErrorsNameTheVariablesOfTheirRegistration(t *testing.T) {
	writer := func(c *entra.Config) { c.Prefix = "SCANWARDEN_WRITE_" }
	_, err := entra.New(entra.Config{Prefix: "SCANWARDEN_WRITE_"})
	const want = "configure the Entra ID sign-in: set AZURE_TENANT_ID, and SCANWARDEN_WRITE_CLIENT_ID, and one of SCANWARDEN_WRITE_CLIENT_SECRET, " +
		"SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH and SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.changeApp(func(a *entratest.App) { a.Secret = "another" })
		refused := entra.Error{Code: "AADSTS7000215", OAuth: "invalid_client", Status: 401, Correlation: correlation}
		wantHint(t, wantSignInError(t, f.source(t, writer), refused), "set SCANWARDEN_WRITE_CLIENT_SECRET to the secret's Value")
		wantHint(t, wantSignInError(t, f.source(t, writer).For(vault), refused), "set SCANWARDEN_WRITE_CLIENT_SECRET to the secret's Value")
		wantHint(t, wantSignInError(t, f.source(t, nil), refused), "set AZURE_CLIENT_SECRET to the secret's Value")
		file := filepath.Join(t.TempDir(), "none")
		s := f.source(t, func(c *entra.Config) { writer(c); c.ClientSecret, c.FederatedTokenFile = nil, file })
		wantHint(t, wantSignInError(t, s, entra.Error{}), "check SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE")
	})
}

func TestEachModeNamesWhatToSet(t *testing.T) {
	const oneScope = "SCANWARDEN_DEFENDER_SCOPE must be one scope, such as https://api.securitycenter.microsoft.com/.default"
	cases := map[string]struct {
		cfg  entra.Config
		want string // "" means accepted
	}{
		"unknown":                   {entra.Config{Mode: "password"}, "SCANWARDEN_AUTH must be one of client, managed-identity, device-code and interactive"},
		"user, nothing":             {entra.Config{Mode: entra.DeviceCode}, "set AZURE_TENANT_ID, and AZURE_CLIENT_ID"},
		"user, no secret":           {entra.Config{Mode: entra.Interactive, TenantID: tenant, ClientID: clientID}, ""},
		"user, domain":              {entra.Config{Mode: entra.Interactive, TenantID: "contoso.com", ClientID: clientID}, "AZURE_TENANT_ID must be the tenant's GUID with SCANWARDEN_AUTH=interactive, so that an account of another tenant is recognized"},
		"user, any tenant":          {entra.Config{Mode: entra.DeviceCode, TenantID: "organizations", ClientID: clientID}, `AZURE_TENANT_ID must name one tenant, not "organizations"`},
		"user, plain http":          {entra.Config{Mode: entra.DeviceCode, TenantID: tenant, ClientID: clientID, Authority: "http://x"}, "AZURE_AUTHORITY_HOST must be https:// and a host name, such as https://login.microsoftonline.com"},
		"user, one permission":      {entra.Config{Mode: entra.DeviceCode, TenantID: tenant, ClientID: clientID, Scope: "https://api.securitycenter.microsoft.com/Machine.ReadWrite"}, ""},
		"user, two scopes":          {entra.Config{Mode: entra.DeviceCode, TenantID: tenant, ClientID: clientID, Scope: scope + " " + vault}, oneScope},
		"user, no scope":            {entra.Config{Mode: entra.DeviceCode, TenantID: tenant, ClientID: clientID, Scope: "https://api.example/"}, oneScope},
		"machine, nothing":          {entra.Config{Mode: entra.ManagedIdentity}, ""},
		"machine, one permission":   {entra.Config{Mode: entra.ManagedIdentity, Scope: "https://api.example/x"}, "SCANWARDEN_DEFENDER_SCOPE must end in /.default, such as https://api.securitycenter.microsoft.com/.default"},
		"client is what is meant":   {entra.Config{Mode: entra.Client, TenantID: tenant, ClientID: clientID}, "set one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE"},
		"client by another's state": {entra.Config{TenantID: tenant, ClientID: clientID, StateDir: "x"}, "set one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := entra.New(c.cfg)
			got := ""
			if err != nil {
				got = strings.TrimPrefix(err.Error(), "configure the Entra ID sign-in: ")
			} else {
				s.Close()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
