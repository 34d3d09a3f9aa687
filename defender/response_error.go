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

// responseError turns an answer that is not the expected success into an Error. The status always survives, whatever
// the body is.
func responseError(c request, a response) *Error {
	said := a.errorBody()
	e := &Error{
		Op:        c.op,
		Status:    a.status,
		Code:      a.sanitize(said.Code, maxName),
		Message:   a.sanitize(said.Message, maxMessage),
		RequestID: a.sanitize(said.Target, maxName),
		Kind:      classifyResponse(c, a),
		transient: isTransientStatus(a.status),
	}
	if a.status == http.StatusTooManyRequests || a.header.Get("Retry-After") != "" {
		e.RetryAfter = retryAfter(a, time.Now())
	}
	e.Next = adviceFor(c, e)
	if e.Kind == ErrSignIn && a.claimsChallenge() != "" { // the one before it was answered in vain
		e.Next = adviceChallenge
	}
	return e
}

// bodyError is an answer of the right status whose body cannot be used.
func bodyError(c request, a response, what string, cause error) *Error {
	e := &Error{Op: c.op, Status: a.status, Message: what, cause: cause}
	e.transient = a.err != nil && a.err != errTooLarge
	if c.write {
		e.Kind = ErrUncertain
	}
	e.Next = adviceFor(c, e)
	return e
}

// transportError is a request that went out, or was about to, and got no answer.
func transportError(c request, unread bool, cause error) *Error {
	if u, ok := errors.AsType[*url.Error](cause); ok {
		cause = u.Err // the method and URL it adds are no news
	}
	e := &Error{Op: c.op, Message: "no answer from Defender", cause: cause, transient: true}
	if c.write && unread {
		e.Kind = ErrNotSent
	} else if c.write {
		e.Kind = ErrUncertain
	}
	e.Next = adviceFor(c, e)
	return e
}

// classifyResponse sorts an answer by its status; message texts may change (as the common-errors page warns), and only
// the licence refusal has nothing else to be known by.
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

// provesNoEffect reports whether a status proves that a write did nothing. A 408 does not: a gateway may give up on a
// request that goes on behind it. Nor does a redirect, which may follow a success.
func provesNoEffect(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout
}

func isTransientStatus(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// errorBody is the error body: {"error":{"code","message","target"}}, where target is the correlation id.
type errorBody struct{ Code, Message, Target string }

// errorBody reads the body as far as it is one. Anything else, an HTML page of a proxy above all, says nothing.
func (a response) errorBody() errorBody {
	var in struct {
		Error   json.RawMessage
		Message string // a gateway in front may answer {"statusCode","message"}
	}
	// Errors are ignored here and below: what did decode is kept, and the status speaks for the rest.
	_ = json.Unmarshal(a.body, &in)
	said := errorBody{Message: in.Message}
	if json.Unmarshal(in.Error, &said.Message) != nil {
		_ = json.Unmarshal(in.Error, &said)
	}
	return said
}

// sanitize makes a text of the service fit to be repeated.
func (a response) sanitize(text string, limit int) string {
	return untrusted.SanitizeText(redactSecrets(text, a.secrets), limit)
}

// isUnlicensed reports a 401 that no token cures.
func (a response) isUnlicensed() bool {
	if a.status != http.StatusUnauthorized {
		return false
	}
	said := strings.ToLower(a.errorBody().Message)
	return strings.Contains(said, "no tvm license") || strings.Contains(said, "account mode is inactive")
}

// retryAfter returns how long the response asks to wait from now, or defaultRetryAfter if it does not.
func retryAfter(a response, now time.Time) time.Duration {
	if wait, ok := untrusted.RetryAfter(a.header, now); ok {
		return wait
	}
	return defaultRetryAfter
}

// describeBody names a body that is not Defender's JSON.
func (a response) describeBody() string {
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return untrusted.SanitizeText(redactSecrets(fmt.Sprintf("the answer is not the expected one (%d bytes of %q)", len(a.body), media), a.secrets), maxMessage)
}
