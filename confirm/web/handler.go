package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"scanwarden/confirm"
)

// User is the signed-in user as the identity provider describes it.
type User struct {
	Principal confirm.Principal // "entra:TENANT/OBJECT"
	Name      string            // shown to the user, to recognize the account; may be empty
	Groups    []string          // verified groups, named as in the policy's approvers: "entra-role:NAME"
	Contexts  []string          // authentication contexts that the sign-in satisfied: "c1" to "c99"
}

// SignIn is one way to sign in with a browser. Its two steps are the OAuth 2.0 authorization code flow with PKCE.
type SignIn struct {
	// Begin returns the URL to redirect the browser to. The provider returns state to the browser and nonce to
	// Finish. Of verifier the provider gets only the hash (PKCE).
	Begin func(ctx context.Context, state, nonce, verifier string) (url string, err error)
	// RequireContext returns the URL of Begin, altered so that the sign-in must satisfy an authentication context.
	// Nil means that the provider has none.
	RequireContext func(url, authContext string) (string, error)
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

// linkHandler serves the pages.
type linkHandler struct {
	cfg   Config
	pages renderer
	flow  *oauthFlow
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
	l := &linkHandler{cfg: cfg, pages: pages, flow: newOAuthFlow(flowConfig{
		SignIn: cfg.SignIn, Key: cfg.Key, Secure: cfg.Secure, Log: cfg.Log, Now: cfg.Now,
		Name: "link", Path: linkPath, Does: "links accounts",
	})}
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

// startSignIn serves /link/start.
func (l *linkHandler) startSignIn(w http.ResponseWriter, r *http.Request) {
	l.flow.begin(w, r, signInGoal{})
}

// finishSignIn serves /link/callback: it shows the proof of the sign-in.
func (l *linkHandler) finishSignIn(w http.ResponseWriter, r *http.Request) {
	user, _, ok := l.flow.finish(w, r)
	if !ok {
		return
	}
	key, err := l.cfg.Key()
	if err != nil {
		l.flow.showFailure(w, "failed to read the server key", err)
		return
	}
	l.showProof(w, user, NewProofs(key))
}

// showProof writes the page with the proof that user signed in.
func (l *linkHandler) showProof(w http.ResponseWriter, user User, proofs Proofs) {
	now := l.cfg.Now()
	proof, err := proofs.Make(user, now)
	if err != nil {
		l.flow.showFailure(w, "failed to make the proof of a sign-in", err)
		return
	}
	l.pages.renderPage(w, http.StatusOK, proofPage(signInProof{
		Name: printableName(user.Name), Principal: user.Principal, Command: l.cfg.Command + " " + proof,
		Expires: now.Add(proofTTL).UTC().Format("15:04 UTC"),
	}))
}
