package entra_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

const (
	assertionCanary = "canary-assertion-of-"
	delegated       = "https://api.securitycenter.microsoft.com/Machine.ReadWrite"
	otherTenant     = "99999999-604b-40ac-a9d7-9fd97c0b779f"
)

// oids are the people of the tenant.
var oids = map[string]string{
	"ada": "aaaaaaaa-1111-4111-8111-111111111111",
	"bob": "bbbbbbbb-2222-4222-8222-222222222222",
}

// fakePeople is a fakeEntra that also trades the tokens of people (jwt-bearer), renews what it gave for them, and
// takes authorization codes. fakeEntra.mu guards it.
type fakePeople struct {
	*fakeEntra
	expired map[string]bool    // assertions and refresh tokens that are good no more
	codes   map[string]granted // each good for one try
	id      func(map[string]any)
	noScope bool // the answer does not say what was granted
}

// granted is what stands behind an authorization code.
type granted struct{ challenge, nonce string }

func startPeople(t testing.TB) *fakePeople {
	t.Helper()
	p := &fakePeople{fakeEntra: startFake(t), expired: map[string]bool{}, codes: map[string]granted{}}
	rest := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			p.set(func(f *fakeEntra) {
				f.paths = append(f.paths, r.URL.Path)
				w.Header().Set("Date", time.Now().Add(f.skew).UTC().Format(http.TimeFormat))
			})
			p.token(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
	return p
}

// expire ends the life of an assertion or refresh token.
func (p *fakePeople) expire(token string) { p.set(func(*fakeEntra) { p.expired[token] = true }) }

func (p *fakePeople) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	p.mu.Lock()
	p.forms, p.arrived = append(p.forms, r.PostForm), append(p.arrived, time.Now())
	body, latency, hang := p.judge(r.PostForm, len(p.forms)), p.latency, p.hang
	if len(p.next) > 0 {
		body, p.next = p.next[0], p.next[1:]
	}
	p.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return
	}
	time.Sleep(latency)
	write(w, body)
}

func (p *fakePeople) judge(form url.Values, serial int) answer {
	if form.Get("client_assertion") == "" && form.Get("client_secret") != p.secret {
		return errorResponse(http.StatusUnauthorized, "invalid_client", 7000215)
	}
	switch form.Get("grant_type") {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if form.Get("requested_token_use") != "on_behalf_of" {
			return errorResponse(http.StatusBadRequest, "invalid_request", 900144)
		}
		return p.exchange(form, form.Get("assertion"), assertionCanary, 500133, serial)
	case "refresh_token":
		return p.exchange(form, form.Get("refresh_token"), "canary-refresh-of-", 50173, serial)
	case "authorization_code":
		return p.redeem(form, serial)
	}
	return errorResponse(http.StatusBadRequest, "unsupported_grant_type", 70003)
}

// exchange is for whom token names after its prefix.
func (p *fakePeople) exchange(form url.Values, token, prefix string, whenExpired, serial int) answer {
	name, known := strings.CutPrefix(token, prefix)
	name, _, _ = strings.Cut(name, "-")
	switch {
	case !known || oids[name] == "":
		return errorResponse(http.StatusBadRequest, "invalid_grant", 50013)
	case p.expired[token]:
		return errorResponse(http.StatusBadRequest, "invalid_grant", whenExpired)
	}
	return p.issue(name, form.Get("scope"), "", serial)
}

// redeem looks at what PKCE and RFC 6749, 4.1.3, want looked at.
func (p *fakePeople) redeem(form url.Values, serial int) answer {
	code := form.Get("code")
	g, ok := p.codes[code]
	delete(p.codes, code)
	switch {
	case !ok:
		return errorResponse(http.StatusBadRequest, "invalid_grant", 54005)
	case form.Get("redirect_uri") != callback:
		return errorResponse(http.StatusBadRequest, "invalid_request", 50011)
	case challengeOf(form.Get("code_verifier")) != g.challenge:
		return errorResponse(http.StatusBadRequest, "invalid_grant", 501481)
	}
	return p.issue("ada", form.Get("scope"), g.nonce, serial)
}

// issue makes the tokens of a person; the access token tells whose it is.
func (p *fakePeople) issue(name, scope, nonce string, serial int) answer {
	id := map[string]any{
		"aud": clientID, "iss": "https://" + production + "/" + tenant + "/v2.0", "ver": "2.0", "tid": tenant, "oid": oids[name],
		"sub": "pairwise-" + name, "name": "Ada Lovelace", "preferred_username": name + "@contoso.example",
		"nonce": nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	if p.id != nil {
		p.id(id)
	}
	tokens := map[string]any{
		"token_type": "Bearer", "expires_in": p.lifetime, "access_token": fmt.Sprintf("%s%s-%d", tokenCanary, name, serial),
		"refresh_token": fmt.Sprintf("canary-refresh-of-%s-%d", name, serial), "id_token": "e30." + segment(id) + ".",
		"client_info": segment(map[string]any{"uid": oids[name], "utid": tenant}),
	}
	if !p.noScope {
		tokens["scope"] = strings.TrimSpace(strings.ReplaceAll(scope, "offline_access", ""))
	}
	if p.refreshIn > 0 {
		tokens["refresh_in"] = p.refreshIn
	}
	body, _ := json.Marshal(tokens)
	return answer{body: string(body)}
}

func segment(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString(text)
}

// onBehalfOf acts for people by the production authority's name, discovery included.
func (p *fakePeople) onBehalfOf(t testing.TB, edit func(*entra.Config)) *entra.OnBehalfOf {
	t.Helper()
	cfg := p.settings(t)
	if edit != nil {
		edit(&cfg)
	}
	o, err := entra.NewOnBehalfOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (p *fakePeople) settings(t testing.TB) entra.Config {
	return entra.Config{
		TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
		Authority: "https://" + production, Scope: delegated, HTTP: p.client(t),
	}
}

// amongPeople is inBubble for a fake of people.
func amongPeople(t *testing.T, story func(t *testing.T, p *fakePeople)) {
	t.Helper()
	inBubble(t, func(t *testing.T, _ *fakeEntra) {
		p := startPeople(t)
		t.Cleanup(func() { time.Sleep(time.Minute) })
		story(t, p)
	})
}

func exchange(ctx context.Context, o *entra.OnBehalfOf, name string, ask entra.TokenRequest) (string, error) {
	token, err := o.Get(ctx, assertionCanary+name, ask)
	return strings.TrimPrefix(token.Text, tokenCanary), err
}

func wantTraded(t *testing.T, o *entra.OnBehalfOf, name string, ask entra.TokenRequest, want string) {
	t.Helper()
	if got, err := exchange(t.Context(), o, name, ask); err != nil || got != want {
		t.Fatalf("Get(%s, %+v) = %q, %v; want token %s", name, ask, got, err, want)
	}
}

// wantRefused is for a sign-in that ends in an error which says what to do, and shows nothing secret.
func wantRefused(t *testing.T, err error, want entra.Error, hint string) {
	t.Helper()
	problem := asRefusal(t, err)
	got := entra.Error{Code: problem.Code, OAuth: problem.OAuth, Status: problem.Status, Temporary: problem.Temporary}
	if got != want || !strings.Contains(err.Error(), hint) {
		t.Errorf("error %+v %q, want %+v and %q", got, err, want, hint)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(form, err); strings.Contains(text, "canary") {
			t.Errorf("%s shows %s", form, text)
		}
	}
}

const callback = "https://scans.example.com/link/callback"

func challengeOf(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}
