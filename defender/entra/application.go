package entra

import (
	"context"
	"sync/atomic"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// registration holds what MSAL's clients are made of: an app, its tenant and its credential.
type registration struct {
	authority         string // includes the tenant
	clientID          string
	instanceDiscovery bool
	http              limitedClient
	loadCredential    credentialLoader // nil in the modes that sign a user in
}

// newRegistration checks all of cfg except its scope and reads the certificate. It makes no network call. cfg
// must have its defaults.
func newRegistration(cfg Config) (registration, error) {
	if err := cfg.validate(); err != nil {
		return registration{}, err
	}
	r := registration{
		authority:         cfg.Authority + "/" + cfg.TenantID,
		clientID:          cfg.ClientID,
		instanceDiscovery: !cfg.NoInstanceDiscovery,
		http:              newLimitedClient(cfg.HTTP),
	}
	if cfg.Mode == Client {
		r.loadCredential = cfg.credentialLoader()
	}
	if cfg.Mode == Client && cfg.CertificatePath != "" {
		if _, err := r.loadCredential(); err != nil {
			return registration{}, err
		}
	}
	return r, nil
}

// clientCapabilities returns the capability CP1, which declares that scanwarden answers claims challenges.
// Entra ID may then issue tokens that live for a day and can be revoked within minutes (continuous access
// evaluation).
func clientCapabilities() []string { return []string{"CP1"} }

// newApp returns a new MSAL client with a freshly read credential. It makes no network call.
func (r registration) newApp() (*confidential.Client, *Error) {
	proof, err := r.loadCredential()
	if err != nil {
		return nil, &Error{Hint: err.Error()}
	}
	options := []confidential.Option{
		confidential.WithHTTPClient(r.http),
		confidential.WithInstanceDiscovery(r.instanceDiscovery),
		confidential.WithClientCapabilities(clientCapabilities()),
		// Without this MSAL obeys MSAL_FORCE_REGION, which would redirect the sign-in without the
		// configuration's knowledge.
		confidential.WithAzureRegion("DisableMsalForceRegion"),
	}
	if proof.sendChain {
		options = append(options, confidential.WithX5C())
	}
	app, err := confidential.New(r.authority, r.clientID, proof.Credential, options...)
	if err != nil {
		return nil, translateError(err)
	}
	return &app, nil
}

// applicationAuth is the authMethod of the mode Client.
type applicationAuth struct {
	registration
	app atomic.Pointer[confidential.Client] // nil before the first token
}

func newApplicationAuth(cfg Config) (*applicationAuth, error) {
	r, err := newRegistration(cfg)
	if err != nil {
		return nil, err
	}
	return &applicationAuth{registration: r}, nil
}

// acquireToken asks the current MSAL client, or a new one if req is Fresh or the current one was refused. MSAL
// cannot drop a cached token, and the secret or certificate may have been renewed since the client read it.
func (a *applicationAuth) acquireToken(ctx context.Context, scope string, req TokenRequest) (*cachedToken, *Error) {
	if app := a.app.Load(); app != nil && !req.Fresh {
		next, problem := acquireByCredential(ctx, app, scope, req.Claims)
		if problem == nil || problem.Temporary {
			return next, problem
		}
	}
	app, problem := a.newApp()
	if problem != nil {
		return nil, problem
	}
	next, problem := acquireByCredential(ctx, app, scope, req.Claims)
	if problem == nil {
		a.app.Store(app)
	}
	return next, problem
}

func acquireByCredential(ctx context.Context, app *confidential.Client, scope, claims string) (*cachedToken, *Error) {
	var options []confidential.AcquireByCredentialOption
	if claims != "" {
		options = append(options, confidential.WithClaims(claims))
	}
	return retryTransient(ctx, func(ctx context.Context) (*cachedToken, *Error) {
		result, err := app.AcquireTokenByCredential(ctx, []string{scope}, options...)
		if err != nil {
			return nil, translateCallError(ctx, err)
		}
		return newCachedToken(result)
	})
}
