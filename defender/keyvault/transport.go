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
)

const (
	// maxBody bounds one answer: a page lists up to 25 secrets, each with up to 15 tags of 512 characters.
	maxBody = 1 << 20
	maxClaims = 8 << 10
)

// transport is the connection to one vault, between the SDK and the network. It lets nothing out to other hosts, and in
// only what the SDK can be trusted with, which by itself would send the token wherever a list's next page is said to
// be, read answers of any length, and crash on a challenge without a tenant. That it uses HTTPS alone, the SDK sees to.
type transport struct {
	http     *http.Client
	host     string
	tenant   string
	resource string
}

func (v *Client) transportFor(s secretID) transport {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if v.cfg.HTTP != nil {
		client.Transport, client.Timeout = v.cfg.HTTP.Transport, v.cfg.HTTP.Timeout
	}
	return transport{http: client, host: s.host, tenant: v.cfg.TenantID, resource: s.resource()}
}

// Do implements the SDK's Transporter.
func (l transport) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host != l.host {
		return nil, newPermanentError("the vault points to another host, where nothing is sent", "check that the vault's name is right, and tell its owner")
	}
	r.Header.Set("User-Agent", "scanwarden") // the SDK's tells the versions of itself, Go and the operating system
	resp, err := l.http.Do(r)
	if err != nil {
		return nil, markPermanent(err, l.host)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, newPermanentError("the vault's answer is longer than any of Key Vault", "check whether a proxy answers in its place")
	}
	if resp.StatusCode == http.StatusUnauthorized {
		if err := l.rewriteChallenge(resp.Header); err != nil {
			return nil, err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// reChallengeParam matches name="value" in a challenge (RFC 9110, section 11.2, quoted form, as Key Vault sends it).
var reChallengeParam = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\w+)="([^"]*)"`) })

// rewriteChallenge holds a vault's challenge against what we know, and puts one of our own making in its place: what
// the SDK reads next is never a stranger's text.
func (l transport) rewriteChallenge(h http.Header) error {
	said := map[string]string{}
	for _, m := range reChallengeParam().FindAllStringSubmatch(strings.Join(h.Values("WWW-Authenticate"), ","), -1) {
		said[m[1]] = m[2]
	}
	if said["error"] == "insufficient_claims" {
		return l.rewriteClaims(h, said["claims"])
	}
	tenant, resource := tenantOf(said["authorization"]), said["resource"]
	if scope := said["scope"]; scope != "" {
		resource = strings.TrimSuffix(scope, "/.default")
	}
	switch {
	case tenant == "" || resource == "":
		return newPermanentError("the vault asks for a sign-in without saying to which tenant", "check whether a proxy answers in its place")
	case !strings.EqualFold(tenant, l.tenant):
		return newPermanentError("the vault belongs to tenant "+printable(tenant)+", and scanwarden signs in to tenant "+l.tenant+" only", "name a vault of that tenant")
	case strings.TrimSuffix(resource, "/") != l.resource:
		return newPermanentError("the vault asks for a token for "+printable(resource)+", and tokens for "+l.resource+" only are given to it", "check that the vault's name is right, and tell its owner")
	}
	h.Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/`+l.tenant+`" resource="`+l.resource+`"`)
	return nil
}

// rewriteClaims passes on a claims challenge (continuous access evaluation), which the token source answers.
func (l transport) rewriteClaims(h http.Header, encoded string) error {
	claims, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(claims) > maxClaims || !json.Valid(claims) {
		return newPermanentError("the vault asks for a token with claims that cannot be read", "try again")
	}
	h.Set("WWW-Authenticate", `Bearer error="insufficient_claims", claims="`+encoded+`"`)
	return nil
}

// tenantOf is the tenant in an authority's address, https://login.microsoftonline.com/TENANT; "" when there is none.
func tenantOf(authority string) string {
	u, err := url.Parse(authority)
	if err != nil {
		return ""
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return tenant
}
