package entra

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// userSignIn is the method of the modes for people: what one of them has signed in to is kept and renewed, and
// where that does not do, one is asked for.
type userSignIn struct {
	registration
	tenant   string
	start      signInFunc
	prompt   func(ctx context.Context, text string)
	wait time.Duration
	cache    *tokenCache

	lifetime context.Context // of the sign-ins, which outlive their callers
	stop  context.CancelFunc

	mu       sync.Mutex // guards what follows
	app      *public.Client
	attempt  *signInAttempt // nil when nobody is signing in
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

// newClient makes MSAL's client over a cache; it makes no call.
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

// cachedClient is the one whose tokens are on the shelf.
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

// acquireSilent gets a token for whom the shelf holds a sign-in of.
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
		return newCachedToken(result) // an early refresh has failed, and the token is good still
	}
	if problem := translateCallError(ctx, err); problem.Temporary || translateKnown(err) != nil {
		return nil, problem
	}
	return nil, noAccountError() // MSAL's plain text for a sign-in that is not there or not whole
}

// findAccount is the one of our tenant.
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
	return &Error{OAuth: oauthLoginRequired, Hint: "nobody has signed in yet: call again to sign in"}
}

// checkTenant refuses a token of somebody else's tenant. The realm of an account is but the authority we asked; who
// answered is in the ID token.
func (p *userSignIn) checkTenant(r public.AuthResult) (*cachedToken, *Error) {
	if !strings.EqualFold(r.IDToken.TenantID, p.tenant) {
		return nil, &Error{Hint: "the account belongs to another tenant than " + envTenant + " names: sign in with an account of that one"}
	}
	return newCachedToken(r)
}
