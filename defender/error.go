package defender

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"scanwarden/defender/internal/untrusted"
)

// Conditions that a caller can distinguish with errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrForbidden = errors.New("forbidden")
	ErrSignIn    = errors.New("sign-in refused")
	ErrLicense   = errors.New("license missing") // a new token does not help
	ErrThrottled = errors.New("throttled")
	ErrInvalid   = errors.New("request refused as invalid")
	ErrServer    = errors.New("server error") // a 5xx for a read

	// ErrUncertain means that a write was sent and that it is unknown whether it took effect.
	ErrUncertain = errors.New("outcome unknown")
	// ErrTokenRefused means that Defender refused the token of a write and changed nothing; see [Prepared.Renew].
	ErrTokenRefused = errors.New("token refused")
	// ErrNotSent means that the request was certainly never sent.
	ErrNotSent = errors.New("nothing was sent")
)

// Error is the error of every method that calls Defender. It contains no token, no request body and no secret.
type Error struct {
	Op         string        // "list definitions", "add scan", ...
	Status     int           // HTTP status; 0 if there was no response
	Code       string        // error.code; like Message and RequestID untrusted, but sanitized and bounded
	Message    string        // error.message, at most 500 characters
	RequestID  string        // error.target, the id to quote to Microsoft
	RetryAfter time.Duration // how long Defender asks to wait; 0 if it does not
	Next       string        // one sentence: what to do
	Kind       error         // one of the Err variables, or nil

	cause     error
	ownCause  bool // the cause is an error of this program, not of the service or the network
	transient bool // a read may be retried
}

// Error returns "op: status code: message (request ID); what to do".
func (e *Error) Error() string {
	var parts []string
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprint(e.Status, " ", cmp.Or(e.Code, http.StatusText(e.Status)))))
	}
	if e.Kind != nil && (e.Status == 0 || e.Kind == ErrUncertain) {
		parts = append(parts, e.Kind.Error())
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.cause != nil {
		limit := maxMessage
		if e.ownCause {
			limit = maxOwnText
		}
		parts = append(parts, untrusted.SanitizeText(e.cause.Error(), limit))
	}
	text := strings.Join(parts, ": ")
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	if e.Next != "" {
		text += "; " + e.Next
	}
	return text
}

// Unwrap returns the kind and the cause, without nils.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Kind, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// invalidError returns the Error for a request that is refused before anything is sent.
func invalidError(op, format string, args ...any) *Error {
	return &Error{Op: op, Message: untrusted.SanitizeText(fmt.Sprintf(format, args...), maxMessage), Kind: ErrInvalid}
}

// notSentError returns the Error for a request that failed before it was sent.
func notSentError(r request, message string, cause error) *Error {
	e := &Error{Op: r.op, Message: message, cause: cause, ownCause: true}
	if r.write {
		e.Kind = ErrNotSent
	}
	return e
}
