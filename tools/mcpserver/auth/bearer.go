package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"scanwarden/confirm"
)

// BearerTokens admits bearer tokens, known by their SHA-256 sums, by whom they stand for.
func BearerTokens(sums map[confirm.Principal][sha256.Size]byte) Authenticator {
	return bearerTokens(sums)
}

type bearerTokens map[confirm.Principal][sha256.Size]byte

func (t bearerTokens) Authenticate(r *http.Request, _ []byte) (Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	var who confirm.Principal
	for principal, want := range t { // all of them, so that time tells nothing
		if subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			who = principal
		}
	}
	if who == "" || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, t.unauthorized(token != "" && strings.EqualFold(scheme, "Bearer"))
	}
	return Caller{Principal: who}, nil
}

// unauthorized names no error where nothing was tried, as RFC 6750 section 3 asks.
func (t bearerTokens) unauthorized(tried bool) *Error {
	d := &Error{Status: http.StatusUnauthorized, Challenge: `Bearer realm="scanwarden"`}
	switch {
	case len(t) == 0:
		d.Challenge = ""
		d.Reason = "this server lets nobody in over HTTP; have its operator set SCANWARDEN_HTTP_TOKEN, or SCANWARDEN_HTTP_AUTH to entra"
	case tried:
		d.Reason = "the token is none of this server's; copy it again, or have the operator give you one"
		d.Challenge += ", " + authParam("error", "invalid_token") + ", " + authParam("error_description", d.Reason)
	default:
		d.Reason = "send a token of this server as `Authorization: Bearer TOKEN`"
	}
	return d
}

// Anonymous admits everybody as one principal.
func Anonymous(p confirm.Principal) Authenticator { return anonymous(p) }

type anonymous confirm.Principal

func (a anonymous) Authenticate(*http.Request, []byte) (Caller, error) {
	return Caller{Principal: confirm.Principal(a)}, nil
}
