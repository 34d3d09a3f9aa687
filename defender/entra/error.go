package entra

import (
	"fmt"
	"strings"
	"time"
)

// Error is every failure of a sign-in but the caller's own context. It wraps nothing and quotes nothing:
// each field is checked or written here, so all of it may be shown. Errors are shared between callers: do
// not change one.
type Error struct {
	Code        string        // "AADSTS7000215"; "" when Entra ID gave none
	OAuth       string        // "invalid_client", one of the registered words; "" when it gave none of them
	Status      int           // of the HTTP answer; 0 when there was none
	Correlation string        // the id to quote to Microsoft, which is in no sentence; "" when it gave none
	RetryAfter  time.Duration // when to come back; 0 when nobody said
	Temporary   bool          // the same sign-in may succeed later
	Hint        string        // what is wrong and what to do
}

// The words of OAuth (RFC 6749, RFC 8628, OpenID Connect) that decide something here.
const (
	oauthPending       = "authorization_pending" // a person has been told what to do, and has not done it yet
	oauthDeclined      = "authorization_declined"
	oauthExpired      = "expired_token" // the code that the person was to enter
	oauthLoginRequired = "login_required"
)

// needsSignIn reports a refusal that a person can turn by signing in.
func (e *Error) needsSignIn() bool {
	switch e.OAuth {
	case oauthLoginRequired, "invalid_grant", "interaction_required", "consent_required":
		return true
	}
	return false
}

// Error is one plain sentence.
func (e *Error) Error() string {
	var text strings.Builder
	if e.OAuth == oauthPending {
		return "Entra ID waits for a person to sign in: " + e.Hint
	}
	text.WriteString("Entra ID sign-in failed")
	if parts := e.describeCodes(); parts != "" {
		text.WriteString(" (" + parts + ")")
	}
	if e.Hint != "" {
		text.WriteString(": " + e.Hint)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&text, "; try again in %v", e.RetryAfter)
	}
	return text.String()
}

// describeCodes is what a person would search the web for.
func (e *Error) describeCodes() string {
	var parts []string
	for _, part := range []string{e.Code, e.OAuth} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Status != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", e.Status))
	}
	return strings.Join(parts, ", ")
}
