package entra

import (
	"encoding/json"
	"time"
)

// Token is a bearer token.
type Token struct {
	Text    string
	Expires time.Time
}

// TokenRequest says which token is wanted. Its zero value is one from the cache.
type TokenRequest struct {
	Fresh  bool   // not the cached one: the service has refused it
	Claims string // JSON of a claims challenge that the token must answer; "" for none
}

const maxClaims = 16 << 10 // bytes of a claims challenge; they have a few hundred

// validate refuses claims that MSAL would put into a request, fail on with an error that repeats them, or (null)
// panic on.
func (r TokenRequest) validate() *Error {
	var claims map[string]json.RawMessage
	if r.Claims == "" {
		return nil
	}
	if len(r.Claims) > maxClaims || json.Unmarshal([]byte(r.Claims), &claims) != nil || claims == nil {
		return &Error{Hint: "the claims challenge is not a JSON object: decode the one in the WWW-Authenticate header from base64"}
	}
	return nil
}

// cacheBypassClaims returns the claims that make MSAL pass over the tokens in its cache, as one for a machine or a person
// does for any claims: those asked for, or an object that asks for nothing.
func (r TokenRequest) cacheBypassClaims() string {
	if r.Fresh && r.Claims == "" {
		return "{}"
	}
	return r.Claims
}
