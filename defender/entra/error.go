package entra

import (
	"fmt"
	"strings"
	"time"
)

// Error describes a failed sign-in. Every failure has this type, except the end of the caller's own context. It
// wraps nothing and quotes nothing: each field is checked or written in this package, so all of it may be
// shown. Callers share errors and must not change them.
type Error struct {
	Code        string        // such as "AADSTS7000215"; "" when Entra ID sent none
	OAuth       string        // such as "invalid_client", one of the registered words; "" when Entra ID sent none of them
	Status      int           // of the HTTP response; 0 when there was none
	Correlation string        // the id to quote to Microsoft, not part of Error's text; "" when Entra ID sent none
	RetryAfter  time.Duration // when to try again; 0 when Entra ID named no time
	Temporary   bool          // reports whether the same sign-in may succeed later
	Hint        string        // what is wrong and what to do
}

// The OAuth error words (RFC 6749, RFC 8628, OpenID Connect) that change the flow.
const (
	oauthPending       = "authorization_pending" // the user has been shown an instruction and has not followed it yet
	oauthDeclined      = "authorization_declined"
	oauthExpired       = "expired_token" // the device code expired before it was entered
	oauthLoginRequired = "login_required"
)

// needsSignIn reports whether a user's sign-in may resolve the error.
func (e *Error) needsSignIn() bool {
	switch e.OAuth {
	case oauthLoginRequired, "invalid_grant", "interaction_required", "consent_required":
		return true
	}
	return false
}

// Error returns one plain sentence.
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

// describeCodes returns the codes that a user can search the web for.
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
