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

// User is who signed in, as the identity provider has it.
type User struct {
	Principal confirm.Principal // "entra:TENANT/OBJECT"
	Name      string            // for the person themself to recognise
}

// SignIn is one way to sign in with a browser; its two steps are the OAuth 2.0 authorization code flow with PKCE.
type SignIn struct {
	// Begin returns where to send the browser. state and nonce come back; verifier is PKCE's, and stays here.
	Begin func(ctx context.Context, state, nonce, verifier string) (url string, err error)
	// Finish trades the code that came back for the user; nonce is what Begin was given.
	Finish func(ctx context.Context, code, nonce, verifier string) (User, error)
}

// Config configures the pages at /link.
type Config struct {
	SignIn  SignIn
	Hosts   []string               // allowed Host headers, with the port where there is one; none allows nobody
	Key     func() ([]byte, error) // 32 bytes, the same on every replica
	Secure  bool                   // the public URL is https: cookies are for https only
	Command string                 // what to type in Slack, such as "/scans link"
	Log     *slog.Logger           // nil means silence
	Now     func() time.Time       // nil means time.Now
}

const (
	// providerTimeout bounds one call to the identity provider.
	providerTimeout = 30 * time.Second
	// rateLimit and atOnce bound how often a sign-in is begun, and how often one is finished, by all browsers
	// together: each costs the identity provider a call.
	rateLimit, burst = 5, 50
)

// linkHandler serves the pages.
type linkHandler struct {
	cfg    Config
	pages  renderer
	starts *rate.Limiter
	// Paced apart, so that a crowd that only begins keeps nobody from finishing. Who does both, with made-up codes, can
	// keep both busy: people are told to try again, and nothing is lost by it.
	finishes *rate.Limiter
	used     usedSignIns
}

// NewHandler serves GET /link, /link/start and /link/callback. Its last page shows a signed, short-lived proof of who
// signed in, for that person to paste into their own Slack.
func NewHandler(cfg Config) (http.Handler, error) {
	switch {
	case cfg.SignIn.Begin == nil || cfg.SignIn.Finish == nil:
		return nil, errors.New("link page: SignIn needs both of its steps")
	case cfg.Key == nil || cfg.Command == "":
		return nil, errors.New("link page: Key and Command are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pages := renderer{cfg.Log}
	l := &linkHandler{cfg: cfg, pages: pages, starts: rate.NewLimiter(rateLimit, burst), finishes: rate.NewLimiter(rateLimit, burst)}
	mux := http.NewServeMux()
	mux.HandleFunc("/link", l.showIntro)
	mux.HandleFunc("/link/start", l.startSignIn)
	mux.HandleFunc("/link/callback", l.finishSignIn)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		pages.renderMessage(w, http.StatusNotFound, "There is no such page.", "")
	})
	return middleware(cfg, pages, mux), nil
}

func (l *linkHandler) showIntro(w http.ResponseWriter, _ *http.Request) {
	l.pages.renderPage(w, http.StatusOK, introPage())
}

// startSignIn sends the browser away to sign in. Whoever was sent here by another site is shown first what this is about:
// Microsoft may sign them in without a question.
func (l *linkHandler) startSignIn(w http.ResponseWriter, r *http.Request) {
	if isCrossSite(r) {
		http.Redirect(w, r, "/link", http.StatusSeeOther)
		return
	}
	own, ok := l.loadKeys(w)
	if !ok || !l.allowSignIn(w, l.starts) {
		return
	}
	a := newPendingSignIn(l.cfg.Now())
	sealed, err := own.pending.seal(a)
	if err != nil {
		l.showFailure(w, "a sign-in could not be begun", err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), providerTimeout)
	defer cancel()
	url, err := l.cfg.SignIn.Begin(ctx, a.State, a.Nonce, a.Verifier)
	if err != nil {
		l.showFailure(w, "a sign-in could not be begun", err)
		return
	}
	http.SetCookie(w, signInCookie(l.cfg.Secure, sealed))
	w.Header().Set("Location", url)
	w.WriteHeader(http.StatusSeeOther)
}

// linkKeys are what the server key makes of attempts and of proofs.
type linkKeys struct {
	pending sealer
	proofs  Proofs
}

// loadKeys reads the key; when it is false, the answer is written. The key is asked for each time, because the ledger
// that has it may come up after the page.
func (l *linkHandler) loadKeys(w http.ResponseWriter) (linkKeys, bool) {
	key, err := l.cfg.Key()
	if err != nil {
		l.showFailure(w, "the server key could not be read", err)
		return linkKeys{}, false
	}
	attempts, err := newSealer(key)
	if err != nil {
		l.showFailure(w, "the server key cannot be used", err)
		return linkKeys{}, false
	}
	return linkKeys{attempts, NewProofs(key)}, true
}

// allowSignIn lets through as many as the identity provider is to be asked for; when it is false, the answer is written.
func (l *linkHandler) allowSignIn(w http.ResponseWriter, pacer *rate.Limiter) bool {
	if pacer.AllowN(l.cfg.Now(), 1) {
		return true
	}
	w.Header().Set("Retry-After", "10")
	l.pages.renderMessage(w, http.StatusTooManyRequests, "Too many people sign in at this moment.", "Please try again in a few seconds.")
	return false
}

// showFailure is for what is not the person's doing, and is told to the log alone.
func (l *linkHandler) showFailure(w http.ResponseWriter, what string, err error) {
	l.cfg.Log.Error(what, "error", err)
	l.pages.renderMessage(w, http.StatusServiceUnavailable, "This did not work.",
		"Please try again in a moment. If it keeps failing, ask whoever runs scanwarden: its log says why.")
}
