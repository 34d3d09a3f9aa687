package entra

import (
	"context"
	"sync/atomic"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// registration is what MSAL's clients are made of: an app, where it is registered, and what it proves itself with.
type registration struct {
	authority  string // with the tenant
	clientID   string
	instanceDiscovery  bool
	http       limitedClient
	loadCredential credentialLoader // nil in the modes for people
}

// newRegistration checks all of cfg but its scope, and reads the certificate; it makes no call. cfg has its defaults.
func newRegistration(cfg Config) (registration, error) {
	if err := cfg.validate(); err != nil {
		return registration{}, err
	}
	r := registration{
		authority: cfg.Authority + "/" + cfg.TenantID,
		clientID:  cfg.ClientID,
		instanceDiscovery: !cfg.NoInstanceDiscovery,
		http:      newLimitedClient(cfg.HTTP),
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

// clientCapabilities say that we answer claims challenges, so that Entra ID may give tokens that live for a day and
// can be revoked within minutes (continuous access evaluation).
func clientCapabilities() []string { return []string{"CP1"} }

// newApp makes a sign-in client; it makes no call.
func (r registration) newApp() (*confidential.Client, *Error) {
	proof, err := r.loadCredential()
	if err != nil {
		return nil, &Error{Hint: err.Error()}
	}
	options := []confidential.Option{
		confidential.WithHTTPClient(r.http),
		confidential.WithInstanceDiscovery(r.instanceDiscovery),
		confidential.WithClientCapabilities(clientCapabilities()),
		// Else MSAL obeys MSAL_FORCE_REGION, which would redirect the sign-in behind the configuration's back.
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

// applicationAuth is the method of the mode Client.
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

// acquireToken asks the client in use, or another for a fresh token and after a refusal, since MSAL cannot forget a
// token, and the secret or certificate may have been renewed since the client read it.
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
