package keyvault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"scanwarden/defender/internal/untrusted"
)

const (
	// maxBody bounds one response, in bytes: a page lists up to 25 secrets, each with up to 15 tags of 512 characters.
	maxBody = 1 << 20
	// maxClaims bounds the JSON of a claims challenge, in bytes.
	maxClaims = 8 << 10
	// maxQuoted bounds a tenant or resource of a vault's challenge in an error, in characters.
	maxQuoted = 100
)

// transport sends the SDK's requests to one vault. It refuses requests to other hosts and responses that the SDK does
// not handle safely: by itself the SDK sends the token to wherever a list's next link points, reads a body of any
// length, and crashes on a challenge without a tenant. The SDK itself ensures that only HTTPS is used.
type transport struct {
	http     *http.Client
	host     string
	tenant   string
	resource string
}

// transportFor returns the transport to the vault of s.
func (v *Client) transportFor(s secretID) transport {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if v.cfg.HTTP != nil {
		client.Transport, client.Timeout = v.cfg.HTTP.Transport, v.cfg.HTTP.Timeout
	}
	return transport{http: client, host: s.host, tenant: v.cfg.TenantID, resource: s.resource()}
}

// Do sends r and returns the response with its whole body buffered. It implements the SDK's policy.Transporter.
func (t transport) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host != t.host {
		return nil, newPermanentError("the vault points to another host, to which nothing is sent", "check that the vault's name is right, and inform its owner")
	}
	r.Header.Set("User-Agent", "scanwarden") // the SDK's own names the versions of the SDK, Go and the operating system
	resp, err := t.http.Do(r)
	if err != nil {
		return nil, markPermanent(err, t.host)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, newPermanentError("the response is longer than any of Key Vault", checkProxy)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		if err := t.rewriteChallenge(resp.Header); err != nil {
			return nil, err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// reChallengeParam matches name="value" in a challenge (RFC 9110, section 11.2, quoted form, as Key Vault sends it).
var reChallengeParam = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\w+)="([^"]*)"`) })

// rewriteChallenge checks that the challenge in h names our tenant and resource, and replaces it with one that has
// nothing else in it. The SDK therefore never parses text that a vault wrote.
func (t transport) rewriteChallenge(h http.Header) error {
	params := map[string]string{}
	for _, m := range reChallengeParam().FindAllStringSubmatch(strings.Join(h.Values("WWW-Authenticate"), ","), -1) {
		params[m[1]] = m[2]
	}
	if params["error"] == "insufficient_claims" {
		return rewriteClaims(h, params["claims"])
	}
	tenant, resource := tenantOf(params["authorization"]), params["resource"]
	if scope := params["scope"]; scope != "" {
		resource = strings.TrimSuffix(scope, "/.default")
	}
	switch {
	case tenant == "" || resource == "":
		return newPermanentError("the vault asks for a sign-in without naming a tenant and a resource", checkProxy)
	case !strings.EqualFold(tenant, t.tenant):
		return newPermanentError("the vault belongs to tenant "+untrusted.SanitizeText(tenant, maxQuoted)+", and scanwarden signs in to tenant "+t.tenant+" only",
			"name a vault of that tenant")
	case strings.TrimSuffix(resource, "/") != t.resource:
		return newPermanentError("the vault asks for a token for "+untrusted.SanitizeText(resource, maxQuoted)+", and scanwarden gives it tokens for "+t.resource+" only",
			"check that the vault's name is right, and inform its owner")
	}
	h.Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/`+t.tenant+`" resource="`+t.resource+`"`)
	return nil
}

// rewriteClaims replaces the challenge in h with a claims challenge (continuous access evaluation) of the given claims
// in base64, which the SDK passes to Config.Token.
func rewriteClaims(h http.Header, encoded string) error {
	claims, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(claims) > maxClaims || !json.Valid(claims) {
		return newPermanentError("the vault asks for a token with claims that cannot be read", "try again")
	}
	h.Set("WWW-Authenticate", `Bearer error="insufficient_claims", claims="`+encoded+`"`)
	return nil
}

// tenantOf returns the tenant in an authority's address, https://login.microsoftonline.com/TENANT, or "" without one.
func tenantOf(authority string) string {
	u, err := url.Parse(authority)
	if err != nil {
		return ""
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return tenant
}
