// Package page serves the pages that people open in a browser. Now: the one that joins a person's Slack account
// with their Entra account.
package page

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"scanwarden/confirm"
)

// User is who signed in, as the identity provider has it.
type User struct {
	Principal confirm.Principal // "entra:TENANT/OBJECT"
	Name      string            // for the person themself to recognise
}

// SignIn is one way to sign in with a browser; its two steps are the OAuth 2.0 authorization code flow with PKCE.
type SignIn struct {
	// Begin returns where to send the browser. state and nonce come back; verifier is PKCE's, and stays here.
	Begin func(ctx context.Context, state, nonce, verifier string) (url string, err error)
	// Finish trades the code that came back for the user; nonce is what Begin was given.
	Finish func(ctx context.Context, code, nonce, verifier string) (User, error)
}

// LinkConfig configures the pages at /link.
type LinkConfig struct {
	SignIn  SignIn
	Hosts   []string               // allowed Host headers
	Key     func() ([]byte, error) // 32 bytes, the same on every replica
	Secure  bool                   // the public URL is https: cookies are for https only
	Command string                 // what to type in Slack, such as "/scans link"
	Log     *slog.Logger
	Now     func() time.Time
}

// Link serves GET /link, /link/start and /link/callback. Its last page shows a signed, short-lived proof of who
// signed in, for that person to paste into their own Slack.
func Link(cfg LinkConfig) (http.Handler, error) { panic("contract") }

// Proofs makes and opens the proofs that the link page shows.
type Proofs struct{ key []byte }

// NewProofs returns proofs under a key of 32 bytes; a key of its own is derived from it.
func NewProofs(key []byte) Proofs { panic("contract") }

// Open returns who the proof is of, or one sentence on what to do: it is foreign, altered, or too old.
func (p Proofs) Open(text string, now time.Time) (User, error) { panic("contract") }
