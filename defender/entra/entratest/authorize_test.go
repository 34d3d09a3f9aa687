package entratest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

const verifier = "a-verifier-of-forty-three-characters-or-more-0123456789"

func codeChallenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// visitAuthorize opens the authorize endpoint as a browser that an app has sent there.
func visitAuthorize(t testing.TB, fake *entratest.Server, changes ...string) answer {
	t.Helper()
	q := url.Values{
		"client_id": {clientID}, "response_type": {"code"}, "redirect_uri": {callback}, "scope": {"openid profile"},
		"state": {"s t&te"}, "nonce": {"n-1"}, "code_challenge": {codeChallenge()}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
	}
	return get(t, fake, fake.Authority()+"/"+fake.Tenant()+"/oauth2/v2.0/authorize?"+q.Encode())
}

// returnedQuery returns the query that the browser takes back to the app.
func returnedQuery(t testing.TB, a answer) url.Values {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.status != 302 || !strings.HasPrefix(u.String(), callback+"?") {
		t.Fatalf("got %d to %q, %v: %s", a.status, u, err, a.text)
	}
	return u.Query()
}

func redeemCode(t testing.TB, fake *entratest.Server, code string, changes ...string) answer {
	t.Helper()
	return requestToken(t, fake, tokenForm("authorization_code",
		append([]string{"code", code, "redirect_uri", callback, "code_verifier", verifier, "scope", "openid profile"}, changes...)...))
}

// TestAuthorizationCode signs Ada in, once for each code.
func TestAuthorizationCode(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.SignIn(adaID)
	back := returnedQuery(t, visitAuthorize(t, fake))
	if back.Get("state") != "s t&te" {
		t.Errorf("state = %q", back.Get("state"))
	}
	a := redeemCode(t, fake, back.Get("code"))
	wantClaims(t, decodeClaims(t, a.field("id_token")), map[string]any{
		"aud": clientID, "iss": fake.Issuer(entratest.Tenant), "nonce": "n-1", "oid": adaID, "tid": entratest.Tenant,
		"name": "Ada Lovelace", "preferred_username": "ada@test.example", "roles": ada.Roles, "ver": "2.0",
	})
	if a.field("refresh_token") != "" {
		t.Error("a refresh token without offline_access")
	}
	wantRefusal(t, redeemCode(t, fake, back.Get("code")), 400, "invalid_grant", 54005)
}

// TestCodeIsBound checks that a code is accepted only from the app that requested it, in time and with the
// right verifier.
func TestCodeIsBound(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now})
	fake.AddApp(entratest.App{ClientID: "thief", Secret: secret, RedirectURIs: []string{callback}})
	fake.SignIn(adaID)
	code := returnedQuery(t, visitAuthorize(t, fake)).Get("code")
	wantRefusal(t, redeemCode(t, fake, code, "client_id", "thief"), 400, "invalid_grant", 70000)
	wantRefusal(t, redeemCode(t, fake, code, "redirect_uri", callback+"2"), 400, "invalid_client", 500112)
	wantRefusal(t, redeemCode(t, fake, code, "code_verifier", verifier+"x"), 400, "invalid_grant", 501481)
	wantRefusal(t, redeemCode(t, fake, code, "code_verifier", "-"), 400, "invalid_grant", 501481)
	clock.pass(10 * time.Minute)
	wantRefusal(t, redeemCode(t, fake, code), 400, "invalid_grant", 70008)

	plain := returnedQuery(t, visitAuthorize(t, fake, "code_challenge", "", "code_challenge_method", "")).Get("code")
	wantRefusal(t, redeemCode(t, fake, plain), 400, "invalid_grant", 501481)
	if a := redeemCode(t, fake, plain, "code_verifier", "-"); a.status != 200 {
		t.Error(a.text)
	}
}

// TestAuthorizeStays checks that a browser is never sent to an address that the app did not register.
func TestAuthorizeStays(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.SignIn(adaID)
	for _, changes := range [][]string{
		{"redirect_uri", "https://evil.example/"}, {"redirect_uri", ""}, {"redirect_uri", callback + "/"},
		{"redirect_uri", "http://localhost:1234"}, {"client_id", "nobody"},
		{"client_id", toolID, "redirect_uri", "http://localhost.evil.example:1"}, {"client_id", toolID, "redirect_uri", "https://localhost:1"},
	} {
		if a := visitAuthorize(t, fake, changes...); a.status != 400 || a.header.Get("Location") != "" || !strings.Contains(a.text, "AADSTS") {
			t.Errorf("%v: got %d to %q: %s", changes, a.status, a.header.Get("Location"), a.text)
		}
	}
	a := visitAuthorize(t, fake, "client_id", toolID, "redirect_uri", "http://localhost:51234")
	if back := a.header.Get("Location"); !strings.HasPrefix(back, "http://localhost:51234?code=") {
		t.Errorf("any port of localhost: got %q: %s", back, a.text)
	}
}

// TestAuthorizeRefuses checks that the app receives the error, with its state.
func TestAuthorizeRefuses(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.SignIn(adaID)
	check := func(word string, changes ...string) {
		t.Helper()
		back := returnedQuery(t, visitAuthorize(t, fake, changes...))
		if back.Get("error") != word || back.Get("code") != "" || back.Get("state") == "" {
			t.Errorf("%v: got %v, want %s", changes, back, word)
		}
	}
	check("unsupported_response_type", "response_type", "token")
	check("invalid_request", "scope", "")
	check("invalid_request", "code_challenge_method", "plain")
	check("invalid_request", "code_challenge_method", "")
	check("invalid_request", "code_challenge", "")
	check("invalid_request", "code_challenge", "short")
	check("invalid_scope", "scope", all+" "+resource+"/Scans.Use")
	check("consent_required", "scope", "openid "+entratest.KeyVault+"/user_impersonation")
	fake.DeclineSignIn()
	check("access_denied")
	fake.SignIn("")
	check("login_required", "prompt", "none")
	if a := visitAuthorize(t, fake); a.status != 200 || a.header.Get("Location") != "" || !strings.Contains(a.text, "SignIn") {
		t.Errorf("no user there: got %d, %s", a.status, a.text)
	}
}

// TestFormPost checks that the browser can return with a form.
func TestFormPost(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.SignIn(adaID)
	a := visitAuthorize(t, fake, "response_mode", "form_post")
	for _, part := range []string{
		`method="POST"`, `action="` + callback + `"`, `name="code" value="fake-authorization-code-`, `name="state" value="s t&amp;te"`,
	} {
		if a.status != 200 || !strings.Contains(a.text, part) {
			t.Errorf("got %d without %s: %s", a.status, part, a.text)
		}
	}
}
