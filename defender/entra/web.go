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
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"scanwarden/defender/internal/untrusted"
)

// WebSignInConfig configures a sign-in with a browser.
type WebSignInConfig struct {
	Config             // mode Client; TenantID is a GUID, and Scope is not looked at
	RedirectURL string // registered on the app: https://HOST/link/callback; plain http for this machine alone
}

// User is who signed in.
type User struct {
	TenantID string // that of the configuration
	ObjectID string // GUID, in lower case: with the tenant, who it is, for ever
	Name     string // for the person themself to recognise: printable, at most 100 characters, not unique, may be ""
}

// WebSignIn signs people in with their browser, to know who they are and for nothing else: the authorization code flow
// of OpenID Connect with PKCE. What Entra ID gives us is looked at and dropped. It is safe for concurrent use;
// make one with [NewWeb].
type WebSignIn struct {
	registration
	names    prefix
	tenant   string
	redirect string
}

const (
	maxCode  = 16 << 10 // bytes of an authorization code; real ones have one or two KiB
	maxName  = 100      // characters
	maxValue = 512      // bytes of a state or nonce
)

// NewWebSignIn checks the configuration as [New] does, and makes no call.
func NewWebSignIn(cfg WebSignInConfig) (*WebSignIn, error) {
	c := cfg.Config.withDefaults()
	names := prefix(c.Prefix)
	app, err := registerForPeople(c)
	if err == nil {
		err = cmp.Or(checkTenantGUID(c.TenantID), checkRedirect(cfg.RedirectURL))
	}
	if err != nil {
		return nil, fmt.Errorf("configure the sign-in with a browser: %s", names.in(err.Error()))
	}
	return &WebSignIn{registration: app, names: names, tenant: strings.ToLower(c.TenantID), redirect: cfg.RedirectURL}, nil
}

func checkTenantGUID(tenant string) error {
	if !untrusted.IsGUID(tenant) {
		return fmt.Errorf("%s must be the tenant's GUID, so that an account of another tenant is told apart", envTenant)
	}
	return nil
}

func checkRedirect(address string) error {
	u, err := url.Parse(address)
	local := err == nil && u.Scheme == "http" && near(u.Hostname())
	if err != nil || u.Scheme != "https" && !local || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the address to come back to must be an https:// address without a query: check SCANWARDEN_PUBLIC_URL")
	}
	return nil
}

// Begin returns where to send the browser; state comes back with it. verifier is PKCE's (43 to 128 letters,
// digits and -._~), stays with the caller and goes to [Web.Finish], as does nonce. The error is an [*Error], or wraps
// ctx's own when ctx ended first.
func (w *WebSignIn) Begin(ctx context.Context, state, nonce, verifier string) (string, error) {
	if state == "" || len(state) > maxValue || nonce == "" || len(nonce) > maxValue || !goodVerifier(verifier) {
		return "", errors.New("begin the sign-in with a browser: state, nonce or verifier is empty, too long or too short: draw new ones")
	}
	address, problem := w.authorize(ctx)
	if problem != nil {
		return "", w.failed(ctx, problem)
	}
	challenge := sha256.Sum256([]byte(verifier))
	q := address.Query()
	// MSAL's client for apps with a credential knows none of these.
	q.Set("state", state)
	q.Set("nonce", nonce)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
	q.Set("code_challenge_method", "S256")
	q.Set("response_mode", "query")
	address.RawQuery = q.Encode()
	return address.String(), nil
}

// goodVerifier holds a verifier against RFC 7636, 4.1.
func goodVerifier(v string) bool {
	odd := func(r rune) bool {
		return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r))
	}
	return len(v) >= 43 && len(v) <= 128 && !strings.ContainsFunc(v, odd)
}

