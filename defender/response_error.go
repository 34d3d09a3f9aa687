package defender

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"scanwarden/defender/internal/untrusted"
)

// defaultRetryAfter is the wait after a 429 without a usable Retry-After.
const defaultRetryAfter = 60 * time.Second

// responseError returns the Error for a response that is not the expected success. It has the status, whatever the body
// is.
func responseError(c request, a response) *Error {
	body := a.errorBody()
	e := &Error{
		Op:        c.op,
		Status:    a.status,
		Code:      a.sanitize(body.Code, maxName),
		Message:   a.sanitize(body.Message, maxMessage),
		RequestID: a.sanitize(body.Target, maxName),
		Kind:      classifyResponse(c, a),
		transient: isTransientStatus(a.status),
	}
	if a.status == http.StatusTooManyRequests || a.header.Get("Retry-After") != "" {
		e.RetryAfter = retryAfter(a, time.Now())
	}
	e.Next = adviceFor(c, e)
	if e.Kind == ErrSignIn && a.claimsChallenge() != "" { // a second challenge, after a token for the first
		e.Next = adviceChallenge
	}
	return e
}

// bodyError returns the Error for a response with the right status and an unusable body. message is its Message.
func bodyError(c request, a response, message string, cause error) *Error {
	e := &Error{Op: c.op, Status: a.status, Message: message, cause: cause}
	e.transient = a.err != nil && a.err != errTooLarge
	if c.write {
		e.Kind = ErrUncertain
	}
	e.Next = adviceFor(c, e)
	return e
}

// transportError returns the Error for a request without a response. unread means that its body was never read, which
// proves that a write was not sent.
func transportError(c request, unread bool, cause error) *Error {
	if u, ok := errors.AsType[*url.Error](cause); ok {
		cause = u.Err // without the method and URL, which the operation implies
	}
	e := &Error{Op: c.op, Message: "no response from Defender", cause: cause, transient: true}
	if c.write && unread {
		e.Kind = ErrNotSent
	} else if c.write {
		e.Kind = ErrUncertain
	}
	e.Next = adviceFor(c, e)
	return e
}

// classifyResponse returns the Kind for a response, or nil. It goes by the status, because message texts may change (as the
// common-errors page warns). Only a missing license is recognized by its text.
func classifyResponse(c request, a response) error {
	switch {
	case c.write && !provesNoEffect(a.status):
		return ErrUncertain
	case a.isUnlicensed():
		return ErrLicense
	case a.status == http.StatusUnauthorized:
		return ErrSignIn
	case a.status == http.StatusForbidden:
		return ErrForbidden
	case a.status == http.StatusNotFound:
		return ErrNotFound
	case a.status == http.StatusTooManyRequests:
		return ErrThrottled
	case a.status >= 400 && a.status < 500:
		return ErrInvalid
	case a.status >= 500 && a.status < 600:
		return ErrServer
	}
	return nil
}

// provesNoEffect reports whether a status proves that a write changed nothing. A 408 does not: a gateway may time out while
// the service continues. Nor does a redirect, which may follow a success.
func provesNoEffect(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout
}

// isTransientStatus reports whether a read with this status may be retried.
func isTransientStatus(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// errorBody is the body of an error: {"error":{"code","message","target"}}, where target is the correlation id.
type errorBody struct{ Code, Message, Target string }

// errorBody returns the body as an error, with "" for the members that it does not have. A proxy's HTML page has none.
func (a response) errorBody() errorBody {
	var in struct {
		Error   json.RawMessage
		Message string // a gateway may return {"statusCode","message"}
	}
	// Errors are ignored here and below: the members that could be decoded are kept.
	_ = json.Unmarshal(a.body, &in)
	body := errorBody{Message: in.Message}
	if json.Unmarshal(in.Error, &body.Message) != nil {
		_ = json.Unmarshal(in.Error, &body)
	}
	return body
}

// sanitize returns a text of the service in a form that may be shown: without secrets, printable and within limit.
func (a response) sanitize(text string, limit int) string {
	return untrusted.SanitizeText(redactSecrets(text, a.secrets), limit)
}

// isUnlicensed reports whether a is a 401 for a missing license, for which a new token does not help.
func (a response) isUnlicensed() bool {
	if a.status != http.StatusUnauthorized {
		return false
	}
	message := strings.ToLower(a.errorBody().Message)
	return strings.Contains(message, "no tvm license") || strings.Contains(message, "account mode is inactive")
}

// retryAfter returns how long the response asks to wait from now, or defaultRetryAfter if it does not.
func retryAfter(a response, now time.Time) time.Duration {
	if wait, ok := untrusted.RetryAfter(a.header, now); ok {
		return wait
	}
	return defaultRetryAfter
}

// describeBody returns a message about a body that is not Defender's JSON.
func (a response) describeBody() string {
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return untrusted.SanitizeText(redactSecrets(fmt.Sprintf("the response is not the expected one (%d bytes of %q)", len(a.body), media), a.secrets), maxMessage)
}
