// Package entrance tells who sent an HTTP request.
package entrance

import (
	"context"
	"net/http"
	"time"

	"scanwarden/confirm"
)

// Caller is who sent a request.
type Caller struct {
	Principal confirm.Principal // "" only for Slack's own discovery, which may list tools and nothing else
	Groups    []string          // "entra-role:Scans.Approver"
	Agent     bool              // an application, or an AI agent acting for a person: may ask, never decide
	Session   string            // what initialize-era sessions are bound to; "" means the principal
}

// Keeper tells who sent a request, whose body is read already and at most 1 MiB. An error is a *Denial, or one that
// only the log may see.
type Keeper interface {
	Admit(r *http.Request, body []byte) (Caller, error)
}

// Denial is a request that is not let in.
type Denial struct {
	Status    int    // 400, 401, 403 or 503
	Challenge string // WWW-Authenticate; "" where there is none
	Reason    string // one plain sentence
}

func (d *Denial) Error() string { return d.Reason }

// EntraConfig configures Entra.
type EntraConfig struct {
	TenantID  string   // GUID
	ClientID  string   // of the server's own registration: the audience of v2 tokens
	Authority string   // "" means https://login.microsoftonline.com
	Resource  string   // the server's own URL with its path, https://HOST/mcp: for metadata and challenges
	Clients   []string // allowed azp; empty means any client of the tenant
	HTTP      *http.Client
	Now       func() time.Time
	// Verified is given the raw token of each admitted person, for on-behalf-of; nil means that nobody is.
	Verified func(c Caller, token string, expires time.Time)
}

// Entra admits Microsoft Entra ID v2 access tokens. It makes no call before the first token comes. ctx ends its
// key refresh.
func Entra(ctx context.Context, cfg EntraConfig) (Keeper, error) { panic("contract") }

// Metadata serves RFC 9728 protected resource metadata for cfg, and, where facade is set, an RFC 8414 document that
// mirrors Entra's endpoints and adds code_challenge_methods_supported. Routes are the paths to mount it on.
func Metadata(cfg EntraConfig, facade bool) (routes []string, h http.Handler, err error) {
	panic("contract")
}

// SlackConfig configures Slack.
type SlackConfig struct {
	Verify func(h http.Header, body []byte) error                                    // the request signature
	Vouch  func(ctx context.Context, team, user string) (groups []string, err error) // a full member of our own workspace
}

// Slack admits Slack's own assistant with Slack identity auth: requests signed by Slack whose params._meta.slack
// names the person.
func Slack(cfg SlackConfig) Keeper { panic("contract") }

// Either asks slack about requests that carry a Slack signature, and other about the rest.
func Either(slack, other Keeper) Keeper { panic("contract") }
