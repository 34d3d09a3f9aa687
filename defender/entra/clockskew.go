package entra

import (
	"fmt"
	"net/http"
	"time"
)

const drift = 5 * time.Minute // more than Entra ID forgives a signed assertion

// expired is said of a token whose end is past when it comes: those of managed identities carry a date.
func expired(now time.Time) *Error {
	return &Error{Hint: "the token had expired when it came: check this machine's clock, which shows " + shown(now)}
}

// spent is the whole text of MSAL's untyped error for a user's token that ends within five minutes: it keeps
// none such on behalf of users, and hands none over.
const spent = "access token is expired"

func tooShort(now time.Time) *Error {
	return &Error{Hint: "the user's token had expired when it came, or was about to: check this machine's clock, which shows " +
		shown(now) + ", and that the app's tokens live longer than five minutes"}
}

func shown(now time.Time) string { return now.UTC().Format("2006-01-02 15:04") + " UTC" }

// clock says how far our clock is from that of who answered, "" when it is near enough or nobody knows.
func clock(h http.Header) string {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return ""
	}
	switch off := time.Since(date).Round(time.Minute); {
	case off > drift:
		return fmt.Sprintf("; this machine's clock is %v ahead of Entra ID's: set it right first", off)
	case off < -drift:
		return fmt.Sprintf("; this machine's clock is %v behind Entra ID's: set it right first", -off)
	}
	return ""
}
