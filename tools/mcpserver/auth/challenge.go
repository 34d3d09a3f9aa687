package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// bearerToken returns the token from the Authorization header, the only place where it is accepted (RFC 6750
// section 2.1).
func (e *entraAuthenticator) bearerToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	switch {
	case r.URL.Query().Has("access_token"):
		return "", e.malformedRequest("send the token in the Authorization header, never in the URL, which is logged; get a new token, because this one may have been recorded")
	case len(headers) > 1:
		return "", e.malformedRequest("send one Authorization header")
	case len(headers) == 0:
		return "", e.signInRequired()
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", e.signInRequired()
	}
	return token, nil
}

func (e *entraAuthenticator) malformedRequest(reason string) *Error {
	return e.challengeError(http.StatusBadRequest, "invalid_request", reason)
}

// signInRequired returns the error for a request without a token. Its challenge has no error code, as RFC 6750
// section 3 requires.
func (e *entraAuthenticator) signInRequired() *Error {
	return e.challengeError(http.StatusUnauthorized, "", "sign in with Microsoft Entra ID, and send the access token as `Authorization: Bearer TOKEN`")
}

func (e *entraAuthenticator) invalidToken(reason string) *Error {
	return e.challengeError(http.StatusUnauthorized, "invalid_token", reason)
}

func (e *entraAuthenticator) insufficientScope() *Error {
	return e.challengeError(http.StatusForbidden, "insufficient_scope",
		"a user's token needs the scope Scans.Use, and an application's own token the app role Scans.Use.All; ask an administrator of the tenant to grant it")
}

// errGuest has no challenge, because no other token would help.
var errGuest = &Error{
	Status: http.StatusForbidden,
	Reason: "guests of the tenant cannot use scanwarden; ask a member of the tenant (the optional claim acct identifies a member whose account is from another tenant)",
}

// keysUnavailable returns the error for a token that cannot be verified now. The status is not 401, because a
// client would discard its token.
func keysUnavailable(cause error) *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Cause: cause,
		Reason: "Entra's signing keys cannot be fetched, so no token can be verified; try again in a minute",
	}
}

// challengeError returns an Error with a challenge that names where to sign in (RFC 9728 section 5.1), the scope,
// and the error (RFC 6750 section 3). An empty code adds no error.
func (e *entraAuthenticator) challengeError(status int, code, reason string) *Error {
	challenge := "Bearer " + authParam("resource_metadata", e.metadataURL) + ", " + authParam("scope", e.scope())
	if code != "" {
		challenge += ", " + authParam("error", code) + ", " + authParam("error_description", reason)
	}
	return &Error{Status: status, Challenge: challenge, Reason: reason}
}

// authParam returns name="value" without characters that RFC 6750 section 3 does not allow in a value.
func authParam(name, value string) string {
	plain := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, value)
	return name + `="` + plain + `"`
}

// tokenProblem returns one sentence on why a token is invalid. It contains nothing of the token.
func tokenProblem(err error) string {
	for _, known := range []struct {
		err    error
		reason string
	}{
		{jwt.ErrTokenExpired, "the token has expired; sign in again"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet; check the clock of this server"},
		{jwt.ErrTokenInvalidAudience, "the token was issued for another service; ask for one with the scope of this server"},
		{jwt.ErrTokenInvalidIssuer, "the token was not issued by Entra v2 in the tenant of this server; sign in there, and set requestedAccessTokenVersion to 2 in the app registration of this server"},
		{jwt.ErrTokenMalformed, "the token is not a JSON web token; send the access token as it was issued"},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return "the token was not signed by Entra for this server; sign in again"
}
