package entratest

import (
	"net/http"
	"strings"
)

// exchangeOnBehalfOf exchanges the token that app was called with for one to another resource, in the name of
// the same user (the page on the on-behalf-of flow).
func (s *Server) exchangeOnBehalfOf(c *call, app App) (any, error) {
	if c.form.Get("requested_token_use") != "on_behalf_of" {
		return nil, missingParameter("requested_token_use")
	}
	if c.form.Get("assertion") == "" {
		return nil, missingParameter("assertion")
	}
	t, err := s.checkUserAssertion(c.form.Get("assertion"), app)
	if err != nil {
		return nil, err
	}
	u, err := s.findUser(t.textClaim("oid"))
	if err != nil {
		return nil, err
	}
	request, err := readScope(c.form.Get("scope"))
	if err != nil {
		return nil, err
	}
	if request.resource == "" {
		return nil, missingParameter("scope")
	}
	return s.issueToUser(c, app, u, request)
}

// checkUserAssertion returns the assertion if it is a user's access token for app, of this tenant.
func (s *Server) checkUserAssertion(assertion string, app App) (*jws, error) {
	t, err := parseJWS(assertion)
	invalid := func(code int, text string) (*jws, error) {
		return nil, newRefusal(http.StatusBadRequest, "invalid_grant", code, text)
	}
	switch {
	case err != nil:
		return invalid(50027, "The JWT token is invalid or malformed.")
	case !s.signedByPublishedKey(t) || t.textClaim("tid") != s.options.Tenant:
		return invalid(50013, "Assertion failed signature validation.")
	case !app.hasIdentifier(t.textClaim("aud")):
		return invalid(500131, "Assertion audience does not match the Client app presenting the assertion.")
	case t.isExpired(s.currentTime()) || !t.hasBegun(s.currentTime()):
		return invalid(500133, "Assertion is not within its valid time range.")
	case strings.TrimSpace(t.textClaim("scp")) == "" || t.textClaim("idtyp") == "app":
		return invalid(7000114, "Application is not allowed to make application on-behalf-of calls.")
	}
	return t, nil
}
