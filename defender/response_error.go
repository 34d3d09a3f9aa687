package defender

import (
	"cmp"
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
func responseError(r request, resp response) *Error {
	body := resp.errorBody()
	e := &Error{
		Op:        r.op,
		Status:    resp.status,
		Code:      resp.code(body.Code),
		Message:   resp.message(body.Message),
		RequestID: resp.requestID(body.Target),
		Kind:      classifyResponse(r, resp),
		transient: isTransientStatus(resp.status),
	}
	if resp.status == http.StatusTooManyRequests || resp.header.Get("Retry-After") != "" {
		e.RetryAfter = retryAfter(resp, time.Now())
	}
	e.Next = adviceFor(r, e)
	if e.Kind == ErrSignIn && resp.claimsChallenge() != "" { // a second challenge, after a token for the first
		e.Next = adviceChallenge
	}
	if e.Kind == ErrSignIn {
		e.Next = cmp.Or(resp.signInAdvice, e.Next)
	}
	return e
}

// bodyError returns the Error for a response with the right status and an unusable body. message is its Message.
func bodyError(r request, resp response, message string, cause error) *Error {
	if resp.hadCredential {
		cause = withoutEcho(cause)
	}
	e := &Error{Op: r.op, Status: resp.status, Message: message, cause: cause}
	e.transient = resp.err != nil && resp.err != errTooLarge
	if r.write {
		e.Kind = ErrUncertain
	}
	e.Next = adviceFor(r, e)
	return e
}

// transportError returns the Error for a request without a response. unread means that its body was never read, which
// proves that a write was not sent.
func transportError(r request, unread bool, cause error) *Error {
	if u, ok := errors.AsType[*url.Error](cause); ok {
		cause = u.Err // without the method and URL, which the operation implies
	}
	if len(r.secrets) > 0 && !unread {
		cause = withoutEcho(cause)
	}
	e := &Error{Op: r.op, Message: "no response from Defender", cause: cause, transient: true}
	if r.write && unread {
		e.Kind = ErrNotSent
	} else if r.write {
		e.Kind = ErrUncertain
	}
	e.Next = adviceFor(r, e)
	return e
}

// classifyResponse returns the Kind for a response, or nil. It goes by the status, because message texts may change (as the
// common-errors page warns). Only a missing license is recognized by its text.
func classifyResponse(r request, resp response) error {
	switch {
	case r.write && !provesNoEffect(resp.status):
		return ErrUncertain
	case resp.isUnlicensed():
		return ErrLicense
	case resp.status == http.StatusUnauthorized:
		return ErrSignIn
	case resp.status == http.StatusForbidden:
		return ErrForbidden
	case resp.status == http.StatusNotFound:
		return ErrNotFound
	case resp.status == http.StatusTooManyRequests:
		return ErrThrottled
	case resp.status >= 400 && resp.status < 500:
		return ErrInvalid
	case resp.status >= 500 && resp.status < 600:
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
func (resp response) errorBody() errorBody {
	var in struct {
		Error   json.RawMessage
		Message string // a gateway may return {"statusCode","message"}
	}
	// Errors are ignored here and below: the members that could be decoded are kept.
	_ = json.Unmarshal(resp.body, &in)
	body := errorBody{Message: in.Message}
	if json.Unmarshal(in.Error, &body.Message) != nil {
		_ = json.Unmarshal(in.Error, &body)
	}
	return body
}

// sanitize returns a text of the service in a form that may be shown: without secrets, printable and within limit.
func (resp response) sanitize(text string, limit int) string {
	return untrusted.SanitizeText(redactSecrets(text, resp.secrets), limit)
}

// isUnlicensed reports whether resp is a 401 for a missing license, for which a new token does not help.
func (resp response) isUnlicensed() bool {
	if resp.status != http.StatusUnauthorized {
		return false
	}
	message := strings.ToLower(resp.errorBody().Message)
	return strings.Contains(message, "no tvm license") || strings.Contains(message, "account mode is inactive")
}

// retryAfter returns how long the response asks to wait from now, or defaultRetryAfter if it does not.
func retryAfter(resp response, now time.Time) time.Duration {
	if wait, ok := untrusted.RetryAfter(resp.header, now); ok {
		return wait
	}
	return defaultRetryAfter
}

// describeBody returns a message about a body that is not Defender's JSON.
func (resp response) describeBody() string {
	if resp.hadCredential {
		return fmt.Sprintf("the response is not the expected one (%d bytes)", len(resp.body))
	}
	media, _, _ := strings.Cut(resp.header.Get("Content-Type"), ";")
	return untrusted.SanitizeText(redactSecrets(fmt.Sprintf("the response is not the expected one (%d bytes of %q)", len(resp.body), media), resp.secrets), maxMessage)
}
