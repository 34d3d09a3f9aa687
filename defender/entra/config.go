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

// Config configures how to sign in, and where. In the mode Client, exactly one of ClientSecret, CertificatePath
// and FederatedTokenFile must be set. The other modes ignore all three.
type Config struct {
	Mode                Mode                   // "" means Client
	TenantID            string                 // GUID or domain name of one tenant; a GUID in the modes for users; ignored for a managed identity
	ClientID            string                 // the app registration's application (client) ID; "" means the system-assigned managed identity
	ClientSecret        func() (string, error) // nil means none; called again for each sign-in client
	CertificatePath     string                 // PEM with an RSA key and certificate(s); read again for each sign-in client
	FederatedTokenFile  string                 // read again for each assertion
	Authority           string                 // "" means https://login.microsoftonline.com
	NoInstanceDiscovery bool                   // set for a private authority, which is not in Microsoft's list of clouds
	Scope               string                 // "" means https://api.securitycenter.microsoft.com/.default
	HTTP                *http.Client           // nil means a client with a timeout; redirects are never followed
	Prefix              string                 // of this app's environment variables as errors name them, such as SCANWARDEN_WRITE_; "" means AZURE_

	// For the modes that sign a user in.
	Prompt     func(ctx context.Context, text string) // shows the user an instruction; called once per waiting call, with its ctx; nil means not shown
	SignInWait time.Duration                          // how long a call waits for the user; 0 means 50 seconds
	StateDir   string                                 // directory that keeps the sign-in, encrypted, between runs; "" means memory only
	OpenURL    func(address string) error             // opens a browser; nil means the system's
}

// The Azure SDK's names for the settings. Every error names the one to change.
const (
	defaultPrefix  = "AZURE_"
	envTenant      = defaultPrefix + "TENANT_ID"
	envClient      = defaultPrefix + "CLIENT_ID"
	envSecret      = defaultPrefix + "CLIENT_SECRET"
	envCertificate = defaultPrefix + "CLIENT_CERTIFICATE_PATH"
	envFederated   = defaultPrefix + "FEDERATED_TOKEN_FILE"
	envAuthority   = defaultPrefix + "AUTHORITY_HOST"
	envScope       = "SCANWARDEN_DEFENDER_SCOPE"
	envMode        = "SCANWARDEN_AUTH"
)

// defaultSignInWait is shorter than the minute after which MCP clients abandon a call.
const defaultSignInWait = 50 * time.Second

func (c Config) withDefaults() Config {
	c.Mode = cmp.Or(c.Mode, Client)
	c.Authority = strings.TrimRight(cmp.Or(c.Authority, "https://login.microsoftonline.com"), "/")
	c.Scope = cmp.Or(c.Scope, "https://api.securitycenter.microsoft.com/.default")
	c.SignInWait = cmp.Or(c.SignInWait, defaultSignInWait)
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: attemptTimeout}
	}
	if c.Prompt == nil {
		c.Prompt = func(context.Context, string) {}
	}
	if c.OpenURL == nil {
		c.OpenURL = openBrowser
	}
	return c
}

// validate returns one sentence about the first wrong setting, or nil. The scope is checked by checkScope.
func (c Config) validate() error {
	switch c.Mode {
	case Client:
		return cmp.Or(c.checkRequired(), c.checkOneCredential(), c.checkTenantName(), c.checkAuthority())
	case ManagedIdentity:
		return nil
	case DeviceCode, Interactive:
		return cmp.Or(c.checkRequired(), c.checkTenantName(), c.checkTenantForUsers(), c.checkAuthority())
	}
	return fmt.Errorf("%s must be one of %s, %s, %s and %s", envMode, Client, ManagedIdentity, DeviceCode, Interactive)
}

func (c Config) checkRequired() error {
	var names []string
	if c.TenantID == "" {
		names = append(names, envTenant)
	}
	if c.ClientID == "" {
		names = append(names, envClient)
	}
	if c.Mode == Client && len(c.credentialVariables()) == 0 {
		names = append(names, fmt.Sprintf("one of %s, %s and %s", envSecret, envCertificate, envFederated))
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("set %s", strings.Join(names, ", and "))
}

func (c Config) checkOneCredential() error {
	names := c.credentialVariables()
	if len(names) < 2 {
		return nil
	}
	return fmt.Errorf("%s are set together: keep the one to sign in with and unset the rest", strings.Join(names, " and "))
}

// credentialVariables returns the names of the credential variables that are set.
func (c Config) credentialVariables() []string {
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

func (c Config) checkTenantName() error {
	switch strings.ToLower(c.TenantID) {
	case "common", "organizations", "consumers":
		return fmt.Errorf("%s must name one tenant, not %q", envTenant, c.TenantID)
	case "adfs", "dstsv2": // MSAL would take these for other kinds of authority
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

// checkTenantForUsers reports a tenant that is not a GUID. A user's ID token names its tenant by GUID and
// carries no domain name to compare with.
func (c Config) checkTenantForUsers() error {
	if !untrusted.IsGUID(c.TenantID) {
		return fmt.Errorf("%s must be the tenant's GUID with %s=%s, so that an account of another tenant is recognized", envTenant, envMode, c.Mode)
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

// checkScope reports a scope that Entra ID would refuse with AADSTS1002012. An application can ask only for
// everything it was granted (/.default). A user can ask for one permission.
func (c Config) checkScope() error {
	if c.Mode.signsInUser() {
		return c.checkDelegatedScope()
	}
	if !strings.HasSuffix(c.Scope, "/.default") {
		return fmt.Errorf("%s must end in /.default, such as https://api.securitycenter.microsoft.com/.default", envScope)
	}
	return nil
}

func (c Config) checkDelegatedScope() error {
	if u, err := url.Parse(c.Scope); err != nil || u.Host == "" || len(u.Path) < 2 || strings.ContainsAny(c.Scope, " \t\r\n") {
		return fmt.Errorf("%s must be one scope, such as https://api.securitycenter.microsoft.com/.default", envScope)
	}
	return nil
}
