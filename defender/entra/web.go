package entra

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"scanwarden/defender/internal/untrusted"
)

// WebSignInConfig configures a sign-in with a browser on another machine.
type WebSignInConfig struct {
	Config             // mode Client; TenantID is a GUID, and Scope is ignored
	RedirectURL string // registered on the app, such as https://HOST/link/callback; plain http only for this machine
}

// User is the account that signed in.
type User struct {
	TenantID string // that of the configuration
	ObjectID string // GUID in lower case; with the tenant it identifies the account permanently
	Name     string // display name: printable, at most 100 characters, not unique, may be ""
	// Roles are the app roles of the account, in this app registration: at most 50, the rest is dropped.
	Roles []string
	// Contexts are the authentication contexts that the sign-in satisfied ("c1"): at most 99.
	Contexts []string
}

// WebSignIn identifies users by a sign-in in their browser, and gives no access to anything. It runs the
// authorization code flow of OpenID Connect with PKCE. Tokens are checked and dropped. It is safe for
// concurrent use; make one with [NewWebSignIn].
type WebSignIn struct {
	registration
	prefix   envPrefix
	tenant   string
	redirect string
}

const (
	maxCode  = 16 << 10 // bytes of an authorization code; real ones have one or two KiB
	maxName  = 100      // characters
	maxValue = 512      // bytes of a state or nonce
	maxRoles = 50       // of one account
)

// NewWebSignIn checks the configuration as [New] does, and makes no network call.
func NewWebSignIn(cfg WebSignInConfig) (*WebSignIn, error) {
	c := cfg.Config.withDefaults()
	names := envPrefix(c.Prefix)
	app, err := newUserRegistration(c)
	if err == nil {
		err = cmp.Or(checkTenantGUID(c.TenantID), checkRedirect(cfg.RedirectURL))
	}
	if err != nil {
		return nil, fmt.Errorf("configure the sign-in with a browser: %s", names.expand(err.Error()))
	}
	return &WebSignIn{registration: app, prefix: names, tenant: strings.ToLower(c.TenantID), redirect: cfg.RedirectURL}, nil
}

func checkTenantGUID(tenant string) error {
	if !untrusted.IsGUID(tenant) {
		return fmt.Errorf("%s must be the tenant's GUID, so that an account of another tenant is recognized", envTenant)
	}
	return nil
}

func checkRedirect(address string) error {
	u, err := url.Parse(address)
	local := err == nil && u.Scheme == "http" && isLocalAddress(u.Hostname())
	if err != nil || u.Scheme != "https" && !local || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the redirect URL must be an https:// address without a query: check SCANWARDEN_PUBLIC_URL")
	}
	return nil
}

// Begin returns the address to send the browser to. state returns with the browser. verifier is PKCE's (43 to
// 128 letters, digits and -._~). The caller keeps verifier and nonce for [WebSignIn.Finish]. The error is an
// [*Error], or wraps ctx's error if ctx ended first.
func (w *WebSignIn) Begin(ctx context.Context, state, nonce, verifier string) (string, error) {
	if state == "" || len(state) > maxValue || nonce == "" || len(nonce) > maxValue || !isVerifier(verifier) {
		return "", errors.New("begin the sign-in with a browser: state, nonce or verifier is empty, too long or too short: generate new ones")
	}
	address, problem := w.authorizeURL(ctx)
	if problem != nil {
		return "", w.wrapError(ctx, problem)
	}
	challenge := sha256.Sum256([]byte(verifier))
	q := address.Query()
	// MSAL's client for apps with a credential sets none of these.
	q.Set("state", state)
	q.Set("nonce", nonce)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
	q.Set("code_challenge_method", "S256")
	q.Set("response_mode", "query")
	address.RawQuery = q.Encode()
	return address.String(), nil
}

// isVerifier reports whether v has the form of a code verifier (RFC 7636, 4.1).
func isVerifier(v string) bool {
	odd := func(r rune) bool {
		return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r))
	}
	return len(v) >= 43 && len(v) <= 128 && !strings.ContainsFunc(v, odd)
}

