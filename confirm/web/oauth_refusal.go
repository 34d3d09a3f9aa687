package web

import "net/http"

// showFailure writes a page for an error that the user did not cause, and logs the cause.
func (f *oauthFlow) showFailure(w http.ResponseWriter, what string, err error) {
	f.Log.Error(what, "error", err)
	f.pages.renderMessage(w, http.StatusServiceUnavailable, "This did not work.",
		"Please try again in a moment. If it keeps failing, ask your scanwarden operator: the cause is in the log.", f.Path)
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
func (f *oauthFlow) showRefusal(w http.ResponseWriter, code string) {
	text, known := refusalTexts[code]
	if !known {
		text, code = "Microsoft refused the sign-in; if it keeps doing so, ask your scanwarden operator.", "other"
	}
	f.Log.Warn("the identity provider refused a sign-in that "+f.Does, "code", code)
	f.pages.renderMessage(w, http.StatusForbidden, "You are not signed in.", text, f.Path)
}
