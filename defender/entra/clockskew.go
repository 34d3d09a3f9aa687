package entra

import (
	"fmt"
	"net/http"
	"time"
)

const maxClockSkew = 5 * time.Minute // more than Entra ID tolerates in a signed assertion

// expiredError returns the error for a token that was expired on arrival. Tokens of managed identities carry a
// date, so a wrong clock shows there.
func expiredError(now time.Time) *Error {
	return &Error{Hint: "the token had expired when it came: check this machine's clock, which shows " + formatTime(now)}
}

// msalExpiredText is the whole text of MSAL's untyped error for a user's token that ends within five minutes.
// MSAL neither caches nor returns such a token in the on-behalf-of flow.
const msalExpiredText = "access token is expired"

func shortLivedError(now time.Time) *Error {
	return &Error{Hint: "the user's token had expired when it came, or was about to: check this machine's clock, which shows " +
		formatTime(now) + ", and that the app's tokens live longer than five minutes"}
}

func formatTime(now time.Time) string { return now.UTC().Format("2006-01-02 15:04") + " UTC" }

// skewHint returns the end of a hint if this machine's clock differs from the sender's by more than
// maxClockSkew. It returns "" if the clocks agree or the response has no Date header.
func skewHint(h http.Header) string {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return ""
	}
	switch off := time.Since(date).Round(time.Minute); {
	case off > maxClockSkew:
		return fmt.Sprintf("; this machine's clock is %v ahead of Entra ID's: set it right first", off)
	case off < -maxClockSkew:
		return fmt.Sprintf("; this machine's clock is %v behind Entra ID's: set it right first", -off)
	}
	return ""
}
