package entratest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra/entratest"
)

// TestChange covers the options that a test changes while the tenant runs.
func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const correlation = "1b5d6e4a-0f7c-4d7e-9a51-0a2f1d3c5b7e"
		fake := startTenant(t, entratest.Options{InMemory: true, CorrelationID: correlation})
		begun := time.Now()
		fake.Change(func(o *entratest.Options) { o.Latency, o.ExpiresIn = time.Second, -time.Minute })
		a := requestToken(t, fake, tokenForm("client_credentials"))
		wantClaims(t, a.body, map[string]any{"expires_in": -60})
		if took := time.Since(begun); took != time.Second {
			t.Errorf("answered after %v, want 1s", took)
		}
		a = requestToken(t, fake, tokenForm("client_credentials", "client_secret", "wrong"))
		wantClaims(t, a.body, map[string]any{"correlation_id": correlation})
		fake.Change(func(o *entratest.Options) {
			o.OmitScope, o.ExpiresIn = true, 0
			o.AccessToken = func(n int, r entratest.Request) string { return r.Grant + string(rune('0'+n)) + r.User }
			o.IDToken = func(claims map[string]any) { claims["tid"] = "other" }
		})
		a = exchangeOnBehalf(t, fake, "scope", write+" openid")
		wantClaims(t, a.body, map[string]any{"scope": nil, "access_token": "urn:ietf:params:oauth:grant-type:jwt-bearer3" + adaID})
		wantClaims(t, decodeClaims(t, a.field("id_token")), map[string]any{"tid": "other"})
		if forms := fake.TokenForms(); len(forms) != 3 || forms[1].Get("client_secret") != "wrong" {
			t.Errorf("%d forms %v", len(forms), forms)
		}
		get(t, fake, fake.Authority()+"/nowhere")
		if fake.Count("/nowhere") != 1 {
			t.Error("a request to an unknown path was not recorded")
		}
	})
}

// TestStandingAnswers covers codes that are entered without [entratest.Server.Approve].
func TestStandingAnswers(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	_, poll := startDeviceCode(t, fake)
	wantRefusal(t, poll(), 400, "authorization_pending", 70016)
	fake.AutoApprove(adaID)
	wantClaims(t, decodeClaims(t, poll().field("access_token")), map[string]any{"oid": adaID})
	_, poll = startDeviceCode(t, fake)
	if a := poll(); a.status != 200 {
		t.Error(a.text)
	}
	fake.AutoDecline()
	_, poll = startDeviceCode(t, fake)
	wantRefusal(t, poll(), 400, "authorization_declined", 70018)
	fake.AutoApprove("")
	_, poll = startDeviceCode(t, fake)
	wantRefusal(t, poll(), 400, "authorization_pending", 70016)
}
