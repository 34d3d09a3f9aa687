package entra

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
)

// managed is the method of the mode ManagedIdentity. Azure's endpoint is found through the environment
// (IDENTITY_ENDPOINT and others), else it is that of virtual machines, 169.254.169.254, which swallows
// every packet outside Azure.
//
// MSAL keeps one cache for all managed identities of the process, by client id and scope. That is as it should
// be, since they are the machine's own, but for a fresh token, which we have to ask past it for. Endpoints take
// no claims, and cache by themselves: what comes then is the best there is.
type managed struct {
	id   managedidentity.ID
	http guarded

	mu       sync.Mutex
	renewals map[string]renewal // by scope
}

// renewal is when to renew a long-lived token, of which MSAL speaks once, with the token: its cache does not know.
type renewal struct {
	due time.Time
	end int64 // of the token, Unix
}

func newManaged(cfg Config) *managed {
	m := &managed{id: managedidentity.SystemAssigned(), http: guard(direct(cfg.HTTP)), renewals: map[string]renewal{}}
	m.http.nearby = true
	if cfg.ClientID != "" {
		m.id = managedidentity.UserAssignedClientID(cfg.ClientID)
	}
	return m
}

// direct returns c without the proxy of the environment: the endpoint is on this machine or link, and what it
// gives is no proxy's business, least of all the identity of the proxy's own machine.
func direct(c *http.Client) *http.Client {
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

func (m *managed) acquire(ctx context.Context, scope string, ask TokenRequest) (*session, *Error) {
	client, err := managedidentity.New(m.id, managedidentity.WithHTTPClient(m.http), managedidentity.WithRetryPolicyDisabled())
	if err != nil {
		return nil, &Error{Hint: "this machine's kind of managed identity is not supported, or takes no " + envClient + ": unset that, or " + otherwise}
	}
	claims := ask.anew()
	if claims == "" && m.isDue(scope) {
		if next, problem := once(ctx, m.asking(&client, scope, "{}")); problem == nil {
			return next, nil
		} // else the one at hand is good still
	}
	return patiently(ctx, m.asking(&client, scope, claims))
}

func (m *managed) asking(client *managedidentity.Client, scope, claims string) func(context.Context) (*session, *Error) {
	var options []managedidentity.AcquireTokenOption
	if claims != "" {
		options = append(options, managedidentity.WithClaims(claims))
	}
	return func(ctx context.Context) (*session, *Error) {
		result, err := client.AcquireToken(ctx, scope, options...)
		if err != nil {
			return nil, m.explain(err)
		}
		m.remind(scope, &result)
		return newSession(result)
	}
}

// isDue reports a token that is to be renewed, and that there is time to fail in: MSAL's cache has it still.
func (m *managed) isDue(scope string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, known := m.renewals[scope]
	now := time.Now()
	return known && !now.Before(r.due) && now.Before(time.Unix(r.end, 0).Add(-margin))
}

// remind notes when to renew what MSAL has just got, and says it of what comes from its cache.
func (m *managed) remind(scope string, result *managedidentity.AuthResult) {
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

const otherwise = "set " + envMode + " to client and " + envTenant + ", " + envClient + " and a credential"

// explain does explain over, as almost nothing that helps with Entra ID's own endpoints helps here.
func (m *managed) explain(err error) *Error {
	var own *Error
	problem := explain(err)
	switch {
	case errors.As(err, &own):
		return own
	case problem.Status == 0 && problem.Temporary:
		return &Error{Hint: "this machine has no managed identity, nobody answers for one: run where Azure gives one, or " + otherwise}
	case problem.Status == 0:
		return &Error{Hint: "something other than Azure's endpoint for managed identities answered: check IDENTITY_ENDPOINT, or " + otherwise}
	case problem.Temporary || problem.Status == http.StatusNotFound || problem.Status == http.StatusGone:
		// Virtual machines answer 404 and 410 while their endpoint is being updated.
		return &Error{Status: problem.Status, RetryAfter: problem.RetryAfter, Temporary: true,
			Hint: "the endpoint for managed identities is failing at the moment: wait a minute and try again"}
	}
	return &Error{Status: problem.Status,
		Hint: "this machine has no such managed identity: assign the one named by " + envClient + ", or unset that for the machine's own, or " + otherwise}
}
