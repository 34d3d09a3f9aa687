package web

import (
	"context"
	"net/http"
	"net/url"
)

// longestCode bounds the code that is passed on.
const longestCode = 4 << 10

// callback takes the browser back. Without an attempt of its own that the state belongs to, nothing of what it
// brings is looked at: somebody else may have made it up, or signed in themselves.
func (l *linker) callback(w http.ResponseWriter, r *http.Request) {
	own, ok := l.seals(w)
	if !ok {
		return
	}
	came, err := url.ParseQuery(r.URL.RawQuery)
	a := l.attempt(r, own.attempts)
	if err != nil || !a.answers(came.Get("state"), l.cfg.Now()) || !l.finished.add(a, l.cfg.Now()) {
		l.pages.renderMessage(w, http.StatusForbidden, "This sign-in was not begun in this browser, or too long ago.",
			"Nothing was done. Start again here, and finish within ten minutes.")
		return
	}
	if !l.paced(w, l.finishes) {
		l.finished.remove(a)
		return
	}
	http.SetCookie(w, cookie(l.cfg.Secure, "")) // whatever comes of it, it was the only try
	switch code := came.Get("code"); {
	case came.Has("error"):
		l.refused(w, came.Get("error"))
	case code == "" || len(code) > longestCode:
		l.refused(w, "")
	default:
		if user, signedIn := l.trade(w, r, a, code); signedIn {
			l.handOver(w, user, own.proofs)
		}
	}
}

// attempt is the one that the browser holds, and the zero one when it holds none of ours.
func (l *linker) attempt(r *http.Request, s sealer) attempt {
	held, err := r.Cookie(cookieName(l.cfg.Secure))
	if err != nil {
		return attempt{}
	}
	return s.open(held.Value)
}

// handOver shows who signed in, and the proof of it.
func (l *linker) handOver(w http.ResponseWriter, user User, proofs Proofs) {
	now := l.cfg.Now()
	proof, err := proofs.Make(user, now)
	if err != nil {
		l.fail(w, "a proof of a sign-in could not be made", err)
		return
	}
	l.pages.renderPage(w, http.StatusOK, proofPage(signInProof{
		Name: shown(user.Name), Principal: user.Principal, Command: l.cfg.Command + " " + proof,
		Expires: now.Add(proofLife).UTC().Format("15:04 UTC"),
	}))
}

// trade asks the identity provider who the code is of; when it is false, the answer is written.
func (l *linker) trade(w http.ResponseWriter, r *http.Request, a attempt, code string) (User, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), signInTime)
	defer cancel()
	user, err := l.cfg.SignIn.Finish(ctx, code, a.Nonce, a.Verifier)
	if err != nil {
		l.cfg.Log.WarnContext(ctx, "a sign-in to join accounts was not confirmed", "error", err)
		l.pages.renderMessage(w, http.StatusForbidden, "Microsoft did not confirm this sign-in.",
			"Start again with your work account. If it keeps failing, ask whoever runs scanwarden: its log says why.")
	}
	return user, err == nil
}

// refusals are the error codes of RFC 6749 and OpenID Connect Core that a person can do something about. What else
// came with the code (error_description) is anybody's text, and is neither shown nor kept.
var refusals = map[string]string{
	"access_denied":           "You did not sign in, or you may not use this application.",
	"consent_required":        "An administrator has to allow this application first; ask whoever runs scanwarden.",
	"interaction_required":    "Microsoft wanted something more from you; start again and follow its questions.",
	"login_required":          "Microsoft wanted you to sign in again.",
	"server_error":            "Microsoft had a fault; try again in a moment.",
	"temporarily_unavailable": "Microsoft was too busy; try again in a moment.",
}

// refused says in one sentence why Microsoft sent the browser back without a code.
func (l *linker) refused(w http.ResponseWriter, code string) {
	words, known := refusals[code]
	if !known {
		words, code = "Microsoft refused the sign-in; ask whoever runs scanwarden if it keeps doing so.", "other"
	}
	l.cfg.Log.Warn("a sign-in to join accounts was refused", "code", code)
	l.pages.renderMessage(w, http.StatusForbidden, "You are not signed in.", words)
}
