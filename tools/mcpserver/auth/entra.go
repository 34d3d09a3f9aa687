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
	// clockSkew is how far our clock and Entra's may differ.
	clockSkew = time.Minute
	// maxTokenBytes bounds a token. Entra's have 2 to 8 KB.
	maxTokenBytes = 16 << 10
)

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

// withDefaults checks the configuration and fills in what was left out.
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

// endpoint is one of the tenant's URLs at the authority.
func (cfg EntraConfig) endpoint(path string) string {
	return cfg.Authority + "/" + cfg.TenantID + path
}

func (cfg EntraConfig) issuer() string { return cfg.endpoint("/v2.0") }

// scope is the whole URI of the scope: clients that are given the short name ask Entra for one of Graph's.
func (cfg EntraConfig) scope() string { return cfg.Resource + "/" + scopeUse }

// Entra admits Microsoft Entra ID v2 access tokens. It makes no call before the first token comes. ctx ends its
// key fetches.
func Entra(ctx context.Context, cfg EntraConfig) (Authenticator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // keys come from nowhere else
	return &entraAuthenticator{
		EntraConfig: cfg, metadataURL: cfg.metadataURL(),
		keys: &jwksCache{ctx: ctx, url: cfg.endpoint("/discovery/v2.0/keys"), client: &client, now: cfg.Now},
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
	metadataURL string // the URL of the metadata
	keys        *jwksCache
	parser      *jwt.Parser
}

// Authenticate implements Keeper.
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
	if c.isGuest() {
		return Caller{}, errGuest
	}
	who := c.toCaller()
	if e.Verified != nil && !who.Agent {
		e.Verified(who, token, c.ExpiresAt.Time)
	}
	return who, nil
}

// verify believes a token whose signature, issuer, audience and times hold, and which is a v2 token of our tenant
// for one of the clients that may ask.
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
		return nil, e.invalidToken("the token was issued in another tenant; sign in to the one of this server")
	case c.version != "2.0":
		return nil, e.invalidToken("the token is not of version 2.0; set requestedAccessTokenVersion to 2 in the app registration of this server")
	case !IsGUID(c.objectID):
		return nil, e.invalidToken("the token does not say whose it is")
	case len(e.Clients) > 0 && !slices.ContainsFunc(e.Clients, func(id string) bool { return strings.EqualFold(id, c.client) }):
		return nil, e.invalidToken("the token was given to a client that may not call this server; use one that its operator allows")
	}
	return c, nil
}

// signingKey takes a key only by the name that the token gives it, and only from Entra: "jku", "x5u" and "jwk" are not
// looked at, and a token with an extension that must be understood (RFC 7515 section 4.1.11) is not.
func (e *entraAuthenticator) signingKey(ctx context.Context, t *jwt.Token) (any, error) {
	if name, _ := t.Header["kid"].(string); name == "" || t.Header["crit"] != nil {
		return nil, errors.New("the header names no key, or wants more than that")
	}
	return e.keys.signingKey(ctx, t)
}

// IsGUID reports whether s has the form of an id that Entra gives, in either case.
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
