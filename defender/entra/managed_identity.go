package entra

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
)

// managedIdentityAuth is the authMethod of the mode ManagedIdentity. Azure's endpoint is found through the
// environment (IDENTITY_ENDPOINT and others). Otherwise it is that of virtual machines, 169.254.169.254, which
// drops every packet outside Azure.
//
// MSAL has one cache for all managed identities of the process, keyed by client id and scope. That suits tokens
// that belong to the machine, except that a fresh token needs claims to bypass it. Endpoints accept no claims
// and have caches of their own, so their response is the best available.
type managedIdentityAuth struct {
	id   managedidentity.ID
	http limitedClient

	mu       sync.Mutex
	renewals map[string]renewal // by scope
}

// renewal records when to renew a long-lived token. MSAL reports that time once, with the token, and does not
// cache it.
type renewal struct {
	due time.Time
	end int64 // expiry of the token, in Unix seconds
}

func newManagedIdentityAuth(cfg Config) *managedIdentityAuth {
	m := &managedIdentityAuth{id: managedidentity.SystemAssigned(), http: newLimitedClient(withoutProxy(cfg.HTTP)), renewals: map[string]renewal{}}
	m.http.allowLocalHTTP = true
	if cfg.ClientID != "" {
		m.id = managedidentity.UserAssignedClientID(cfg.ClientID)
	}
	return m
}

// withoutProxy returns a copy of c that ignores the environment's proxy. The endpoint is on this machine or its
// link. A proxy must not see its tokens, nor answer with its own machine's identity.
func withoutProxy(c *http.Client) *http.Client {
	own := *c
	transport, ok := own.Transport.(*http.Transport)
	if own.Transport == nil {
		transport, ok = http.DefaultTransport.(*http.Transport)
	}
	if ok {
		transport = transport.Clone()
		transport.Proxy = nil
		own.Transport = transport
	}
	return &own
}

func (m *managedIdentityAuth) acquireToken(ctx context.Context, scope string, req TokenRequest) (*cachedToken, *Error) {
	client, err := managedidentity.New(m.id, managedidentity.WithHTTPClient(m.http), managedidentity.WithRetryPolicyDisabled())
	if err != nil {
		return nil, &Error{Hint: "this machine's kind of managed identity is not supported, or takes no " + envClient + ": unset that, or " + hintUseClientMode}
	}
	claims := req.cacheBypassClaims()
	if claims == "" && m.renewalDue(scope) {
		if next, problem := attemptOnce(ctx, m.tokenCall(&client, scope, "{}")); problem == nil {
			return next, nil
		} // otherwise the cached token is still valid
	}
	return retryTransient(ctx, m.tokenCall(&client, scope, claims))
}

// tokenCall returns a function that makes one token request.
func (m *managedIdentityAuth) tokenCall(client *managedidentity.Client, scope, claims string) func(context.Context) (*cachedToken, *Error) {
	var options []managedidentity.AcquireTokenOption
	if claims != "" {
		options = append(options, managedidentity.WithClaims(claims))
	}
	return func(ctx context.Context) (*cachedToken, *Error) {
		result, err := client.AcquireToken(ctx, scope, options...)
		if err != nil {
			return nil, m.translateError(err)
		}
		m.recordRenewal(scope, &result)
		return newCachedToken(result)
	}
}

// renewalDue reports whether the token should be renewed now, while it is valid long enough to survive a failed
// attempt.
func (m *managedIdentityAuth) renewalDue(scope string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, known := m.renewals[scope]
	now := time.Now()
	return known && !now.Before(r.due) && now.Before(time.Unix(r.end, 0).Add(-expiryMargin))
}

// recordRenewal stores when to renew the token that MSAL has just received. For a token from MSAL's cache it
// restores that time.
func (m *managedIdentityAuth) recordRenewal(scope string, result *managedidentity.AuthResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := result.ExpiresOn.Unix()
	switch r, known := m.renewals[scope]; {
	case !result.Metadata.RefreshOn.IsZero():
		m.renewals[scope] = renewal{result.Metadata.RefreshOn, end}
	case known && r.end == end:
		result.Metadata.RefreshOn = r.due
	default:
		delete(m.renewals, scope)
	}
}

const hintUseClientMode = "set " + envMode + " to client and " + envTenant + ", " + envClient + " and a credential"

// translateError replaces the package's translateError, because little of what helps with Entra ID's endpoints
// helps here.
func (m *managedIdentityAuth) translateError(err error) *Error {
	var own *Error
	problem := translateError(err)
	switch {
	case errors.As(err, &own):
		return own
	case problem.Status == 0 && problem.Temporary:
		return &Error{Hint: "this machine has no managed identity, because no endpoint answered: run where Azure provides one, or " + hintUseClientMode}
	case problem.Status == 0:
		return &Error{Hint: "something other than Azure's endpoint for managed identities answered: check IDENTITY_ENDPOINT, or " + hintUseClientMode}
	case problem.Temporary || problem.Status == http.StatusNotFound || problem.Status == http.StatusGone:
		// Virtual machines answer 404 and 410 while their endpoint is being updated.
		return &Error{Status: problem.Status, RetryAfter: problem.RetryAfter, Temporary: true,
			Hint: "the endpoint for managed identities is failing temporarily: wait a minute and try again"}
	}
	return &Error{Status: problem.Status,
		Hint: "this machine has no such managed identity: assign the one named by " + envClient + ", or unset that for the machine's own, or " + hintUseClientMode}
}
