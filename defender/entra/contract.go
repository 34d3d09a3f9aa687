package entra

import (
	"context"
	"time"
)

// Mode is how to sign in.
type Mode string

// The modes. The zero value is Client.
const (
	Client          Mode = "client" // secret, certificate or federated token file
	ManagedIdentity Mode = "managed-identity"
	DeviceCode      Mode = "device-code"
	Interactive     Mode = "interactive"
)

// Token is a bearer token.
type Token struct {
	Text    string
	Expires time.Time
}

// Ask says which token is wanted. Its zero value is one from the cache.
type Ask struct {
	Fresh  bool   // not the cached one: the service has refused it
	Claims string // JSON of a claims challenge that the token must answer
}

// For returns a source of tokens for another scope, of the same identity, cache and sign-in.
func (s *Source) For(scope string) *Source { panic("contract") }

// Get returns a token. In the modes for people, whoever waits is told through Config.Prompt what to do.
func (s *Source) Get(ctx context.Context, ask Ask) (Token, error) { panic("contract") }

// Close ends a sign-in that is under way.
func (s *Source) Close() {}

// OnBehalfOf trades the tokens of our callers for tokens in their name. Make one with NewOnBehalfOf.
type OnBehalfOf struct{}

// NewOnBehalfOf makes no call. cfg is that of mode Client; its scope is the delegated one.
func NewOnBehalfOf(cfg Config) (*OnBehalfOf, error) { panic("contract") }

// Get returns a token in the name of whom assertion was issued to.
func (o *OnBehalfOf) Get(ctx context.Context, assertion string, ask Ask) (Token, error) {
	panic("contract")
}

// WebConfig configures a sign-in with a browser.
type WebConfig struct {
	Config             // mode Client
	RedirectURL string // registered on the app: https://HOST/link/callback
}

// User is who signed in.
type User struct{ TenantID, ObjectID, Name string }

// Web signs people in with their browser: the OAuth 2.0 authorization code flow with PKCE. Make one with NewWeb.
type Web struct{}

// NewWeb makes no call.
func NewWeb(cfg WebConfig) (*Web, error) { panic("contract") }

// Begin returns where to send the browser.
func (w *Web) Begin(ctx context.Context, state, nonce, verifier string) (string, error) {
	panic("contract")
}

// Finish trades the code that came back.
func (w *Web) Finish(ctx context.Context, code, nonce, verifier string) (User, error) {
	panic("contract")
}
