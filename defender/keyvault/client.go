package keyvault

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"scanwarden/defender/internal/untrusted"
)

// Config configures a [Client].
type Config struct {
	// TenantID is the GUID of the one tenant that tokens are requested from, whatever a vault names. Required.
	TenantID string

	// Token returns a token for scope and when it expires. claims is the JSON of a claims challenge that the token must
	// answer, or "". Required.
	Token func(ctx context.Context, scope, claims string) (token string, expires time.Time, err error)

	// HTTP provides the transport and timeout of the requests; its cookies and redirects are not used. nil means
	// http.DefaultTransport.
	HTTP *http.Client
}

// Client reads secrets from the vaults of one tenant's clouds. Create it with [New]. It is safe for concurrent use.
type Client struct {
	cfg Config

	mu      sync.Mutex
	clients map[string]*azsecrets.Client // by host; bounded by the vaults that the configuration names
}

// disableSDKLog turns off the SDK's own log, which AZURE_SDK_GO_LOGGING would send to standard error.
var disableSDKLog = sync.OnceFunc(func() { log.SetListener(nil) })

// New returns a Client, or an error that names the setting to correct. It sends nothing.
func New(cfg Config) (*Client, error) {
	switch {
	case !untrusted.IsGUID(cfg.TenantID):
		return nil, errors.New("AZURE_TENANT_ID must be the tenant's GUID where secrets are read from Key Vault, so that a vault of another tenant is recognized")
	case cfg.Token == nil:
		return nil, errors.New("keyvault: Config.Token is missing: set a function that returns a token")
	}
	disableSDKLog()
	return &Client{cfg: cfg, clients: map[string]*azsecrets.Client{}}, nil
}

const (
	totalTimeout = 45 * time.Second // for one call of Secret or Exists, retries included
	tryTimeout   = 10 * time.Second // for one request
	maxRetries   = 2

	// maxRetryDelay bounds a wait. A vault that asks for a longer one ends the call, and the caller decides when to
	// try again.
	maxRetryDelay = 10 * time.Second
)

// vaultClient returns the SDK's client for the vault of s. It is created at the first call for its host.
func (v *Client) vaultClient(s secretID) (*azsecrets.Client, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c, ok := v.clients[s.host]; ok {
		return c, nil
	}
	c, err := azsecrets.NewClient("https://"+s.host, tokenCredential{v.cfg.Token, s.scope()}, &azsecrets.ClientOptions{
		ClientOptions: azcore.ClientOptions{
			Transport: v.transportFor(s),
			Retry: policy.RetryOptions{
				MaxRetries: maxRetries, TryTimeout: tryTimeout, RetryDelay: 300 * time.Millisecond, MaxRetryDelay: maxRetryDelay,
			},
		},
	})
	if err == nil {
		v.clients[s.host] = c
	}
	return c, err
}

// tokenCredential gets tokens for one scope. It ignores the tenant and resource of the vault's challenge.
type tokenCredential struct {
	token func(ctx context.Context, scope, claims string) (string, time.Time, error)
	scope string
}

// GetToken implements azcore.TokenCredential. An error is a *signInError.
func (s tokenCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := s.token(ctx, s.scope, o.Claims)
	if err != nil {
		return azcore.AccessToken{}, &signInError{err}
	}
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, nil
}

// signInError marks an error of Config.Token. Its text may be shown, unlike that of the SDK's errors.
type signInError struct{ error }

func (e *signInError) Unwrap() error { return e.error }
