package web

import (
	"context"
	"net/http"
	"net/url"
)

// maxCodeLen bounds the authorization code that is passed on.
const maxCodeLen = 4 << 10

// finishSignIn serves /link/callback. It reads nothing but the state until the state matches the pending sign-in of
// this browser: another site may have made up the rest, or may have signed in as another user.
func (l *linkHandler) finishSignIn(w http.ResponseWriter, r *http.Request) {
	keys, ok := l.loadKeys(w)
	if !ok {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	p := l.readPending(r, keys.pending)
	if err != nil || !p.matches(query.Get("state"), l.cfg.Now()) || !l.used.markUsed(p, l.cfg.Now()) {
		l.pages.renderMessage(w, http.StatusForbidden, "This sign-in was not begun in this browser, or too long ago.",
			"Nothing was done. Start again here, and finish within ten minutes.", linkPath)
		return
	}
	if !l.allowSignIn(w, l.finishes) {
		l.used.forgetUse(p)
		return
	}
	http.SetCookie(w, signInCookie(l.cfg.Secure, "")) // each sign-in has one try, whatever its result
	switch code := query.Get("code"); {
	case query.Has("error"):
		l.showRefusal(w, query.Get("error"))
	case code == "" || len(code) > maxCodeLen:
		l.showRefusal(w, "")
	default:
		if user, signedIn := l.exchangeCode(w, r, p, code); signedIn {
			l.showProof(w, user, keys.proofs)
		}
	}
}

// readPending returns the pending sign-in in the browser's cookie, or the zero value without a valid cookie.
func (l *linkHandler) readPending(r *http.Request, s sealer) pendingSignIn {
	cookie, err := r.Cookie(cookieName(l.cfg.Secure))
	if err != nil {
		return pendingSignIn{}
	}
	return s.open(cookie.Value)
}

// showProof writes the page with the proof that user signed in.
func (l *linkHandler) showProof(w http.ResponseWriter, user User, proofs Proofs) {
	now := l.cfg.Now()
	proof, err := proofs.Make(user, now)
	if err != nil {
		l.showFailure(w, "failed to make the proof of a sign-in", err)
		return
	}
	l.pages.renderPage(w, http.StatusOK, proofPage(signInProof{
		Name: printableName(user.Name), Principal: user.Principal, Command: l.cfg.Command + " " + proof,
		Expires: now.Add(proofTTL).UTC().Format("15:04 UTC"),
	}))
}

// exchangeCode returns the user that the identity provider gives for the code. On false it has written the response.
func (l *linkHandler) exchangeCode(w http.ResponseWriter, r *http.Request, p pendingSignIn, code string) (User, bool) {
	ctx, cancel := context.WithTimeout(r.Context(), providerTimeout)
	defer cancel()
	user, err := l.cfg.SignIn.Finish(ctx, code, p.Nonce, p.Verifier)
	if err != nil {
		l.cfg.Log.WarnContext(ctx, "the identity provider did not confirm a sign-in that links accounts", "error", err)
		l.pages.renderMessage(w, http.StatusForbidden, "Microsoft did not confirm this sign-in.",
			"Start again with your work account. If it keeps failing, ask your scanwarden operator: the cause is in the log.", linkPath)
	}
	return user, err == nil
}

// refusalTexts explains the error codes of RFC 6749 and OpenID Connect Core that a user can act on. The accompanying
// error_description may be written by any site, so it is neither shown nor logged.
var refusalTexts = map[string]string{
	"access_denied":           "You did not sign in, or you are not allowed to use this application.",
	"consent_required":        "An administrator has to allow this application first; ask your scanwarden operator.",
	"interaction_required":    "Microsoft needs something more from you; start again and answer its questions.",
	"login_required":          "Microsoft wants you to sign in again.",
	"server_error":            "Microsoft had a fault; try again in a moment.",
	"temporarily_unavailable": "Microsoft was too busy; try again in a moment.",
}

// showRefusal writes one sentence on why Microsoft sent the browser back without a usable code.
func (l *linkHandler) showRefusal(w http.ResponseWriter, code string) {
	text, known := refusalTexts[code]
	if !known {
		text, code = "Microsoft refused the sign-in; if it keeps doing so, ask your scanwarden operator.", "other"
	}
	l.cfg.Log.Warn("the identity provider refused a sign-in that links accounts", "code", code)
	l.pages.renderMessage(w, http.StatusForbidden, "You are not signed in.", text, linkPath)
}
