package entratest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

// TestRefusals checks the word and code of each refusal.
func TestRefusals(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.AddApp(entratest.App{ClientID: "late", Secret: secret, ExpiredSecret: true})
	fake.AddApp(entratest.App{ClientID: "bare"})
	const bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
		word   string
		code   int
	}{
		{"no grant", tokenForm(""), 400, "invalid_request", 900144},
		{"unknown grant", tokenForm("password"), 400, "unsupported_grant_type", 70003},
		{"no client", tokenForm("client_credentials", "client_id", "-"), 400, "invalid_request", 900144},
		{"unknown client", tokenForm("client_credentials", "client_id", "nobody"), 400, "unauthorized_client", 700016},
		{"wrong secret", tokenForm("client_credentials", "client_secret", "wrong"), 401, "invalid_client", 7000215},
		{"empty secret", tokenForm("client_credentials", "client_secret", ""), 401, "invalid_client", 7000215},
		{"no secret to have", tokenForm("client_credentials", "client_id", "bare", "client_secret", ""), 401, "invalid_client", 7000215},
		{"expired secret", tokenForm("client_credentials", "client_id", "late"), 401, "invalid_client", 7000222},
		{"wrong and expired", tokenForm("client_credentials", "client_id", "late", "client_secret", "wrong"), 401, "invalid_client", 7000215},
		{"no proof", tokenForm("client_credentials", "client_secret", "-"), 401, "invalid_client", 7000216},
		{"no credential for a user", tokenForm("refresh_token", "client_secret", "-"), 401, "invalid_client", 7000218},
		{"public app on behalf", tokenForm(bearer, "client_id", toolID, "client_secret", "-"), 401, "invalid_client", 7000218},
		{"secret of a public app", tokenForm("client_credentials", "client_id", toolID), 401, "invalid_client", 700025},
		{"two proofs", tokenForm("client_credentials", "client_assertion", "x"), 400, "invalid_request", 90023},
		{"no scope", tokenForm("client_credentials", "scope", "-"), 400, "invalid_request", 900144},
		{"part of the scope", tokenForm("client_credentials", "scope", write), 400, "invalid_scope", 1002012},
		{"bare scope", tokenForm("client_credentials", "scope", "openid profile"), 400, "invalid_scope", 1002012},
		{"two resources", tokenForm("client_credentials", "scope", all+" "+resource+"/.default"), 400, "invalid_scope", 28000},
		{"all and a part", tokenForm("client_credentials", "scope", all+" "+write), 400, "invalid_scope", 70011},
		{"a resource alone", tokenForm("client_credentials", "scope", entratest.Defender+"/"), 400, "invalid_scope", 70011},
		{"unknown resource", tokenForm("client_credentials", "scope", "https://nowhere.example/.default"), 400, "invalid_resource", 500011},
		{"unknown refresh token", tokenForm("refresh_token", "refresh_token", "made-up"), 400, "invalid_grant", 70000},
		{"no refresh token", tokenForm("refresh_token"), 400, "invalid_request", 900144},
		{"unknown code", tokenForm("authorization_code", "code", "made-up"), 400, "invalid_grant", 70000},
		{"no code", tokenForm("authorization_code"), 400, "invalid_request", 900144},
		{"unknown device code", tokenForm("device_code", "device_code", "made-up"), 400, "bad_verification_code", 70018},
		{"no device code", tokenForm("device_code"), 400, "invalid_request", 900144},
		{"no assertion", tokenForm(bearer, "requested_token_use", "on_behalf_of"), 400, "invalid_request", 900144},
		{"no token use", tokenForm(bearer, "assertion", "x"), 400, "invalid_request", 900144},
	} {
		t.Run(tt.name, func(t *testing.T) { wantRefusal(t, requestToken(t, fake, tt.form), tt.status, tt.word, tt.code) })
	}
}

// TestRefusalShape compares a refusal with the page's example. It must not repeat what was sent.
func TestRefusalShape(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	const correlation = "1b5d6e4a-0f7c-4d7e-9a51-0a2f1d3c5b7e"
	address := fake.Authority() + "/" + fake.Tenant() + "/oauth2/v2.0/token"
	req, err := http.NewRequest("POST", address, strings.NewReader(tokenForm("client_credentials", "client_secret", "canary-wrong").Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("client-request-id", correlation)
	resp, err := fake.Client().Do(req)
	a := readAnswer(t, resp, err)
	description := a.field("error_description")
	if !strings.HasPrefix(description, "AADSTS7000215: ") || !strings.Contains(description, "Correlation ID: "+correlation) {
		t.Errorf("error_description = %q", description)
	}
	if a.field("correlation_id") != correlation || len(a.field("trace_id")) != 36 || a.field("error_uri") == "" {
		t.Errorf("ids = %v", a.body)
	}
	if _, err := time.Parse("2006-01-02 15:04:05Z", a.field("timestamp")); err != nil {
		t.Error(err)
	}
	if strings.Contains(a.text, "canary") {
		t.Errorf("the refusal repeats what was sent: %s", a.text)
	}
}

// TestTenant checks that only the one tenant exists, in any spelling.
func TestTenant(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	for _, tt := range []struct {
		tenant, path, word string
		status             int
	}{
		{"common", "/v2.0/.well-known/openid-configuration", "invalid_tenant", 400},
		{"99999999-0000-0000-0000-000000000000", "/v2.0/.well-known/openid-configuration", "invalid_tenant", 400},
		{"99999999-0000-0000-0000-000000000000", "/discovery/v2.0/keys", "invalid_request", 400},
		{strings.ToUpper(entratest.Tenant), "/v2.0/.well-known/openid-configuration", "", 200},
	} {
		a := get(t, fake, fake.Authority()+"/"+tt.tenant+tt.path)
		code := 0
		if tt.status != 200 {
			code = 90002
		}
		wantRefusal(t, a, tt.status, tt.word, code)
	}
	resp, err := fake.Client().PostForm(fake.Authority()+"/common/oauth2/v2.0/token", tokenForm("client_credentials"))
	wantRefusal(t, readAnswer(t, resp, err), 400, "invalid_request", 90002)
}

// TestSecretInQuery checks that a secret in the address is ignored, because logs would keep it.
func TestSecretInQuery(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	a := post(t, fake, "oauth2/v2.0/token?client_secret="+url.QueryEscape(secret), tokenForm("client_credentials", "client_secret", "-"))
	wantRefusal(t, a, 401, "invalid_client", 7000216)
}

// TestClientRegistration replaces an app, whose old secret is then refused.
func TestClientRegistration(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	if a := requestToken(t, fake, tokenForm("client_credentials")); a.status != 200 {
		t.Fatal(a.text)
	}
	fake.AddApp(entratest.App{ClientID: strings.ToUpper(clientID), Secret: "renewed"})
	wantRefusal(t, requestToken(t, fake, tokenForm("client_credentials")), 401, "invalid_client", 7000215)
}
