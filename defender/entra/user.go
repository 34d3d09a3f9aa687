package entra

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// person is the method of the modes for people: what one of them has signed in to is kept and renewed, and
// where that does not do, one is asked for.
type person struct {
	registration
	tenant   string
	way      way
	prompt   func(ctx context.Context, text string)
	patience time.Duration
	shelf    *shelf

	life context.Context // of the sign-ins, which outlive their callers
	end  context.CancelFunc

	mu       sync.Mutex // guards what follows
	app      *public.Client
	attempt  *attempt // nil when nobody is signing in
	attempts sync.WaitGroup
}

func newPerson(cfg Config) (*person, error) {
	r, err := register(cfg)
	if err != nil {
		return nil, err
	}
	p := &person{
		registration: r, tenant: cfg.TenantID,
		prompt: cfg.Prompt, patience: cfg.Patience,
		shelf: newShelf(cfg.StateDir, r.authority+" "+r.clientID),
	}
	p.way = deviceCode
	if cfg.Mode == Interactive {
		p.way = browser{cfg.OpenURL}.signIn
	}
	p.life, p.end = context.WithCancel(context.Background())
	return p, nil
}

// newClient makes MSAL's client over a cache; it makes no call.
func (p *person) newClient(over cache.ExportReplace) (*public.Client, *Error) {
	app, err := public.New(p.clientID,
		public.WithAuthority(p.authority),
		public.WithHTTPClient(p.http),
		public.WithInstanceDiscovery(p.discovery),
		public.WithClientCapabilities(capabilities()),
		public.WithCache(over))
	if err != nil {
		return nil, explain(err)
	}
	return &app, nil
}

// client is the one whose tokens are on the shelf.
func (p *person) client() (*public.Client, *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.app == nil {
		app, problem := p.newClient(p.shelf)
		if problem != nil {
			return nil, problem
		}
		p.app = app
	}
	return p.app, nil
}

func (p *person) acquire(ctx context.Context, scope string, ask TokenRequest) (*session, *Error) {
	app, problem := p.client()
	if problem != nil {
		return nil, problem
	}
	return patiently(ctx, func(ctx context.Context) (*session, *Error) {
		return p.silently(ctx, app, scope, ask.anew())
	})
}

// silently gets a token for whom the shelf holds a sign-in of.
func (p *person) silently(ctx context.Context, app *public.Client, scope, claims string) (*session, *Error) {
	release, problem := p.shelf.hold(ctx)
	if problem != nil {
		return nil, problem
	}
	defer release()
	account, problem := p.account(ctx, app)
	if problem != nil {
		return nil, problem
	}
	options := []public.AcquireSilentOption{public.WithSilentAccount(account)}
	if claims != "" {
		options = append(options, public.WithClaims(claims))
	}
	result, err := app.AcquireTokenSilent(ctx, []string{scope}, options...)
	if err == nil {
		return p.admit(result)
	}
	if result.AccessToken != "" && time.Now().Before(result.ExpiresOn) {
		return newSession(result) // an early refresh has failed, and the token is good still
	}
	if problem := explainIn(ctx, err); problem.Temporary || recognise(err) != nil {
		return nil, problem
	}
	return nil, nobody() // MSAL's plain text for a sign-in that is not there or not whole
}

// account is the one of our tenant.
func (p *person) account(ctx context.Context, app *public.Client) (public.Account, *Error) {
	accounts, err := app.Accounts(ctx)
	if err != nil {
		return public.Account{}, explainIn(ctx, err)
	}
	for _, account := range accounts {
		if strings.EqualFold(account.Realm, p.tenant) {
			return account, nil
		}
	}
	return public.Account{}, nobody()
}

func nobody() *Error {
	return &Error{OAuth: loginRequired, Hint: "nobody has signed in yet: call again to sign in"}
}

// admit refuses a token of somebody else's tenant. The realm of an account is but the authority we asked; who
// answered is in the ID token.
func (p *person) admit(r public.AuthResult) (*session, *Error) {
	if !strings.EqualFold(r.IDToken.TenantID, p.tenant) {
		return nil, &Error{Hint: "the account belongs to another tenant than " + envTenant + " names: sign in with an account of that one"}
	}
	return newSession(r)
}
