package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"scanwarden/confirm"
)

// User is the signed-in user as the identity provider describes it.
type User struct {
	Principal confirm.Principal // "entra:TENANT/OBJECT"
	Name      string            // shown to the user, to recognize the account; may be empty
}

// SignIn is one way to sign in with a browser. Its two steps are the OAuth 2.0 authorization code flow with PKCE.
type SignIn struct {
	// Begin returns the URL to redirect the browser to. The provider returns state to the browser and nonce to
	// Finish. Of verifier the provider gets only the hash (PKCE).
	Begin func(ctx context.Context, state, nonce, verifier string) (url string, err error)
	// Finish exchanges the returned code for the user. nonce and verifier are those that Begin received.
	Finish func(ctx context.Context, code, nonce, verifier string) (User, error)
}

// Config configures the pages at /link.
type Config struct {
	SignIn  SignIn
	Hosts   []string               // allowed Host headers, with the port if it has one; empty allows no request
	Key     func() ([]byte, error) // 32 bytes, the same on every replica
	Secure  bool                   // the public URL is https, so cookies are for https only
	Command string                 // the Slack command that takes the proof, such as "/scans link"
	Log     *slog.Logger           // nil discards all logs
	Now     func() time.Time       // nil means time.Now
}

// linkPath is where linking starts.
const linkPath = "/link"

const (
	// providerTimeout bounds one call to the identity provider.
	providerTimeout = 30 * time.Second
	// rateLimit (per second) and burst bound how often sign-ins are begun, and separately how often they are
	// finished, by all browsers together: each costs the identity provider a call.
	rateLimit, burst = 5, 50
)

// linkHandler serves the pages.
type linkHandler struct {
	cfg    Config
	pages  renderer
	starts *rate.Limiter
	// finishes is separate from starts, so that many new sign-ins cannot keep others from finishing. A client that
	// does both with invented codes can exhaust both limits. Users are then asked to try again, and nothing is
	// lost.
	finishes *rate.Limiter
	used     usedSignIns
}

// NewHandler returns a handler of GET /link, /link/start and /link/callback. The last page shows a signed,
// short-lived proof of the sign-in, which the user pastes into their own Slack. It returns an error if cfg lacks
// SignIn, Key or Command.
func NewHandler(cfg Config) (http.Handler, error) {
	switch {
	case cfg.SignIn.Begin == nil || cfg.SignIn.Finish == nil:
		return nil, errors.New("link page: Config.SignIn needs both Begin and Finish")
	case cfg.Key == nil || cfg.Command == "":
		return nil, errors.New("link page: Config.Key and Config.Command are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pages := renderer{cfg.Log}
	l := &linkHandler{
		cfg: cfg, pages: pages,
		starts: rate.NewLimiter(rateLimit, burst), finishes: rate.NewLimiter(rateLimit, burst),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/link", l.showIntro)
	mux.HandleFunc("/link/start", l.startSignIn)
	mux.HandleFunc("/link/callback", l.finishSignIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		pages.renderMessage(w, http.StatusNotFound, "There is no such page.", "", "")
	})
	return middleware(cfg, pages, mux), nil
}

// showIntro serves /link.
func (l *linkHandler) showIntro(w http.ResponseWriter, _ *http.Request) {
	l.pages.renderPage(w, http.StatusOK, introPage())
}

// startSignIn serves /link/start: it redirects the browser to Microsoft. A browser that another site sent here
// first gets the introduction, because Microsoft may sign the user in without asking.
func (l *linkHandler) startSignIn(w http.ResponseWriter, r *http.Request) {
	if isCrossSite(r) {
		http.Redirect(w, r, "/link", http.StatusSeeOther)
		return
	}
	keys, ok := l.loadKeys(w)
	if !ok || !l.allowSignIn(w, l.starts) {
		return
	}
	p := newPendingSignIn(l.cfg.Now())
	sealed, err := keys.pending.seal(p)
	if err != nil {
		l.showFailure(w, "failed to begin a sign-in", err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), providerTimeout)
	defer cancel()
	url, err := l.cfg.SignIn.Begin(ctx, p.State, p.Nonce, p.Verifier)
	if err != nil {
		l.showFailure(w, "failed to begin a sign-in", err)
		return
	}
	http.SetCookie(w, signInCookie(l.cfg.Secure, sealed))
	w.Header().Set("Location", url)
	w.WriteHeader(http.StatusSeeOther)
}

// linkKeys are derived from the server key.
type linkKeys struct {
	pending sealer // seals the cookies
	proofs  Proofs
}

// loadKeys returns the keys. On false it has written the response. The server key is read for each request,
// because the database that holds it may become available after this handler.
func (l *linkHandler) loadKeys(w http.ResponseWriter) (linkKeys, bool) {
	key, err := l.cfg.Key()
	if err != nil {
		l.showFailure(w, "failed to read the server key", err)
		return linkKeys{}, false
	}
	attempts, err := newSealer(key)
	if err != nil {
		l.showFailure(w, "failed to use the server key", err)
		return linkKeys{}, false
	}
	return linkKeys{attempts, NewProofs(key)}, true
}

// allowSignIn reports whether the rate limit permits one more sign-in. On false it has written the response.
func (l *linkHandler) allowSignIn(w http.ResponseWriter, limiter *rate.Limiter) bool {
	if limiter.AllowN(l.cfg.Now(), 1) {
		return true
	}
	w.Header().Set("Retry-After", "10")
	l.pages.renderMessage(w, http.StatusTooManyRequests, "Too many people are signing in at this moment.", "Please try again in a few seconds.", linkPath)
	return false
}

// showFailure writes a page for an error that the user did not cause, and logs the cause.
func (l *linkHandler) showFailure(w http.ResponseWriter, what string, err error) {
	l.cfg.Log.Error(what, "error", err)
	l.pages.renderMessage(w, http.StatusServiceUnavailable, "This did not work.",
		"Please try again in a moment. If it keeps failing, ask your scanwarden operator: the cause is in the log.", linkPath)
}
