package entra

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"scanwarden/defender/internal/untrusted"
)

// Config says who signs in, and where. In the mode Client, exactly one of ClientSecret, CertificatePath and
// FederatedTokenFile must be set; the other modes look at none of them.
type Config struct {
	Mode                Mode                   // "" means Client
	TenantID            string                 // GUID or domain name of one tenant; a GUID for people; not looked at for a managed identity
	ClientID            string                 // the app registration's application (client) ID; "" for the managed identity of the system
	ClientSecret        func() (string, error) // nil: none; read anew for each sign-in client
	CertificatePath     string                 // PEM with an RSA key and certificate(s); read anew for each sign-in client
	FederatedTokenFile  string                 // re-read for each assertion
	Authority           string                 // "" means https://login.microsoftonline.com
	NoInstanceDiscovery bool                   // a private authority, which Microsoft's list of clouds does not know
	Scope               string                 // "" means https://api.securitycenter.microsoft.com/.default
	HTTP                *http.Client           // nil means one with a timeout; redirects are never followed
	Prefix              string                 // of this app's environment variables, for errors to name: SCANWARDEN_WRITE_; "" means AZURE_

	// For people alone.
	Prompt   func(ctx context.Context, text string) // tells each caller who waits, by its ctx, what a person is to do; nil: nobody
	Patience time.Duration                          // how long a call waits for that person; 0 means 50 seconds
	StateDir string                                 // keeps the sign-in, encrypted, between runs; "" means in memory only
	OpenURL  func(address string) error             // opens a browser; nil means the system's
}

// The Azure SDK's names for the configuration, which a person must find in every refusal.
const (
	azure          = "AZURE_"
	envTenant      = azure + "TENANT_ID"
	envClient      = azure + "CLIENT_ID"
	envSecret      = azure + "CLIENT_SECRET"
	envCertificate = azure + "CLIENT_CERTIFICATE_PATH"
	envFederated   = azure + "FEDERATED_TOKEN_FILE"
	envAuthority   = azure + "AUTHORITY_HOST"
	envScope       = "SCANWARDEN_DEFENDER_SCOPE"
	envMode        = "SCANWARDEN_AUTH"
)

// patience is shorter than the minute after which MCP clients give a call up.
const patience = 50 * time.Second

func (c Config) withDefaults() Config {
	c.Mode = cmp.Or(c.Mode, Client)
	c.Authority = strings.TrimRight(cmp.Or(c.Authority, "https://login.microsoftonline.com"), "/")
	c.Scope = cmp.Or(c.Scope, "https://api.securitycenter.microsoft.com/.default")
	c.Patience = cmp.Or(c.Patience, patience)
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: tryTime}
	}
	if c.Prompt == nil {
		c.Prompt = func(context.Context, string) {}
	}
	if c.OpenURL == nil {
		c.OpenURL = openBrowser
	}
	return c
}

// check returns the first thing wrong, one sentence. The scope is checkScope's.
func (c Config) check() error {
	switch c.Mode {
	case Client:
		return cmp.Or(c.missing(), c.doubled(), c.checkTenant(), c.checkAuthority())
	case ManagedIdentity:
		return nil
	case DeviceCode, Interactive:
		return cmp.Or(c.missing(), c.checkTenant(), c.checkGUID(), c.checkAuthority())
	}
	return fmt.Errorf("%s must be one of %s, %s, %s and %s", envMode, Client, ManagedIdentity, DeviceCode, Interactive)
}

func (c Config) missing() error {
	var names []string
	if c.TenantID == "" {
		names = append(names, envTenant)
	}
	if c.ClientID == "" {
		names = append(names, envClient)
	}
	if c.Mode == Client && len(c.credentials()) == 0 {
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
		return fmt.Errorf("%s must name one tenant, not %q", envTenant, c.TenantID)
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

// checkGUID wants what the accounts that people choose are held against: they bring a GUID and no domain name.
func (c Config) checkGUID() error {
	if !untrusted.IsGUID(c.TenantID) {
		return fmt.Errorf("%s must be the tenant's GUID with %s=%s, so that an account of another tenant is told apart", envTenant, envMode, c.Mode)
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

// checkScope holds the scope against AADSTS1002012: an application can ask for all it was granted, never for
// a part. A person can.
func (c Config) checkScope() error {
	if c.Mode.forPeople() {
		return c.checkDelegated()
	}
	if !strings.HasSuffix(c.Scope, "/.default") {
		return fmt.Errorf("%s must end in /.default, such as https://api.securitycenter.microsoft.com/.default", envScope)
	}
	return nil
}

func (c Config) checkDelegated() error {
	if u, err := url.Parse(c.Scope); err != nil || u.Host == "" || len(u.Path) < 2 || strings.ContainsAny(c.Scope, " \t\r\n") {
		return fmt.Errorf("%s must be one scope, such as https://api.securitycenter.microsoft.com/.default", envScope)
	}
	return nil
}
