package keyvault

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// Config says who reads.
type Config struct {
	TenantID string // GUID of the one tenant that tokens are asked for, whatever a vault says
	// Token returns a token for the scope; claims is the JSON that answers a challenge, and "" mostly.
	Token func(ctx context.Context, scope, claims string) (token string, expires time.Time, err error)
	HTTP  *http.Client // its transport is used, and no cookies nor redirects; nil means http.DefaultTransport
}

// Client reads secrets. Make one with New; it is safe for concurrent use.
type Client struct {
	cfg Config

	mu      sync.Mutex
	clients map[string]*azsecrets.Client // by host; as many as the configuration names
}

var tenantID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
})

// disableSDKLog turns off the SDK's own log, which AZURE_SDK_GO_LOGGING would send to standard error.
var disableSDKLog = sync.OnceFunc(func() { log.SetListener(nil) })

// New makes no call.
func New(cfg Config) (*Client, error) {
	switch {
	case !tenantID().MatchString(cfg.TenantID):
		return nil, errors.New("AZURE_TENANT_ID must be the tenant's GUID where secrets are read from Key Vault, so that a vault of another tenant is told apart")
	case cfg.Token == nil:
		return nil, errors.New("keyvault: Config.Token is missing: say where tokens come from")
	}
	disableSDKLog()
	return &Client{cfg: cfg, clients: map[string]*azsecrets.Client{}}, nil
}

const (
	totalTimeout = 45 * time.Second // for everything that one secret takes
	tryTimeout  = 10 * time.Second // for one request
	maxRetries  = 2
	maxRetryDelay  = 10 * time.Second // a vault that asks to wait longer is asked again by a person
)

// vaultClient returns the client of a secret's vault.
func (v *Client) vaultClient(s secretID) (*azsecrets.Client, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c, ok := v.clients[s.host]; ok {
		return c, nil
	}
	c, err := azsecrets.NewClient("https://"+s.host, tokenCredential{v.cfg.Token, s.scope()}, &azsecrets.ClientOptions{
		ClientOptions: azcore.ClientOptions{
			Transport: v.transportFor(s),
			Retry:     policy.RetryOptions{MaxRetries: maxRetries, TryTimeout: tryTimeout, RetryDelay: 300 * time.Millisecond, MaxRetryDelay: maxRetryDelay},
		},
	})
	if err == nil {
		v.clients[s.host] = c
	}
	return c, err
}

// tokenCredential asks for tokens of the one scope. What the challenge said of tenant and resource does not come this far.
type tokenCredential struct {
	token func(ctx context.Context, scope, claims string) (string, time.Time, error)
	scope string
}

// GetToken implements azcore.TokenCredential.
func (s tokenCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := s.token(ctx, s.scope, o.Claims)
	if err != nil {
		return azcore.AccessToken{}, &signInError{err}
	}
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, nil
}

// signInError tells our own token source's failures, which may be shown, from the SDK's.
type signInError struct{ error }

func (e *signInError) Unwrap() error { return e.error }
