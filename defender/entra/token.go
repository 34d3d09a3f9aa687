package entra

import (
	"encoding/json"
	"time"
)

// Token is an access token.
type Token struct {
	Text    string
	Expires time.Time
}

// TokenRequest selects a token. The zero value accepts one from the cache.
type TokenRequest struct {
	Fresh  bool   // do not return the cached token, because the service refused it
	Claims string // JSON of a claims challenge that the token must satisfy; "" for none
}

const maxClaims = 16 << 10 // bytes of a claims challenge; real ones have a few hundred

// validate reports claims that are not a JSON object. MSAL would repeat malformed claims in an error, and panic
// on null.
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

// cacheBypassClaims returns claims that make MSAL bypass its cache, or "". The managed identity and user
// clients do so for any claims, so an empty object serves for a fresh token.
func (r TokenRequest) cacheBypassClaims() string {
	if r.Fresh && r.Claims == "" {
		return "{}"
	}
	return r.Claims
}