// authorizeURL returns the authorization endpoint from the discovery document.
func (w *WebSignIn) authorizeURL(ctx context.Context) (*url.URL, *Error) {
	app, problem := w.newApp()
	if problem != nil {
		return nil, problem
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	address, err := app.AuthCodeURL(ctx, w.clientID, w.redirect, webScopes())
	if err != nil {
		return nil, translateCallError(ctx, err)
	}
	u, err := url.Parse(address)
	if err != nil || !isPlainURL(address, maxAddressLen) {
		return nil, &Error{Hint: "the sign-in address is not an https address: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
	}
	return u, nil
}

// webScopes returns scopes that identify the user and grant access to nothing.
func webScopes() []string { return []string{"openid", "profile"} }

// Finish redeems the code that returned with the browser and returns the user. nonce and verifier are those of
// [WebSignIn.Begin]. A code can be redeemed once. The error is an [*Error], or wraps ctx's error if ctx ended
// first.
func (w *WebSignIn) Finish(ctx context.Context, code, nonce, verifier string) (User, error) {
	if code == "" || len(code) > maxCode || nonce == "" || !isVerifier(verifier) {
		return User{}, w.wrapError(ctx, &Error{Hint: "the browser returned without the values of this sign-in: start the sign-in again"})
	}
	result, problem := w.redeemCode(ctx, code, verifier)
	if problem == nil {
		problem = w.checkIDToken(result, nonce)
	}
	if problem != nil {
		return User{}, w.wrapError(ctx, problem)
	}
	claims := parseIDTokenClaims(result.IDToken.RawToken)
	return User{
		TenantID: w.tenant,
		ObjectID: strings.ToLower(result.IDToken.Oid),
		Name:     untrusted.SanitizeName(result.IDToken.Name, maxName),
		Roles:    claims.roles(),
		Contexts: claims.contexts(),
	}, nil
}

// redeemCode exchanges the code with an MSAL client of its own, so that the user's tokens are dropped with it.
func (w *WebSignIn) redeemCode(ctx context.Context, code, verifier string) (confidential.AuthResult, *Error) {
	app, problem := w.newApp()
	if problem != nil {
		return confidential.AuthResult{}, problem
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	result, err := app.AcquireTokenByAuthCode(ctx, code, w.redirect, webScopes(), confidential.WithChallenge(verifier))
	if err != nil {
		return confidential.AuthResult{}, translateCallError(ctx, err)
	}
	return result, nil
}

// checkIDToken compares the ID token with the request. Its signature need not be verified: the token came from
// the token endpoint itself, over TLS (OpenID Connect Core 1.0, 3.1.3.7, rule 6).
func (w *WebSignIn) checkIDToken(r confidential.AuthResult, nonce string) *Error {
	id := r.IDToken
	more := parseIDTokenClaims(id.RawToken)
	switch {
	case !strings.EqualFold(id.TenantID, w.tenant):
		return &Error{Hint: "the account belongs to another tenant than " + envTenant + " names: sign in with an account of that tenant"}
	case !strings.EqualFold(id.Audience, w.clientID) || !untrusted.IsGUID(id.Oid):
		return &Error{Hint: "the sign-in was not made to this app: check " + envClient + " and whether a proxy answers in Entra ID's place"}
	case subtle.ConstantTimeCompare([]byte(more.Nonce), []byte(nonce)) != 1:
		return &Error{Hint: "the sign-in that returned is not the one that this browser started: start again"}
	case time.Since(time.Unix(id.ExpirationTime, 0)) > maxClockSkew:
		return expiredError(time.Now())
	case more.isAgent():
		return &Error{Hint: "the account is an AI agent's, and agents confirm nothing: sign in with the account of a person"}
	case more.isGuest(w.authority, w.tenant):
		return &Error{Hint: "the account is a guest in this tenant, and guests cannot use scanwarden: sign in with an account of the tenant itself (the optional claim acct in ID tokens, which an administrator adds, marks accounts from elsewhere that are members)"}
	}
	return nil
}

// idTokenClaims holds the claims of an ID token that MSAL ignores.
type idTokenClaims struct {
	Nonce    string `json:"nonce"`
	Provider string `json:"idp"`  // the identity provider, if that was not the issuer
	Account  any    `json:"acct"` // 0 for a member of the tenant, 1 for a guest; an optional claim
	// Roles are the names of app roles.
	Roles []string `json:"roles"`
	// AuthContexts are the satisfied authentication contexts: a list of texts.
	AuthContexts any `json:"acrs"`
	// SubjectFacets and ActorFacets are lists of numbers (Microsoft Learn, agent-id/agent-token-claims).
	SubjectFacets string `json:"xms_sub_fct"`
	ActorFacets   string `json:"xms_act_fct"`
}

// roles returns the names of the account's roles, at most maxRoles.
func (c idTokenClaims) roles() []string { return c.Roles[:min(len(c.Roles), maxRoles)] }

// isAgent reports whether the account, or what acts for it, is an AI agent's. tools/mcpserver/auth checks access tokens in
// the same way.
func (c idTokenClaims) isAgent() bool {
	const agent, agentUser = "11", "13"
	numbers := strings.FieldsFunc(c.SubjectFacets+" "+c.ActorFacets, func(r rune) bool { return r < '0' || r > '9' })
	return slices.Contains(numbers, agent) || slices.Contains(numbers, agentUser)
}

// parseIDTokenClaims returns the claims in the token's payload. It returns the zero value for an unreadable
// token: its empty nonce matches no sign-in.
func parseIDTokenClaims(token string) (claims idTokenClaims) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return idTokenClaims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return idTokenClaims{}
	}
	return claims
}

// isGuest reports whether the account belongs to another organization. tools/mcpserver/auth checks access
// tokens in the same way.
func (c idTokenClaims) isGuest(authority, tenant string) bool {
	if c.Account != nil {
		return c.Account != float64(0) && c.Account != "0"
	}
	return c.Provider != "" && !isIssuerOfTenant(c.Provider, authority, tenant)
}

func (w *WebSignIn) wrapError(ctx context.Context, problem *Error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sign in to Entra ID with a browser: %w", err)
	}
	return w.prefix.expandError(problem)
}
