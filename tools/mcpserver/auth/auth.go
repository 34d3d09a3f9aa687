package auth

import (
	"net/http"

	"scanwarden/confirm"
)

// Caller is the authenticated sender of a request.
type Caller struct {
	Principal confirm.Principal // "" only for Slack's own discovery, which can list the tools and nothing else
	Groups    []string          // verified groups and roles, such as "entra-role:Scans.Approver"
	Agent     bool              // an application, or an AI agent acting for a user: can propose, never decide
	Session   string            // owner of initialize-era sessions; "" means the principal
}

// Authenticator authenticates requests.
type Authenticator interface {
	// Authenticate returns the caller that sent r. body is the whole body of r, at most 1 MiB, or nil if NeedsBody
	// returned false. An *Error is for the caller; the text of any other error belongs only in the log.
	Authenticate(r *http.Request, body []byte) (Caller, error)

	// NeedsBody reports whether Authenticate needs the body of r. Only Slack signs bodies. So only a body that may
	// be signed by Slack is read before the caller is known; all others are read after Authenticate has succeeded.
	NeedsBody(r *http.Request) bool
}

// Error is the reason why a request is refused.
type Error struct {
	Status    int    // 400, 401, 403 or 503
	Challenge string // WWW-Authenticate header; "" for none
	Reason    string // one plain sentence for the caller
	Cause     error  // belongs only in the log; nil if Reason is complete
}

// Error returns the reason alone.
func (e *Error) Error() string { return e.Reason }

// BySignature returns an Authenticator that passes requests with a Slack signature to slack, and all others to other.
func BySignature(slack, other Authenticator) Authenticator {
	return bySignature{slack: slack, other: other}
}

type bySignature struct{ slack, other Authenticator }

func (b bySignature) Authenticate(r *http.Request, body []byte) (Caller, error) {
	return b.authenticatorFor(r).Authenticate(r, body)
}

func (b bySignature) NeedsBody(r *http.Request) bool { return b.authenticatorFor(r).NeedsBody(r) }

func (b bySignature) authenticatorFor(r *http.Request) Authenticator {
	if len(r.Header.Values(slackSignature)) > 0 {
		return b.slack
	}
	return b.other
}
