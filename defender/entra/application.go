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
	discovery  bool
	http       guarded
	credential credential // nil in the modes for people
}

// register checks all of cfg but its scope, and reads the certificate; it makes no call. cfg has its defaults.
func register(cfg Config) (registration, error) {
	if err := cfg.check(); err != nil {
		return registration{}, err
	}
	r := registration{
		authority: cfg.Authority + "/" + cfg.TenantID,
		clientID:  cfg.ClientID,
		discovery: !cfg.NoInstanceDiscovery,
		http:      guard(cfg.HTTP),
	}
	if cfg.Mode == Client {
		r.credential = cfg.credential()
	}
	if cfg.Mode == Client && cfg.CertificatePath != "" {
		if _, err := r.credential(); err != nil {
			return registration{}, err
		}
	}
	return r, nil
}

// capabilities say that we answer claims challenges, so that Entra ID may give tokens that live for a day and
// can be revoked within minutes (continuous access evaluation).
func capabilities() []string { return []string{"CP1"} }

// newApp makes a sign-in client; it makes no call.
func (r registration) newApp() (*confidential.Client, *Error) {
	proof, err := r.credential()
	if err != nil {
		return nil, &Error{Hint: err.Error()}
	}
	options := []confidential.Option{
		confidential.WithHTTPClient(r.http),
		confidential.WithInstanceDiscovery(r.discovery),
		confidential.WithClientCapabilities(capabilities()),
		// Else MSAL obeys MSAL_FORCE_REGION, which would redirect the sign-in behind the configuration's back.
		confidential.WithAzureRegion("DisableMsalForceRegion"),
	}
	if proof.chain {
		options = append(options, confidential.WithX5C())
	}
	app, err := confidential.New(r.authority, r.clientID, proof.Credential, options...)
	if err != nil {
		return nil, explain(err)
	}
	return &app, nil
}

// application is the method of the mode Client.
type application struct {
	registration
	app atomic.Pointer[confidential.Client] // nil before the first token
}

func newApplication(cfg Config) (*application, error) {
	r, err := register(cfg)
	if err != nil {
		return nil, err
	}
	return &application{registration: r}, nil
}

// acquire asks the client in use, or another for a fresh token and after a refusal, since MSAL cannot forget a
// token, and the secret or certificate may have been renewed since the client read it.
func (a *application) acquire(ctx context.Context, scope string, ask TokenRequest) (*session, *Error) {
	if app := a.app.Load(); app != nil && !ask.Fresh {
		next, problem := byCredential(ctx, app, scope, ask.Claims)
		if problem == nil || problem.Temporary {
			return next, problem
		}
	}
	app, problem := a.newApp()
	if problem != nil {
		return nil, problem
	}
	next, problem := byCredential(ctx, app, scope, ask.Claims)
	if problem == nil {
		a.app.Store(app)
	}
	return next, problem
}

func byCredential(ctx context.Context, app *confidential.Client, scope, claims string) (*session, *Error) {
	var options []confidential.AcquireByCredentialOption
	if claims != "" {
		options = append(options, confidential.WithClaims(claims))
	}
	return patiently(ctx, func(ctx context.Context) (*session, *Error) {
		result, err := app.AcquireTokenByCredential(ctx, []string{scope}, options...)
		if err != nil {
			return nil, explainIn(ctx, err)
		}
		return newSession(result)
	})
}
