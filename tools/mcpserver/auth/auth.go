package auth

import (
	"net/http"

	"scanwarden/confirm"
)

// Caller is who sent a request.
type Caller struct {
	Principal confirm.Principal // "" only for Slack's own discovery, which may list tools and nothing else
	Groups    []string          // "entra-role:Scans.Approver"
	Agent     bool              // an application, or an AI agent acting for a person: may ask, never decide
	Session   string            // what initialize-era sessions are bound to; "" means the principal
}

// Authenticator tells who sent a request, whose body is read already and at most 1 MiB. An error is a *Denial, or one that
// only the log may see.
type Authenticator interface {
	Authenticate(r *http.Request, body []byte) (Caller, error)
}

// Error is a request that is not let in.
type Error struct {
	Status    int    // 400, 401, 403 or 503
	Challenge string // WWW-Authenticate; "" where there is none
	Reason    string // one plain sentence
	Cause     error  // what only the log may see; nil where Reason says it all
}

// Error returns the reason alone.
func (d *Error) Error() string { return d.Reason }

// NeedsBody reports whether k has to see the body of r to tell who sent it. Only Slack signs bodies, so only what
// looks signed by Slack is worth reading for a stranger; of anybody else, Admit is to be asked before the body is
// read, with a nil one. A Keeper from elsewhere is taken to need it.
func NeedsBody(k Authenticator, r *http.Request) bool {
	switch k := k.(type) {
	case bearerTokens, anonymous, *entraAuthenticator:
		return false
	case *slackAssistant:
		return hasFreshSignature(r.Header)
	case bySignature:
		return NeedsBody(k.authenticatorFor(r), r)
	}
	return true
}

// BySignature asks slack about requests that carry a Slack signature, and other about the rest.
func BySignature(slack, other Authenticator) Authenticator {
	return bySignature{slack: slack, other: other}
}

type bySignature struct{ slack, other Authenticator }

// Authenticate implements Keeper.
func (e bySignature) Authenticate(r *http.Request, body []byte) (Caller, error) {
	return e.authenticatorFor(r).Authenticate(r, body)
}

func (e bySignature) authenticatorFor(r *http.Request) Authenticator {
	if len(r.Header.Values(slackSignature)) > 0 {
		return e.slack
	}
	return e.other
}