// authorize asks the discovery document where people sign in.
func (w *WebSignIn) authorize(ctx context.Context) (*url.URL, *Error) {
	app, problem := w.newApp()
	if problem != nil {
		return nil, problem
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	address, err := app.AuthCodeURL(ctx, w.clientID, w.redirect, webScopes())
	if err != nil {
		return nil, explainIn(ctx, err)
	}
	u, err := url.Parse(address)
	if err != nil || !plain(address, maxAddress) {
		return nil, &Error{Hint: "the address to sign in at is none of a web page: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
	}
	return u, nil
}

// webScopes are for who somebody is, and for no access to anything.
func webScopes() []string { return []string{"openid", "profile"} }

// Finish trades the code that came back for who signed in; nonce and verifier are those of [Web.Begin]. A code is
// good for one try. The error is an [*Error], or wraps ctx's own when ctx ended first.
func (w *WebSignIn) Finish(ctx context.Context, code, nonce, verifier string) (User, error) {
	if code == "" || len(code) > maxCode || nonce == "" || !goodVerifier(verifier) {
		return User{}, w.failed(ctx, &Error{Hint: "the browser came back without what it was sent with: start the sign-in again"})
	}
	result, problem := w.redeem(ctx, code, verifier)
	if problem == nil {
		problem = w.admit(result, nonce)
	}
	if problem != nil {
		return User{}, w.failed(ctx, problem)
	}
	return User{
		TenantID: w.tenant,
		ObjectID: strings.ToLower(result.IDToken.Oid),
		Name:     untrusted.SanitizeName(result.IDToken.Name, maxName),
	}, nil
}

// redeem uses a client of its own, which goes and takes along what MSAL keeps of the user's tokens.
func (w *WebSignIn) redeem(ctx context.Context, code, verifier string) (confidential.AuthResult, *Error) {
	app, problem := w.newApp()
	if problem != nil {
		return confidential.AuthResult{}, problem
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	result, err := app.AcquireTokenByAuthCode(ctx, code, w.redirect, webScopes(), confidential.WithChallenge(verifier))
	if err != nil {
		return confidential.AuthResult{}, explainIn(ctx, err)
	}
	return result, nil
}

// admit holds the ID token against what we asked for. Its signature need not be looked at: it came from the
// token endpoint itself, over TLS (OpenID Connect Core 1.0, 3.1.3.7, rule 6).
func (w *WebSignIn) admit(r confidential.AuthResult, nonce string) *Error {
	id := r.IDToken
	more := passedOver(id.RawToken)
	switch {
	case !strings.EqualFold(id.TenantID, w.tenant):
		return &Error{Hint: "the account belongs to another tenant than " + envTenant + " names: sign in with an account of that one"}
	case !strings.EqualFold(id.Audience, w.clientID) || !untrusted.IsGUID(id.Oid):
		return &Error{Hint: "the sign-in is not one to this app: check " + envClient + " and whether a proxy answers in Entra ID's place"}
	case subtle.ConstantTimeCompare([]byte(more.Nonce), []byte(nonce)) != 1:
		return &Error{Hint: "the sign-in that came back is not the one that was begun in this browser: start again"}
	case time.Since(time.Unix(id.ExpirationTime, 0)) > drift:
		return expired(time.Now())
	case more.guest(w.authority, w.tenant):
		return &Error{Hint: "the account is a guest's in this tenant, and guests cannot use scanwarden: sign in with an account of the tenant's own (one from elsewhere that is a member is told by the optional claim acct, which an administrator adds to ID tokens)"}
	}
	return nil
}

// moreClaims are those of an ID token that MSAL passes over.
type moreClaims struct {
	Nonce    string `json:"nonce"`
	Provider string `json:"idp"`  // who authenticated the account, where that was not the issuer
	Account  any    `json:"acct"` // 0 for a member of the tenant, 1 for a guest; an optional claim
}

// passedOver reads them from the token's payload. Of one that cannot be read it is the zero value, whose nonce is
// nobody's.
func passedOver(token string) (claims moreClaims) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return moreClaims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return moreClaims{}
	}
	return claims
}

// guest reports whether the account is another organisation's. tools/mcpserver/auth judges access tokens alike.
func (c moreClaims) guest(authority, tenant string) bool {
	if c.Account != nil {
		return c.Account != float64(0) && c.Account != "0"
	}
	return c.Provider != "" && !isIssuerOfTenant(c.Provider, authority, tenant)
}

func (w *WebSignIn) failed(ctx context.Context, problem *Error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sign in to Entra ID with a browser: %w", err)
	}
	return w.names.of(problem)
}
