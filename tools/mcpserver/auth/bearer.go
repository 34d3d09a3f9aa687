package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"scanwarden/confirm"
)

// BearerTokens returns an Authenticator for bearer tokens of this server. sums has the SHA-256 sum of each
// principal's token. The callers with the principals in agents are marked as an Agent.
func BearerTokens(sums map[confirm.Principal][sha256.Size]byte, agents ...confirm.Principal) Authenticator {
	return bearerTokens{sums, agents}
}

type bearerTokens struct {
	sums   map[confirm.Principal][sha256.Size]byte
	agents []confirm.Principal
}

func (t bearerTokens) Authenticate(r *http.Request, _ []byte) (Caller, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 { // a proxy in front could have checked another one
		return Caller{}, &Error{Status: http.StatusBadRequest, Reason: "send one Authorization header"}
	}
	scheme, token, _ := strings.Cut(strings.Join(headers, ""), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	var found confirm.Principal
	for principal, want := range t.sums { // compares with all sums, so that the duration reveals nothing
		if subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			found = principal
		}
	}
	if found == "" || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, t.unauthorized(token != "" && strings.EqualFold(scheme, "Bearer"))
	}
	return Caller{Principal: found, Agent: slices.Contains(t.agents, found)}, nil
}

func (t bearerTokens) NeedsBody(*http.Request) bool { return false }

// unauthorized returns the error for a request without a valid token. Its challenge has no error code unless a token
// was sent, as RFC 6750 section 3 requires.
func (t bearerTokens) unauthorized(tokenSent bool) *Error {
	e := &Error{Status: http.StatusUnauthorized, Challenge: `Bearer realm="scanwarden"`}
	switch {
	case len(t.sums) == 0:
		e.Challenge = ""
		e.Reason = "this server accepts no calls over HTTP; ask its operator to set SCANWARDEN_HTTP_TOKEN, or SCANWARDEN_HTTP_AUTH to entra"
	case tokenSent:
		e.Reason = "this server did not issue the token; copy it again, or ask the operator for one"
		e.Challenge += ", " + authParam("error", "invalid_token") + ", " + authParam("error_description", e.Reason)
	default:
		e.Reason = "send a token of this server as `Authorization: Bearer TOKEN`"
	}
	return e
}

// Anonymous returns an Authenticator that accepts every request as one principal.
func Anonymous(p confirm.Principal) Authenticator { return anonymous(p) }

type anonymous confirm.Principal

func (a anonymous) Authenticate(*http.Request, []byte) (Caller, error) {
	return Caller{Principal: confirm.Principal(a)}, nil
}

func (a anonymous) NeedsBody(*http.Request) bool { return false }
