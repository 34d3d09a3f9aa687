package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"scanwarden/confirm"
)

// SignInConfig configures how people sign in to the pages of a server.
type SignInConfig struct {
	Entra SignIn                              // by Microsoft Entra ID; the zero value does not offer it
	Token func(token string) (SignedIn, bool) // by a bearer token of this server; nil does not offer it
	Holds func(SignedIn) bool                 // reports whether the sign-in of a session still holds; nil means that it does
	// Ended is what the processes know of each other's sign-outs; the zero value keeps a sign-out to this process.
	Ended EndedSessions
	// Tenant is shown to everybody, before they sign in.
	Tenant string
	Hosts  []string               // allowed Host headers, with the port if it has one; empty allows no request
	Secure bool                   // the public URL is https
	Key    func() ([]byte, error) // 32 bytes, the same on every replica
	Log    *slog.Logger           // nil discards all logs
	Now    func() time.Time       // nil means time.Now
}

// signInPath is where a sign-in starts, signOutPath where a session ends.
const (
	signInPath  = "/signin"
	signOutPath = "/signout"
)

// SignInPages serves the sign-in of the pages at /changes. It is safe for concurrent use; make it with NewSignInPages.
type SignInPages struct {
	cfg      SignInConfig
	pages    renderer
	sessions *Sessions
	entra    *oauthFlow    // nil if it is not offered
	tokens   *rate.Limiter // bounds how often tokens are tried, by all browsers together
	handler  http.Handler
}

// NewSignInPages returns a handler of these pages:
//
//	GET  /signin            the ways to sign in
//	GET  /signin/start      redirects to Microsoft
//	GET  /signin/callback   where Microsoft sends the browser back
//	POST /signin/token      signs in with a bearer token
//	POST /signout           ends the session
//
// Signing in decides nothing. It returns an error without a Key.
func NewSignInPages(cfg SignInConfig) (*SignInPages, error) {
	if cfg.Key == nil {
		return nil, errors.New("sign-in pages: SignInConfig.Key is required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &SignInPages{
		cfg: cfg, pages: renderer{cfg.Log}, sessions: NewSessions(cfg.Key, cfg.Secure, cfg.Now), tokens: rate.NewLimiter(rateLimit, burst),
	}
	s.sessions.holds, s.sessions.shared = cfg.Holds, cfg.Ended
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+signInPath, s.showSignIn)
	mux.HandleFunc("POST "+signInPath+"/token", s.signInByToken)
	mux.HandleFunc("POST "+signOutPath, s.signOut)
	if cfg.Entra.Begin != nil {
		s.entra = newOAuthFlow(flowConfig{
			SignIn: cfg.Entra, Key: cfg.Key, Secure: cfg.Secure, Log: cfg.Log, Now: cfg.Now,
			Name: "signin", Path: signInPath, Does: "opens the pages of changes",
		})
		mux.HandleFunc("GET "+signInPath+"/start", s.startSignIn)
		mux.HandleFunc("GET "+signInPath+"/callback", s.finishSignIn)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.pages.renderMessage(w, http.StatusNotFound, "There is no such page", "", "/changes")
	})
	s.handler = guard{hosts: cfg.Hosts, secure: cfg.Secure, pages: s.pages, policy: formPolicy(), maxQuery: maxQueryLen, again: signInPath}.protect(mux)
	return s, nil
}

// ServeHTTP serves the pages.
func (s *SignInPages) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Authenticate returns the person whose session a request for another page belongs to. On false it has written the page to
// sign in, which leads back to that page. It is meant for ChangesConfig.Authenticate.
func (s *SignInPages) Authenticate(w http.ResponseWriter, r *http.Request) (Viewer, bool) {
	polls := r.Header.Get("Sec-Fetch-Mode") == "cors" // the script of an open page
	v, ok := s.sessions.Viewer(w, r, !polls)
	if !ok {
		w.Header().Set("Content-Security-Policy", formPolicy()) // the other headers are those of the page that was asked for
		s.showForm(w, http.StatusForbidden, ReturnPath(r.URL.Path), "")
		return Viewer{}, false
	}
	v.SignOut = signOutPath
	if s.cfg.Entra.RequireContext != nil && strings.HasPrefix(string(v.Principal), "entra:") {
		v.StepUp = signInPath + "/start"
	}
	return v, true
}

// signInView is what the page to sign in shows.
type signInView struct {
	Tenant  string
	Return  string // path to go to afterwards
	Host    string // of the genuine page; "" if only this machine reaches it
	Entra   bool
	Token   bool
	Problem string // why the last try did not work; "" if there was none
}

// showSignIn serves /signin.
func (s *SignInPages) showSignIn(w http.ResponseWriter, r *http.Request) {
	s.showForm(w, http.StatusOK, ReturnPath(r.URL.Query().Get("return")), "")
}

// showForm writes the page to sign in, or what to configure if there is no way to.
func (s *SignInPages) showForm(w http.ResponseWriter, status int, returnPath, problem string) {
	view := signInView{Tenant: s.cfg.Tenant, Return: returnPath, Entra: s.entra != nil, Token: s.cfg.Token != nil, Problem: problem}
	if !view.Entra && !view.Token {
		s.pages.renderMessage(w, http.StatusNotFound, "Nobody can sign in here yet",
			"The operator of this server can let people sign in with Microsoft: set SCANWARDEN_HTTP_AUTH to entra and SCANWARDEN_PUBLIC_URL. "+
				"Or give each person a bearer token in http.tokens. Until then, decide in the client, in Slack, or with scanwarden review in a terminal.", "")
		return
	}
	if len(s.cfg.Hosts) > 0 && s.cfg.Secure {
		view.Host = s.cfg.Hosts[len(s.cfg.Hosts)-1]
	}
	s.pages.renderPage(w, status, signInPage(view))
}

