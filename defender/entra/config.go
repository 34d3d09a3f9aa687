package entra

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Config says who signs in, and where. Exactly one of ClientSecret, CertificatePath and FederatedTokenFile
// must be set.
type Config struct {
	TenantID            string                 // GUID or domain name of one tenant
	ClientID            string                 // the app registration's application (client) ID
	ClientSecret        func() (string, error) // nil: none; read anew for each sign-in client
	CertificatePath     string                 // PEM with an RSA key and certificate(s); read anew for each sign-in client
	FederatedTokenFile  string                 // re-read for each assertion
	Authority           string                 // "" means https://login.microsoftonline.com
	NoInstanceDiscovery bool                   // a private authority, which Microsoft's list of clouds does not know
	Scope               string                 // "" means https://api.securitycenter.microsoft.com/.default
	HTTP                *http.Client           // nil means one with a timeout; redirects are never followed
}

// The Azure SDK's names for the configuration, which a person must find in every refusal.
const (
	envTenant      = "AZURE_TENANT_ID"
	envClient      = "AZURE_CLIENT_ID"
	envSecret      = "AZURE_CLIENT_SECRET"
	envCertificate = "AZURE_CLIENT_CERTIFICATE_PATH"
	envFederated   = "AZURE_FEDERATED_TOKEN_FILE"
	envAuthority   = "AZURE_AUTHORITY_HOST"
	envScope       = "SCANWARDEN_DEFENDER_SCOPE"
)

func (c Config) withDefaults() Config {
	if c.Authority == "" {
		c.Authority = "https://login.microsoftonline.com"
	}
	if c.Scope == "" {
		c.Scope = "https://api.securitycenter.microsoft.com/.default"
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: tryTime}
	}
	c.Authority = strings.TrimRight(c.Authority, "/")
	return c
}

// check returns the first thing wrong, one sentence.
func (c Config) check() error {
	return cmp.Or(c.missing(), c.doubled(), c.checkTenant(), c.checkAuthority(), c.checkScope())
}

func (c Config) missing() error {
	var names []string
	if c.TenantID == "" {
		names = append(names, envTenant)
	}
	if c.ClientID == "" {
		names = append(names, envClient)
	}
	if len(c.credentials()) == 0 {
		names = append(names, fmt.Sprintf("one of %s, %s and %s", envSecret, envCertificate, envFederated))
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("set %s", strings.Join(names, ", and "))
}

func (c Config) doubled() error {
	names := c.credentials()
	if len(names) < 2 {
		return nil
	}
	return fmt.Errorf("%s are set together: keep the one to sign in with and unset the rest", strings.Join(names, " and "))
}

// credentials returns the names of the credentials that are set.
func (c Config) credentials() []string {
	var names []string
	if c.ClientSecret != nil {
		names = append(names, envSecret)
	}
	if c.CertificatePath != "" {
		names = append(names, envCertificate)
	}
	if c.FederatedTokenFile != "" {
		names = append(names, envFederated)
	}
	return names
}

func (c Config) checkTenant() error {
	switch strings.ToLower(c.TenantID) {
	case "common", "organizations", "consumers":
		return fmt.Errorf("%s must name one tenant: an application cannot sign in to %q", envTenant, c.TenantID)
	case "adfs", "dstsv2": // MSAL would take these for another kind of authority
		return fmt.Errorf("%s must be the GUID or domain name of an Entra ID tenant, not %q", envTenant, c.TenantID)
	}
	foreign := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.')
	}
	if strings.ContainsFunc(c.TenantID, foreign) || strings.Trim(c.TenantID, ".") == "" {
		return fmt.Errorf("%s must be the tenant's GUID or domain name and nothing else", envTenant)
	}
	return nil
}

func (c Config) checkAuthority() error {
	u, err := url.Parse(c.Authority)
	if err != nil || u.Scheme != "https" || c.Authority != "https://"+u.Host || u.Hostname() == "" {
		return fmt.Errorf("%s must be https:// and a host name, such as https://login.microsoftonline.com", envAuthority)
	}
	return nil
}

func (c Config) checkScope() error {
	// AADSTS1002012: an application can ask for all it was granted, never for a part.
	if !strings.HasSuffix(c.Scope, "/.default") {
		return fmt.Errorf("%s must end in /.default, such as https://api.securitycenter.microsoft.com/.default", envScope)
	}
	return nil
}
