package defender

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Conditions a caller may branch on with errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrForbidden = errors.New("forbidden")
	ErrSignIn    = errors.New("sign-in refused")
	ErrLicence   = errors.New("licence missing") // a new token does not help
	ErrThrottled = errors.New("throttled")
	ErrInvalid   = errors.New("request refused as invalid")
	ErrServer    = errors.New("server error") // a 5xx to a read

	// ErrUncertain means that a write was sent and nobody knows whether it took effect.
	ErrUncertain = errors.New("outcome unknown")
	// ErrTokenRefused means that Defender refused the token of a write and did nothing: see [Prepared.Renew].
	ErrTokenRefused = errors.New("token refused")
	// ErrNotSent means that the request certainly never left this machine.
	ErrNotSent = errors.New("nothing was sent")
)

// Error is every failure of a call to Defender. It holds no token, no request body and no secret.
type Error struct {
	Op         string        // "list definitions", "add scan", ...
	Status     int           // 0 when there was no answer
	Code       string        // error.code; untrusted, as are Message and RequestID: bounded and made printable
	Message    string        // error.message, at most 500 characters
	RequestID  string        // error.target, the id to quote to Microsoft
	RetryAfter time.Duration // how long Defender wants to be left alone; 0 when it did not say
	Next       string        // one sentence: what to do
	Kind       error         // one of the sentinels, or nil

	cause     error
	own       bool // the cause is our own side's, in words of ours
	transient bool // a read may be tried again
}

// Error reads "op: status code: message (request ID); what to do".
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
		if e.own {
			limit = maxOwn
		}
		parts = append(parts, printable(e.cause.Error(), limit))
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

// Unwrap returns the kind and the cause, those that are there.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Kind, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// invalid is a request that is refused here, before anything is sent.
func invalid(op, format string, args ...any) *Error {
	return &Error{Op: op, Message: printable(fmt.Sprintf(format, args...), maxMessage), Kind: ErrInvalid}
}

// unsent is a call that failed before it left.
func unsent(c call, what string, cause error) *Error {
	e := &Error{Op: c.op, Message: what, cause: cause, own: true}
	if c.write {
		e.Kind = ErrNotSent
	}
	return e
}
