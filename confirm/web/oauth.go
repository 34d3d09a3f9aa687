package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxCodeLen bounds the authorization code that is passed on.
	maxCodeLen = 4 << 10
	// providerTimeout bounds one call to the identity provider.
	providerTimeout = 30 * time.Second
	// rateLimit (per second) and burst bound how often sign-ins are begun, and separately how often they are
	// finished, by all browsers together: each costs the identity provider a call.
	rateLimit, burst = 5, 50
)

// flowConfig configures an oauthFlow. All fields are required.
type flowConfig struct {
	SignIn SignIn
	Key    func() ([]byte, error)
	Secure bool
	Log    *slog.Logger
	Now    func() time.Time
	Name   string // names the cookie, and separates its key from those of other flows
	Path   string // where a user starts again
	Does   string // what the sign-in does, for the log: "links accounts"
}

// oauthFlow signs a user in with a browser, by the authorization code flow of OAuth 2.0 with PKCE.
type oauthFlow struct {
	flowConfig
	pages  renderer
	starts *rate.Limiter
	// finishes is separate from starts, so that many new sign-ins cannot keep others from finishing. A client that
	// does both with invented codes can exhaust both limits. Users are then asked to try again, and nothing is
	// lost.
	finishes *rate.Limiter
	used     usedSignIns
}

// newOAuthFlow returns a flow. It calls nothing.
func newOAuthFlow(cfg flowConfig) *oauthFlow {
	return &oauthFlow{
		flowConfig: cfg, pages: renderer{cfg.Log},
		starts: rate.NewLimiter(rateLimit, burst), finishes: rate.NewLimiter(rateLimit, burst),
	}
}

// begin redirects the browser to Microsoft. finish will return the goal. A browser that another site sent here first
// goes to the page where users start, because Microsoft may sign the user in without asking.
func (f *oauthFlow) begin(w http.ResponseWriter, r *http.Request, goal signInGoal) {
	if isCrossSite(r) {
		http.Redirect(w, r, f.Path, http.StatusSeeOther)
		return
	}
	seals, ok := f.sealer(w)
	if !ok || !f.allowSignIn(w, f.starts) {
		return
	}
	p := newPendingSignIn(f.Now())
	p.signInGoal = goal
	sealed, err := seals.seal(p)
	if err != nil {
		f.showFailure(w, "failed to begin a sign-in", err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), providerTimeout)
	defer cancel()
	address, err := f.beginURL(ctx, p)
	if err != nil {
		f.showFailure(w, "failed to begin a sign-in", err)
		return
	}
	cookie := hostCookie(f.Name, sealed, f.Secure)
	cookie.MaxAge = int(signInTTL.Seconds())
	http.SetCookie(w, cookie)
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

// beginURL returns the address that the browser is redirected to.
func (f *oauthFlow) beginURL(ctx context.Context, p pendingSignIn) (string, error) {
	address, err := f.SignIn.Begin(ctx, p.State, p.Nonce, p.Verifier)
	if err != nil || p.Context == "" {
		return address, err
	}
	return f.SignIn.RequireContext(address, p.Context)
}

// finish returns the user whom the browser brings back from Microsoft, and the goal of begin. On false it has
// written the response. It reads nothing but the state until the state matches the pending sign-in of this browser:
// another site may have made up the rest, or may have signed in as another user.
func (f *oauthFlow) finish(w http.ResponseWriter, r *http.Request) (user User, goal signInGoal, ok bool) {
	seals, ok := f.sealer(w)
	if !ok {
		return User{}, goal, false
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	p := f.readPending(r, seals)
	if err != nil || !p.matches(query.Get("state"), f.Now()) || !f.used.markUsed(p, f.Now()) {
		f.pages.renderMessage(w, http.StatusForbidden, "This sign-in was not begun in this browser, or too long ago.",
			"Nothing was done. Start again here, and finish within ten minutes.", f.Path)
		return User{}, goal, false
	}
	if !f.allowSignIn(w, f.finishes) {
		f.used.forgetUse(p)
		return User{}, goal, false
	}
	http.SetCookie(w, hostCookie(f.Name, "", f.Secure)) // each sign-in has one try, whatever its result
	switch code := query.Get("code"); {
	case query.Has("error"):
		f.showRefusal(w, query.Get("error"))
	case code == "" || len(code) > maxCodeLen:
		f.showRefusal(w, "")
	default:
		user, ok = f.exchangeCode(w, r, p, code)
		return user, p.signInGoal, ok
	}
	return User{}, goal, false
}

// sealer returns what seals the pending sign-ins. On false it has written the response. The server key is read for each
// request, because the database that holds it may become available after this handler.
func (f *oauthFlow) sealer(w http.ResponseWriter) (sealer, bool) {
	key, err := f.Key()
	if err != nil {
		f.showFailure(w, "failed to read the server key", err)
		return sealer{}, false
	}
	s, err := newSealer(key, "scanwarden "+f.Name+" attempt v1")
	if err != nil {
		f.showFailure(w, "failed to use the server key", err)
		return sealer{}, false
	}
	return s, true
}

// readPending returns the pending sign-in in the browser's cookie, or the zero value without a valid cookie.
func (f *oauthFlow) readPending(r *http.Request, s sealer) (p pendingSignIn) {
	cookie, err := r.Cookie(cookieName(f.Name, f.Secure))
	if err != nil || !s.open(cookie.Value, &p) {
		return pendingSignIn{}
	}
	return p
}

// exchangeCode returns the user that the identity provider gives for the code. On false it has written the response.
func (f *oauthFlow) exchangeCode(w http.ResponseWriter, r *http.Request, p pendingSignIn, code string) (User, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), providerTimeout)
	defer cancel()
	user, err := f.SignIn.Finish(ctx, code, p.Nonce, p.Verifier)
	if err != nil {
		f.Log.WarnContext(ctx, "the identity provider did not confirm a sign-in that "+f.Does, "error", err)
		f.pages.renderMessage(w, http.StatusForbidden, "Microsoft did not confirm this sign-in.",
			"Start again with your work account. If it keeps failing, ask your scanwarden operator: the cause is in the log.", f.Path)
	}
	return user, err == nil
}

// allowSignIn reports whether the rate limit permits one more sign-in. On false it has written the response.
func (f *oauthFlow) allowSignIn(w http.ResponseWriter, limiter *rate.Limiter) bool {
	if limiter.AllowN(f.Now(), 1) {
		return true
	}
	showTooMany(w, f.pages, f.Path)
	return false
}

// showTooMany writes the page for a sign-in that exceeds the rate limit.
func showTooMany(w http.ResponseWriter, pages renderer, path string) {
	w.Header().Set("Retry-After", "10")
	pages.renderMessage(w, http.StatusTooManyRequests, "Too many people are signing in at this moment.", "Please try again in a few seconds.", path)
}