// startSignIn serves /signin/start.
func (s *SignInPages) startSignIn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	goal := signInGoal{Return: ReturnPath(q.Get("return")), Context: q.Get("context")}
	if goal.Context != "" && (s.cfg.Entra.RequireContext == nil || !confirm.IsAuthContext(goal.Context)) {
		s.pages.renderMessage(w, http.StatusNotFound, "There is no such sign-in", "Open the change and sign in from there.", goal.Return)
		return
	}
	s.entra.begin(w, r, goal)
}

// finishSignIn serves /signin/callback.
func (s *SignInPages) finishSignIn(w http.ResponseWriter, r *http.Request) {
	user, goal, ok := s.entra.finish(w, r)
	if !ok {
		return
	}
	if goal.Context != "" && !slices.Contains(user.Contexts, goal.Context) {
		s.showMissingContext(w, r, goal)
		return
	}
	who := SignedIn{Principal: user.Principal, Name: printableName(user.Name), Groups: user.Groups}
	who.Contexts = s.contexts(r, user)
	s.startSession(w, r, who, goal.Return)
}

// maxContexts bounds the authentication contexts of a session, because a cookie has little room. The oldest are dropped.
const maxContexts = 10

// contexts returns the authentication contexts of a new session: those of this sign-in, and those of the session that the
// same person has in this browser. Two rules can require two contexts, and each sign-in may satisfy one.
func (s *SignInPages) contexts(r *http.Request, user User) []confirm.AuthContext {
	var all []confirm.AuthContext
	if earlier, ok := s.sessions.read(r); ok && earlier.Principal == user.Principal {
		all = slices.DeleteFunc(earlier.Contexts, func(a confirm.AuthContext) bool { return slices.Contains(user.Contexts, a.ID) })
	}
	at := s.cfg.Now().UTC().Truncate(time.Second)
	for _, id := range user.Contexts {
		all = append(all, confirm.AuthContext{ID: id, At: at})
	}
	return all[max(0, len(all)-maxContexts):]
}

// showMissingContext writes the page after a sign-in that did not satisfy the context that it was for. It starts no other
// sign-in: Microsoft would answer in the same way. The earlier session stays.
func (s *SignInPages) showMissingContext(w http.ResponseWriter, r *http.Request, goal signInGoal) {
	s.cfg.Log.WarnContext(r.Context(), "a sign-in did not satisfy its authentication context", "context", goal.Context,
		"do", "publish the context to apps in Microsoft Entra, and target it with a Conditional Access policy")
	s.pages.renderMessage(w, http.StatusForbidden, "Microsoft did not confirm the stronger sign-in",
		fmt.Sprintf("Nothing was decided. The sign-in lacks the authentication context %s, which a rule of the policy asks for. "+
			"Ask an administrator of Microsoft Entra to publish that context and to target it with a Conditional Access policy.", goal.Context), goal.Return)
}

// maxTokenLen bounds a typed bearer token, in bytes.
const maxTokenLen = 4 << 10

// signInByToken serves /signin/token. It logs neither the token nor any part of it.
func (s *SignInPages) signInByToken(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Token == nil {
		s.showForm(w, http.StatusNotFound, "/changes", "")
		return
	}
	if !s.tokens.AllowN(s.cfg.Now(), 1) {
		showTooMany(w, s.pages, signInPath)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.showForm(w, http.StatusBadRequest, "/changes", "The form is too long or damaged. Type the token again.")
		return
	}
	returnPath, token := ReturnPath(onlyValue(r.PostForm, "return")), onlyValue(r.PostForm, "token")
	if token == "" || len(token) > maxTokenLen {
		s.showForm(w, http.StatusUnprocessableEntity, returnPath, "Type the token that the operator of this server gave you.")
		return
	}
	who, ok := s.cfg.Token(token)
	if !ok {
		s.cfg.Log.WarnContext(r.Context(), "a sign-in with an unknown token was refused", "from", r.RemoteAddr)
		s.showForm(w, http.StatusForbidden, returnPath, "No person signs in with that token: it is unknown to this server, or belongs to an agent. Copy it again, or ask the operator for one.")
		return
	}
	s.startSession(w, r, who, returnPath)
}

// startSession begins the session of a person and leads back to the page that they came for.
func (s *SignInPages) startSession(w http.ResponseWriter, r *http.Request, who SignedIn, returnPath string) {
	if err := s.sessions.Start(w, r, who); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "failed to begin a session", "error", err)
		s.pages.renderMessage(w, http.StatusServiceUnavailable, "You could not be signed in",
			"Please try again in a moment. If it keeps failing, ask your scanwarden operator: the cause is in the log.", signInPath)
		return
	}
	s.cfg.Log.InfoContext(r.Context(), "signed in to the pages", "principal", who.Principal)
	http.Redirect(w, r, returnPath, http.StatusSeeOther)
}

// signOut serves /signout.
func (s *SignInPages) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.End(w, r); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "failed to record a sign-out", "error", err)
		s.pages.renderMessage(w, http.StatusServiceUnavailable, "You are signed out in this browser only",
			"The ledger could not be written, so a copy of your session may still be accepted elsewhere until it ends. Tell your scanwarden operator: the cause is in the log.", signInPath)
		return
	}
	s.pages.renderMessage(w, http.StatusOK, "You are signed out", "What you have decided stays decided.", signInPath)
}
