package web

import (
	"context"
	"net/http"
	"net/url"
)

// maxCodeLen bounds the code that is passed on.
const maxCodeLen = 4 << 10

// finishSignIn takes the browser back. Without an attempt of its own that the state belongs to, nothing of what it
// brings is looked at: somebody else may have made it up, or signed in themselves.
func (l *linkHandler) finishSignIn(w http.ResponseWriter, r *http.Request) {
	own, ok := l.loadKeys(w)
	if !ok {
		return
	}
	came, err := url.ParseQuery(r.URL.RawQuery)
	a := l.readPending(r, own.pending)
	if err != nil || !a.matches(came.Get("state"), l.cfg.Now()) || !l.used.markUsed(a, l.cfg.Now()) {
		l.pages.renderMessage(w, http.StatusForbidden, "This sign-in was not begun in this browser, or too long ago.",
			"Nothing was done. Start again here, and finish within ten minutes.")
		return
	}
	if !l.allowSignIn(w, l.finishes) {
		l.used.forgetUse(a)
		return
	}
	http.SetCookie(w, signInCookie(l.cfg.Secure, "")) // whatever comes of it, it was the only try
	switch code := came.Get("code"); {
	case came.Has("error"):
		l.showRefusal(w, came.Get("error"))
	case code == "" || len(code) > maxCodeLen:
		l.showRefusal(w, "")
	default:
		if user, signedIn := l.exchangeCode(w, r, a, code); signedIn {
			l.showProof(w, user, own.proofs)
		}
	}
}

// readPending is the one that the browser holds, and the zero one when it holds none of ours.
func (l *linkHandler) readPending(r *http.Request, s sealer) pendingSignIn {
	held, err := r.Cookie(cookieName(l.cfg.Secure))
	if err != nil {
		return pendingSignIn{}
	}
	return s.open(held.Value)
}

// showProof shows who signed in, and the proof of it.
func (l *linkHandler) showProof(w http.ResponseWriter, user User, proofs Proofs) {
	now := l.cfg.Now()
	proof, err := proofs.Make(user, now)
	if err != nil {
		l.showFailure(w, "a proof of a sign-in could not be made", err)
		return
	}
	l.pages.renderPage(w, http.StatusOK, proofPage(signInProof{
		Name: printableName(user.Name), Principal: user.Principal, Command: l.cfg.Command + " " + proof,
		Expires: now.Add(proofTTL).UTC().Format("15:04 UTC"),
	}))
}

// exchangeCode asks the identity provider who the code is of; when it is false, the answer is written.
func (l *linkHandler) exchangeCode(w http.ResponseWriter, r *http.Request, a pendingSignIn, code string) (User, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), providerTimeout)
	defer cancel()
	user, err := l.cfg.SignIn.Finish(ctx, code, a.Nonce, a.Verifier)
	if err != nil {
		l.cfg.Log.WarnContext(ctx, "a sign-in to join accounts was not confirmed", "error", err)
		l.pages.renderMessage(w, http.StatusForbidden, "Microsoft did not confirm this sign-in.",
			"Start again with your work account. If it keeps failing, ask whoever runs scanwarden: its log says why.")
	}
	return user, err == nil
}

// refusalTexts are the error codes of RFC 6749 and OpenID Connect Core that a person can do something about. What else
// came with the code (error_description) is anybody's text, and is neither shown nor kept.
var refusalTexts = map[string]string{
	"access_denied":           "You did not sign in, or you may not use this application.",
	"consent_required":        "An administrator has to allow this application first; ask whoever runs scanwarden.",
	"interaction_required":    "Microsoft wanted something more from you; start again and follow its questions.",
	"login_required":          "Microsoft wanted you to sign in again.",
	"server_error":            "Microsoft had a fault; try again in a moment.",
	"temporarily_unavailable": "Microsoft was too busy; try again in a moment.",
}

// showRefusal says in one sentence why Microsoft sent the browser back without a code.
func (l *linkHandler) showRefusal(w http.ResponseWriter, code string) {
	words, known := refusalTexts[code]
	if !known {
		words, code = "Microsoft refused the sign-in; ask whoever runs scanwarden if it keeps doing so.", "other"
	}
	l.cfg.Log.Warn("a sign-in to join accounts was refused", "code", code)
	l.pages.renderMessage(w, http.StatusForbidden, "You are not signed in.", words)
}
