package entratest

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// signInAnswer is what the user does at a sign-in page: nothing, sign in, or decline.
type signInAnswer struct {
	user     string
	declines bool
}

// code is an authorization code that was issued.
type code struct {
	app, user, redirect, challenge string
	request                        scopeRequest
	expires                        time.Time
	redeemed                       bool
}

// codeLifetime is how long a code is valid; the page on the flow mentions about ten minutes.
const codeLifetime = 10 * time.Minute

// SignIn makes this user sign in with every browser that reaches the authorize endpoint. "" means that no user
// answers.
func (s *Server) SignIn(objectID string) { s.setBrowser(signInAnswer{user: objectID}) }

// DeclineSignIn makes every browser's user decline from now on. The app gets access_denied.
func (s *Server) DeclineSignIn() { s.setBrowser(signInAnswer{declines: true}) }

func (s *Server) setBrowser(b signInAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browser = b
}

// handleAuthorize serves the address that a browser is sent to. A wrong client or redirect URI is shown to the
// user and never sent to that address, which may be an attacker's (RFC 6749, 4.1.2.1).
func (s *Server) handleAuthorize(c *call) (any, error) {
	app, err := s.findApp(c.form.Get("client_id"))
	if err != nil {
		return s.errorPage(c, err), nil
	}
	redirect := c.form.Get("redirect_uri")
	if !app.allowsRedirect(redirect) {
		return s.errorPage(c, newRefusal(http.StatusBadRequest, "invalid_request", 50011,
			"The redirect URI '"+redirect+"' specified in the request does not match the redirect URIs configured for the application.")), nil
	}
	values, err := s.issueCode(c, app)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		c.code = refused.code
		values = url.Values{"error": {cmp.Or(refused.subError, refused.word)}, "error_description": {refused.Error()}}
	}
	if values == nil {
		return page{status: http.StatusOK, html: "<!doctype html><title>Sign in</title><p>No user is at this browser: the test must call SignIn."}, nil
	}
	if state := c.form.Get("state"); state != "" {
		values.Set("state", state)
	}
	return redirectPage(redirect, c.form.Get("response_mode"), values), nil
}

// issueCode returns the parameters to send back: a code, or nil if no user answers.
func (s *Server) issueCode(c *call, app App) (url.Values, error) {
	invalid := func(code int, text string) (url.Values, error) {
		return nil, newRefusal(http.StatusBadRequest, "invalid_request", code, text)
	}
	request, err := readScope(c.form.Get("scope"))
	challenge, method := c.form.Get("code_challenge"), c.form.Get("code_challenge_method")
	switch {
	case c.form.Get("response_type") != "code":
		return nil, newRefusal(http.StatusBadRequest, "unsupported_response_type", 700054, "The response_type is not enabled for the application.")
	case err != nil:
		return nil, err
	case c.form.Get("scope") == "":
		return invalid(900144, missingParameter("scope").text)
	case challenge != "" && method != "S256", challenge == "" && method != "":
		return invalid(9002313, "Invalid request: the code challenge must come with the method S256.")
	case challenge != "" && len(challenge) != base64.RawURLEncoding.EncodedLen(sha256.Size):
		return invalid(501491, "Invalid size of code_challenge parameter.")
	case s.browser.declines:
		return nil, newRefusal(http.StatusBadRequest, "access_denied", 65004, "User declined to consent to access the app.")
	case s.browser.user == "" && c.form.Get("prompt") == "none":
		return nil, newRefusal(http.StatusBadRequest, "login_required", 50058, "A silent sign-in request was sent but no user is signed in.")
	case s.browser.user == "":
		return nil, nil
	}
	if _, _, err := s.checkConsent(app, request); err != nil {
		return nil, err
	}
	request.nonce = c.form.Get("nonce")
	if request.context, err = readContext(c.form.Get("claims")); err != nil {
		return nil, err
	}
	issued := s.nextID("fake-authorization-code-")
	s.codes[issued] = &code{
		app: app.ClientID, user: s.browser.user, redirect: c.form.Get("redirect_uri"), challenge: challenge,
		request: request, expires: s.currentTime().Add(codeLifetime),
	}
	return url.Values{"code": {issued}, "session_state": {deriveGUID(issued)}}, nil
}

// redeemCode exchanges a code for tokens, once.
func (s *Server) redeemCode(c *call, app App) (any, error) {
	invalid := func(code int, text string) (any, error) {
		return nil, newRefusal(http.StatusBadRequest, "invalid_grant", code, text)
	}
	held := s.codes[c.form.Get("code")]
	switch {
	case c.form.Get("code") == "":
		return nil, missingParameter("code")
	case held == nil || held.app != app.ClientID:
		return invalid(70000, "The provided authorization code is not valid.")
	case held.redeemed:
		return invalid(54005, "OAuth2 Authorization code was already redeemed.")
	case !s.currentTime().Before(held.expires):
		return invalid(70008, "The provided authorization code has expired.")
	case c.form.Get("redirect_uri") != held.redirect:
		return nil, newRefusal(http.StatusBadRequest, "invalid_client", 500112, "The reply address does not match the one provided when requesting the authorization code.")
	case !held.matchesVerifier(c.form.Get("code_verifier")):
		return invalid(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	held.redeemed = true
	u, err := s.findUser(held.user)
	if err != nil {
		return nil, err
	}
	return s.issueToUser(c, app, u, held.request)
}

// matchesVerifier reports whether the verifier belongs to the challenge (RFC 7636, 4.6).
func (k *code) matchesVerifier(verifier string) bool {
	if k.challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(k.challenge)) == 1
}
