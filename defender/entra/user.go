package entra

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// userSignIn is the authMethod of the modes that sign a user in. It caches and renews what a user has signed in
// to, and asks for a sign-in only if that fails.
type userSignIn struct {
	registration
	tenant string
	start  signInFunc
	prompt func(ctx context.Context, text string)
	wait   time.Duration
	cache  *tokenCache

	lifetime context.Context // of the sign-ins, which outlive their callers
	stop     context.CancelFunc

	mu       sync.Mutex // guards the fields below
	app      *public.Client
	attempt  *signInAttempt // nil when no sign-in is in progress
	attempts sync.WaitGroup
}

func newUserSignIn(cfg Config) (*userSignIn, error) {
	r, err := newRegistration(cfg)
	if err != nil {
		return nil, err
	}
	p := &userSignIn{
		registration: r, tenant: cfg.TenantID,
		prompt: cfg.Prompt, wait: cfg.SignInWait,
		cache: newTokenCache(cfg.StateDir, r.authority+" "+r.clientID),
	}
	p.start = signInWithDeviceCode
	if cfg.Mode == Interactive {
		p.start = browserFlow{cfg.OpenURL}.signIn
	}
	p.lifetime, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// newClient returns an MSAL client on a cache. It makes no network call.
func (p *userSignIn) newClient(over cache.ExportReplace) (*public.Client, *Error) {
	app, err := public.New(p.clientID,
		public.WithAuthority(p.authority),
		public.WithHTTPClient(p.http),
		public.WithInstanceDiscovery(p.instanceDiscovery),
		public.WithClientCapabilities(clientCapabilities()),
		public.WithCache(over))
	if err != nil {
		return nil, translateError(err)
	}
	return &app, nil
}

// cachedClient returns the client that uses p.cache.
func (p *userSignIn) cachedClient() (*public.Client, *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.app == nil {
		app, problem := p.newClient(p.cache)
		if problem != nil {
			return nil, problem
		}
		p.app = app
	}
	return p.app, nil
}

func (p *userSignIn) acquireToken(ctx context.Context, scope string, req TokenRequest) (*cachedToken, *Error) {
	app, problem := p.cachedClient()
	if problem != nil {
		return nil, problem
	}
	return retryTransient(ctx, func(ctx context.Context) (*cachedToken, *Error) {
		return p.acquireSilent(ctx, app, scope, req.cacheBypassClaims())
	})
}

// acquireSilent returns a token of the cached sign-in.
func (p *userSignIn) acquireSilent(ctx context.Context, app *public.Client, scope, claims string) (*cachedToken, *Error) {
	release, problem := p.cache.lock(ctx)
	if problem != nil {
		return nil, problem
	}
	defer release()
	account, problem := p.findAccount(ctx, app)
	if problem != nil {
		return nil, problem
	}
	options := []public.AcquireSilentOption{public.WithSilentAccount(account)}
	if claims != "" {
		options = append(options, public.WithClaims(claims))
	}
	result, err := app.AcquireTokenSilent(ctx, []string{scope}, options...)
	if err == nil {
		return p.checkTenant(result)
	}
	if result.AccessToken != "" && time.Now().Before(result.ExpiresOn) {
		return newCachedToken(result) // an early refresh has failed, but the token is still valid
	}
	if problem := translateCallError(ctx, err); problem.Temporary || translateKnown(err) != nil {
		return nil, problem
	}
	return nil, noAccountError() // MSAL reports a missing or incomplete sign-in as plain text
}

// findAccount returns the cached account of the configured tenant.
func (p *userSignIn) findAccount(ctx context.Context, app *public.Client) (public.Account, *Error) {
	accounts, err := app.Accounts(ctx)
	if err != nil {
		return public.Account{}, translateCallError(ctx, err)
	}
	for _, account := range accounts {
		if strings.EqualFold(account.Realm, p.tenant) {
			return account, nil
		}
	}
	return public.Account{}, noAccountError()
}

func noAccountError() *Error {
	return &Error{OAuth: oauthLoginRequired, Hint: "no user has signed in yet: call again to sign in"}
}

// checkTenant returns the token in r, or an error if the account belongs to another tenant. The realm of an
// MSAL account is only the authority that was asked; the ID token names the tenant that answered.
func (p *userSignIn) checkTenant(r public.AuthResult) (*cachedToken, *Error) {
	if !strings.EqualFold(r.IDToken.TenantID, p.tenant) {
		return nil, &Error{Hint: "the account belongs to another tenant than " + envTenant + " names: sign in with an account of that tenant"}
	}
	return newCachedToken(r)
}
