package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	publicCloud = "https://login.microsoftonline.com"
	// clockSkew is the tolerated difference between this server's clock and Entra's.
	clockSkew = time.Minute
	// maxTokenBytes bounds a token. Entra's tokens have 2 to 8 KB.
	maxTokenBytes = 16 << 10
)

// EntraConfig configures Entra.
type EntraConfig struct {
	TenantID  string           // GUID
	ClientID  string           // app registration of this server: the audience of v2 tokens
	Authority string           // "" means https://login.microsoftonline.com
	Resource  string           // URL of this server with its path, https://HOST/mcp: for metadata and challenges
	Clients   []string         // allowed client applications (azp); empty means all of the tenant
	HTTP      *http.Client     // nil means a client with defaults
	Now       func() time.Time // nil means time.Now
	// Verified receives the raw token of each authenticated user, for on-behalf-of calls. It is not called for an
	// Agent. nil means no call.
	Verified func(c Caller, token string, expires time.Time)
}

// withDefaults returns cfg with defaults for empty fields, or an error that names the invalid field.
func (cfg EntraConfig) withDefaults() (EntraConfig, error) {
	if cfg.Authority == "" {
		cfg.Authority = publicCloud
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Authority = strings.TrimRight(cfg.Authority, "/")
	cfg.TenantID, cfg.ClientID = strings.ToLower(cfg.TenantID), strings.ToLower(cfg.ClientID)
	authority, err := url.Parse(cfg.Authority)
	switch {
	case !IsGUID(cfg.TenantID):
		return cfg, fmt.Errorf("sign-in of callers: tenant id %q is not a GUID; copy it from the tenant's overview page in Entra", cfg.TenantID)
	case !IsGUID(cfg.ClientID):
		return cfg, fmt.Errorf("sign-in of callers: client id %q is not a GUID; copy it from this server's own app registration", cfg.ClientID)
	case err != nil || authority.Scheme != "https" || authority.Host == "" || authority.Path != "" || authority.RawQuery != "":
		return cfg, fmt.Errorf("sign-in of callers: authority %q is not https:// and a host alone, such as %s", cfg.Authority, publicCloud)
	}
	_, err = parseResource(cfg.Resource)
	return cfg, err
}

// endpoint returns the URL of a path of the tenant at the authority.
func (cfg EntraConfig) endpoint(path string) string {
	return cfg.Authority + "/" + cfg.TenantID + path
}

func (cfg EntraConfig) issuer() string { return cfg.endpoint("/v2.0") }

// scope returns the full URI of the scope. Given the short name, clients would ask Entra for a scope of Microsoft
// Graph.
func (cfg EntraConfig) scope() string { return cfg.Resource + "/" + scopeUse }

// Entra returns an Authenticator for access tokens of Microsoft Entra ID v2. It fetches the signing keys when the
// first token arrives. Canceling ctx ends its key fetches.
func Entra(ctx context.Context, cfg EntraConfig) (Authenticator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // keys must not come from another address
	return &entraAuthenticator{
		EntraConfig: cfg, metadataURL: cfg.metadataURL(),
		keys: &jwksCache{
			ctx: ctx, url: cfg.endpoint("/discovery/v2.0/keys"), client: &client, now: cfg.Now,
			issuer: tokenIssuer{tenant: cfg.TenantID, url: cfg.issuer()},
		},
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
			jwt.WithIssuer(cfg.issuer()), jwt.WithAudience(cfg.ClientID),
			jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew),
			jwt.WithStrictDecoding(), jwt.WithTimeFunc(cfg.Now),
		),
	}, nil
}

type entraAuthenticator struct {
	EntraConfig
	metadataURL string // challenges name it
	keys        *jwksCache
	parser      *jwt.Parser
}

// Authenticate implements Authenticator.
func (e *entraAuthenticator) Authenticate(r *http.Request, _ []byte) (Caller, error) {
	token, err := e.bearerToken(r)
	if err != nil {
		return Caller{}, err
	}
	c, err := e.verify(r.Context(), token)
	if err != nil {
		return Caller{}, err
	}
	if !c.mayCall() {
		return Caller{}, e.insufficientScope()
	}
	if c.isGuest(e.Authority) {
		return Caller{}, errGuest
	}
	caller := c.toCaller()
	if e.Verified != nil && !caller.Agent {
		e.Verified(caller, token, c.ExpiresAt.Time)
	}
	return caller, nil
}

func (e *entraAuthenticator) NeedsBody(*http.Request) bool { return false }

// verify returns the claims of a token if its signature, issuer, audience and times are valid, and if it is a v2
// token of our tenant for an allowed client.
func (e *entraAuthenticator) verify(ctx context.Context, token string) (*claims, error) {
	if len(token) > maxTokenBytes {
		return nil, e.invalidToken("the token is longer than 16 KiB")
	}
	c := &claims{}
	_, err := e.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) { return e.signingKey(ctx, t) })
	if failed, ok := errors.AsType[keysUnavailableError](err); ok {
		return nil, keysUnavailable(failed.cause)
	}
	switch {
	case err != nil:
		return nil, e.invalidToken(tokenProblem(err))
	case !strings.EqualFold(c.tenant, e.TenantID):
		return nil, e.invalidToken("the token was issued by another tenant; sign in to the tenant of this server")
	case c.version != "2.0":
		return nil, e.invalidToken("the token is not of version 2.0; set requestedAccessTokenVersion to 2 in the app registration of this server")
	case !IsGUID(c.objectID):
		return nil, e.invalidToken("the token has no valid object id (oid)")
	case len(e.Clients) > 0 && !slices.ContainsFunc(e.Clients, func(id string) bool { return strings.EqualFold(id, c.client) }):
		return nil, e.invalidToken("the token was issued to a client application that may not call this server; use one that its operator allows")
	}
	return c, nil
}

// signingKey returns the key that verifies t. It accepts a key only by the id (kid) in the token's header, and only
// from Entra. It ignores the headers "jku", "x5u" and "jwk", and refuses a token with an extension that must be
// understood (RFC 7515 section 4.1.11).
func (e *entraAuthenticator) signingKey(ctx context.Context, t *jwt.Token) (any, error) {
	if name, _ := t.Header["kid"].(string); name == "" || t.Header["crit"] != nil {
		return nil, errors.New("the header has no key id, or a critical extension")
	}
	return e.keys.signingKey(ctx, t)
}

// IsGUID reports whether s has the form of an id that Entra assigns, in upper or lower case.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
