package entra_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

func TestDeviceCodesThatFail(t *testing.T) {
	cases := map[string]struct {
		change func(*fakeTenant)
		want   entra.Error
		hint   string
	}{
		"declined": {func(f *fakeTenant) { f.AutoDecline() },
			entra.Error{Code: "AADSTS70018", OAuth: "authorization_declined", Status: 400, Correlation: correlation}, "declined in the browser: call again"},
		"expired, it says": {func(f *fakeTenant) { f.failNext(refusal(400, "expired_token", 70020)) },
			entra.Error{Code: "AADSTS70020", OAuth: "expired_token", Status: 400, Correlation: correlation}, "call again for a new one"},
		"expired": {func(f *fakeTenant) {
			f.AutoApprove("")
			f.Change(func(o *entratest.Options) { o.DeviceCodeLifetime = 30 * time.Second })
		},
			entra.Error{OAuth: "expired_token"}, "call again for a new one"},
		"no public client": {func(f *fakeTenant) { f.failNext(refusal(401, "invalid_client", 7000218)) },
			entra.Error{Code: "AADSTS7000218", OAuth: "invalid_client", Status: 401, Correlation: correlation}, "allow public client flows"},
		"not assigned": {func(f *fakeTenant) { f.failNext(refusal(400, "invalid_grant", 50105)) },
			entra.Error{Code: "AADSTS50105", OAuth: "invalid_grant", Status: 400, Correlation: correlation}, "assign"},
		"not consented": {func(f *fakeTenant) { f.failNext(refusal(400, "invalid_grant", 65001)) },
			entra.Error{Code: "AADSTS65001", OAuth: "invalid_grant", Status: 400, Correlation: correlation}, "consent to Machine.ReadWrite"},
		"other tenant": {setTenant(otherTenant), entra.Error{}, "belongs to another tenant than AZURE_TENANT_ID"},
		"no tenant":    {setTenant(""), entra.Error{}, "belongs to another tenant"},
		"a portal":     {func(f *fakeTenant) { f.failNext(fault{Body: "<html>canary</html>"}) }, entra.Error{}, "something other than Entra ID"},
		"a redirect": {func(f *fakeTenant) {
			f.failNext(fault{Status: 302, Location: "https://portal.example/", EmptyBody: true})
		}, entra.Error{Status: 302}, "something other than Entra ID"},
		"page without TLS":  {deviceCode("http://microsoft.com/devicelogin", "F7KQ2MXRD"), entra.Error{}, "not a device code"},
		"page with a login": {deviceCode("https://canary@microsoft.com/", "F7KQ2MXRD"), entra.Error{}, "not a device code"},
		"page of text":      {deviceCode("https://a/ canary", "F7KQ2MXRD"), entra.Error{}, "not a device code"},
		"page too long":     {deviceCode("https://a/"+strings.Repeat("a", 200), "F7KQ2MXRD"), entra.Error{}, "not a device code"},
		"page and a script": {deviceCode("https://a/\u202ecanary", "F7KQ2MXRD"), entra.Error{}, "not a device code"},
		"code of text":      {deviceCode(codePage, "CANARY\nX"), entra.Error{}, "not a device code"},
		"code too long":     {deviceCode(codePage, strings.Repeat("A", 21)), entra.Error{}, "not a device code"},
		"code too short":    {deviceCode(codePage, "ABC"), entra.Error{}, "not a device code"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				c.change(f)
				wantFailedDeviceCode(t, f, c.want, c.hint)
			})
		})
	}
}

// wantFailedDeviceCode checks the error of a sign-in, and that the next call starts a new one.
func wantFailedDeviceCode(t *testing.T, f *fakeTenant, want entra.Error, hint string) {
	t.Helper()
	var shown prompts
	s := f.userSource(t, &shown, nil)
	wantHint(t, wantSignInError(t, s, want), hint)
	f.ClearFaults()
	f.AutoApprove(adaID)
	f.Change(func(o *entratest.Options) { o.IDToken, o.DeviceCodeLifetime = nil, 0 })
	if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
		t.Error(err)
	}
	if n := f.Count("/devicecode"); n != 2 {
		t.Errorf("%d codes for two sign-ins", n)
	}
	for _, text := range shown.texts {
		wantNoSecrets(t, text)
	}
}

// setTenant returns a change that makes ID tokens name another tenant.
func setTenant(id string) func(*fakeTenant) {
	return func(f *fakeTenant) { f.setClaims(func(claims map[string]any) { claims["tid"] = id }) }
}

// deviceCode returns a change that makes the fake answer one device code request with this page and user code.
func deviceCode(page, userCode string) func(*fakeTenant) {
	body, _ := json.Marshal(map[string]any{
		"device_code": "canary-device-code", "user_code": userCode, "verification_uri": page,
		"expires_in": 900, "interval": 5, "message": "canary " + secret,
	})
	return func(f *fakeTenant) { f.Fail(fault{Path: "/devicecode", Body: string(body)}) }
}

func TestACodeOutlivesAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.failNext(status(http.StatusServiceUnavailable), throttled("20"))
		s := f.userSource(t, &shown, nil)
		start := time.Now()
		if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 25*time.Second || took > 26*time.Second {
			t.Errorf("took %v, want the pauses of 5s and 20s", took)
		}
		if n := f.Count("/devicecode"); n != 1 {
			t.Errorf("%d codes", n)
		}
	})
}

func TestSilenceDoesNotHoldASignInUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.failDiscovery(fault{Delay: 30 * time.Second})
		var shown prompts
		s := f.userSource(t, &shown, nil)
		start := time.Now()
		wantHint(t, wantSignInError(t, s, entra.Error{Temporary: true}), "did not answer in time")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v, want 10s", took)
		}
		shown.want(t)
	})
}

func TestNoUserIsAskedWhenEntraIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		s := f.userSource(t, &shown, nil)
		if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		busy := status(http.StatusServiceUnavailable)
		f.failNext(busy, busy, busy)
		wantSignInError(t, s, entra.Error{Status: 503, Temporary: true})
		f.failNext(throttled("60"))
		wantSignInError(t, s, entra.Error{Status: 429, Temporary: true, RetryAfter: time.Minute})
		f.hang()
		wantHint(t, wantSignInError(t, s, entra.Error{Temporary: true}), "did not answer in time")
		shown.want(t, prompted(1))
	})
}
