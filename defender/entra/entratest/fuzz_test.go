package entratest_test

import (
	"net/url"
	"sync"
	"testing"

	"scanwarden/defender/entra/entratest"
)

// FuzzToken checks that no form gets a token without the app's secret, and that each refusal has Entra ID's
// form.
func FuzzToken(f *testing.F) {
	fake := startTenant(f, entratest.Options{})
	good := fake.UserToken(ada, clientID, []string{"Scans.Use"}, nil)
	f.Add("client_credentials", all, "", "", "")
	f.Add("urn:ietf:params:oauth:grant-type:jwt-bearer", write, "", good, "")
	f.Add("refresh_token", "//", "a.b.c", "..", "fake-refresh-token-00000001")
	f.Add("authorization_code", " / ", "e30.e30.", "\x00", "%")
	f.Add("device_code", "openid /.default", "bnVsbA.bnVsbA.", "", "fake-device-code-00000001")
	f.Fuzz(func(t *testing.T, grant, scope, proof, assertion, held string) {
		if proof == secret {
			return // the right secret
		}
		a := requestToken(t, fake, url.Values{
			"grant_type": {grant}, "client_id": {clientID}, "scope": {scope}, "requested_token_use": {"on_behalf_of"},
			"client_assertion": {proof}, "client_assertion_type": {assertionType}, "assertion": {assertion},
			"code": {held}, "refresh_token": {held}, "device_code": {held},
		})
		if a.status < 400 || a.status > 499 || a.code() == 0 || a.field("access_token") != "" {
			t.Errorf("got %d %s", a.status, a.text)
		}
		wrong := tokenForm("client_credentials")
		wrong.Set("client_secret", proof)
		a = requestToken(t, fake, wrong)
		wantRefusal(t, a, 401, "invalid_client", 7000215)
	})
}

// TestConcurrent runs everything at once, for the race detector.
func TestConcurrent(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if a := exchangeOnBehalf(t, fake, "scope", write+" offline_access"); a.status != 200 {
				t.Error(a.text)
			}
			fake.RotateKey()
			code, poll := startDeviceCode(t, fake)
			if err := fake.Approve(code, adaID); err != nil {
				t.Error(err)
			}
			fake.SignIn(adaID)
			fake.SetSkew(0)
			fake.AddUser(ada)
			if a := poll(); a.status != 200 {
				t.Error(a.text)
			}
			fake.Requests()
		})
	}
	all.Wait()
	if len(fetchKeys(t, fake)) != 5 {
		t.Error("a key was lost")
	}
}
