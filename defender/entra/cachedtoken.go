package entra

import (
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	expiryMargin      = 5 * time.Minute // before expiry MSAL drops a token
	refreshRetryDelay = time.Minute     // after a failed early refresh
)

// cachedToken is the last token from MSAL.
type cachedToken struct {
	token   Token
	renewAt time.Time // when to ask MSAL again
}

// newCachedToken returns the token in r. It accepts the result of every MSAL client, because they share the
// type.
func newCachedToken(r public.AuthResult) (*cachedToken, *Error) {
	now := time.Now()
	if !r.ExpiresOn.After(now) {
		return nil, expiredError(now)
	}
	until := r.ExpiresOn.Add(-expiryMargin)
	if refresh := r.Metadata.RefreshOn; !refresh.IsZero() {
		// A past time means that MSAL has just failed to refresh and returned a token that is still valid.
		if soon := now.Add(refreshRetryDelay); refresh.Before(soon) {
			refresh = soon
		}
		if refresh.Before(until) {
			until = refresh
		}
	}
	return &cachedToken{token: Token{Text: r.AccessToken, Expires: r.ExpiresOn}, renewAt: until}, nil
}

// isUsable reports whether the token can be handed out without asking MSAL. It is false for nil.
func (s *cachedToken) isUsable() bool { return s != nil && time.Now().Before(s.renewAt) }
