package entratest_test

import (
	"net/url"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

// TestApplicationToken compares a token for Defender, in v1.0 form, and one for the app itself, in v2.0 form.
func TestApplicationToken(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now, ExpiresIn: 20 * time.Minute, RefreshIn: 10 * time.Minute})
	a := requestToken(t, fake, tokenForm("client_credentials"))
	wantClaims(t, a.body, map[string]any{
		"token_type": "Bearer", "expires_in": 1200, "refresh_in": 600, "scope": nil, "refresh_token": nil, "id_token": nil,
	})
	now := clock.Now().Unix()
	wantClaims(t, decodeClaims(t, a.field("access_token")), map[string]any{
		"aud": entratest.Defender, "iss": "https://sts.windows.net/" + entratest.Tenant + "/", "ver": "1.0",
		"appid": clientID, "tid": entratest.Tenant, "roles": []string{"Machine.Read.All"}, "idtyp": "app",
		"scp": nil, "azp": nil, "iat": now, "nbf": now, "exp": now + 1200,
	})
	for _, own := range []string{resource + "/.default", clientID + "/.default"} {
		a = requestToken(t, fake, tokenForm("client_credentials", "scope", own))
		wantClaims(t, decodeClaims(t, a.field("access_token")), map[string]any{
			"aud": clientID, "iss": fake.Issuer(entratest.Tenant), "ver": "2.0", "azp": clientID, "appid": nil, "roles": nil,
		})
	}
}

// TestRefreshToken renews a user's token until the user is revoked.
func TestRefreshToken(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	first := exchangeOnBehalf(t, fake, "scope", write+" openid offline_access")
	renew := func(client, scope string) answer {
		return requestToken(t, fake, tokenForm("refresh_token", "refresh_token", first.field("refresh_token"), "client_id", client, "scope", scope))
	}
	renewed := renew(clientID, entratest.Defender+"/Machine.Read")
	wantClaims(t, decodeClaims(t, renewed.field("access_token")), map[string]any{"oid": adaID, "scp": "Machine.Read"})
	if next := renewed.field("refresh_token"); next == "" || next == first.field("refresh_token") {
		t.Errorf("refresh_token = %q, want a new one", next)
	}
	wantRefusal(t, renew(clientID, entratest.Defender+"/Machine.Isolate"), 400, "invalid_grant", 65001)
	fake.AddApp(entratest.App{ClientID: "thief", Secret: secret, Consented: []string{write}})
	wantRefusal(t, renew("thief", write), 400, "invalid_grant", 70000)
	fake.Revoke(adaID)
	wantRefusal(t, renew(clientID, write), 400, "invalid_grant", 50173)
}

// exchangeOnBehalf exchanges a valid token of Ada's.
func exchangeOnBehalf(t testing.TB, fake *entratest.Server, changes ...string) answer {
	t.Helper()
	return requestToken(t, fake, onBehalfForm(fake, changes...))
}

func onBehalfForm(fake *entratest.Server, changes ...string) url.Values {
	good := fake.UserToken(ada, clientID, []string{"Scans.Use"}, ada.Roles)
	return tokenForm("urn:ietf:params:oauth:grant-type:jwt-bearer",
		append([]string{"requested_token_use", "on_behalf_of", "assertion", good}, changes...)...)
}

// TestOnBehalfOf issues a token in the caller's name, for what the app was consented to.
func TestOnBehalfOf(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now})
	a := exchangeOnBehalf(t, fake, "scope", all+" openid offline_access profile", "client_info", "1")
	wantClaims(t, decodeClaims(t, a.field("access_token")), map[string]any{
		"aud": entratest.Defender, "ver": "1.0", "appid": clientID, "oid": adaID, "upn": "ada@test.example",
		"scp": "Machine.ReadWrite Machine.Read", "roles": nil,
	})
	wantClaims(t, decodeClaims(t, a.field("id_token")), map[string]any{"aud": clientID, "oid": adaID, "name": "Ada Lovelace", "nonce": nil})
	wantClaims(t, a.body, map[string]any{"scope": write + " " + entratest.Defender + "/Machine.Read " + all})
	if log := fake.Tokens(); log[len(log)-1].User != adaID {
		t.Errorf("recorded %+v", log[len(log)-1])
	}
	a = exchangeOnBehalf(t, fake, "scope", entratest.KeyVault+"/user_impersonation")
	wantRefusal(t, a, 400, "invalid_grant", 65001)
	wantRefusal(t, exchangeOnBehalf(t, fake, "scope", entratest.KeyVault+"/.default"), 400, "invalid_grant", 65001)
	if a := exchangeOnBehalf(t, fake, "scope", write); a.field("id_token") != "" {
		t.Error("an ID token without openid")
	}
	wantClaims(t, a.body, map[string]any{"suberror": "consent_required"})
	wantRefusal(t, exchangeOnBehalf(t, fake, "scope", "openid"), 400, "invalid_request", 900144)
}

// TestUserAssertions refuses every token that the app cannot have been called with.
func TestUserAssertions(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now})
	good := func(changes map[string]any, how ...entratest.Forgery) string {
		c := fake.UserClaims(ada, clientID, []string{"Scans.Use"}, nil)
		for name, value := range changes {
			c[name] = value
		}
		return fake.Sign(c, how...)
	}
	now := clock.Now()
	for name, tt := range map[string]struct {
		assertion string
		code      int
	}{
		"no token":       {"junk", 50027},
		"foreign key":    {good(nil, entratest.ForeignKey()), 50013},
		"alg none":       {good(nil, entratest.AlgNone()), 50013},
		"key confusion":  {good(nil, entratest.PublicKeyAsSecret()), 50013},
		"unknown key":    {good(nil, entratest.KeyID("other")), 50013},
		"other tenant":   {good(map[string]any{"tid": "other"}), 50013},
		"other audience": {good(map[string]any{"aud": toolID}), 500131},
		"expired":        {good(map[string]any{"exp": now.Add(-time.Second).Unix()}), 500133},
		"no end":         {good(map[string]any{"exp": nil}), 500133},
		"not yet":        {good(map[string]any{"nbf": now.Add(10 * time.Minute).Unix()}), 500133},
		"no scope":       {good(map[string]any{"scp": ""}), 7000114},
		"app by idtyp":   {good(map[string]any{"idtyp": "app"}), 7000114},
		"an application": {fake.Sign(fake.AppClaims(toolID, clientID, []string{"Scans.Use.All"})), 7000114},
		"no such user":   {good(map[string]any{"oid": "gone"}), 50034},
	} {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, exchangeOnBehalf(t, fake, "assertion", tt.assertion), 400, "invalid_grant", tt.code)
		})
	}
}
