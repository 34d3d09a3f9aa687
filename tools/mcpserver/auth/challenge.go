package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// bearerToken takes the token from the one place where it may be (RFC 6750 section 2.1).
func (e *entraAuthenticator) bearerToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	switch {
	case r.URL.Query().Has("access_token"):
		return "", e.malformedRequest("send the token in the Authorization header: a URL ends up in logs; get a new one, for this one has been seen")
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

func (e *entraAuthenticator) malformedRequest(why string) *Error {
	return e.challengeError(http.StatusBadRequest, "invalid_request", why)
}

// signInRequired names no error, as RFC 6750 section 3 asks for a request that tried nothing.
func (e *entraAuthenticator) signInRequired() *Error {
	return e.challengeError(http.StatusUnauthorized, "", "sign in with Microsoft Entra ID, and send the access token as `Authorization: Bearer TOKEN`")
}

func (e *entraAuthenticator) invalidToken(why string) *Error {
	return e.challengeError(http.StatusUnauthorized, "invalid_token", why)
}

func (e *entraAuthenticator) insufficientScope() *Error {
	return e.challengeError(http.StatusForbidden, "insufficient_scope",
		"a person's token needs the scope Scans.Use, and an application's own the app role Scans.Use.All; ask an administrator of the tenant to grant it")
}

// errGuest has no challenge: no other token would help.
var errGuest = &Error{
	Status: http.StatusForbidden,
	Reason: "guests of the tenant cannot use scanwarden; ask a member of it (an account from elsewhere that is a member is told by the optional claim acct)",
}

// keysUnavailable is no fault of the caller's: a client that were told 401 would throw its token away.
func keysUnavailable(cause error) *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Cause: cause,
		Reason: "Entra's signing keys cannot be fetched, so no token can be checked; try again in a minute",
	}
}

// challengeError words a challenge: where to sign in (RFC 9728 section 5.1), for what, and what was wrong (RFC 6750 section 3).
func (e *entraAuthenticator) challengeError(status int, code, why string) *Error {
	challenge := "Bearer " + authParam("resource_metadata", e.metadataURL) + ", " + authParam("scope", e.scope())
	if code != "" {
		challenge += ", " + authParam("error", code) + ", " + authParam("error_description", why)
	}
	return &Error{Status: status, Challenge: challenge, Reason: why}
}

// authParam quotes a value; what cannot stand in one (RFC 6750 section 3) is left out.
func authParam(name, value string) string {
	plain := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, value)
	return name + `="` + plain + `"`
}

// tokenProblem says in one sentence what is wrong with a token, in words that hold nothing of it.
func tokenProblem(err error) string {
	for _, known := range []struct {
		is  error
		say string
	}{
		{jwt.ErrTokenExpired, "the token has expired; sign in again"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet; check the clock of this server"},
		{jwt.ErrTokenInvalidAudience, "the token was issued for another service; ask for one with the scope of this server"},
		{jwt.ErrTokenInvalidIssuer, "the token was not issued by Entra v2 in the tenant of this server; sign in there, and set requestedAccessTokenVersion to 2 in the app registration of this server"},
		{jwt.ErrTokenMalformed, "the token is not a JSON web token; send the access token as it was issued"},
	} {
		if errors.Is(err, known.is) {
			return known.say
		}
	}
	return "the token is not one that Entra has signed for this server; sign in again"
}
