package entra_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func TestDeviceCodesThatFail(t *testing.T) {
	cases := map[string]struct {
		change func(*fakeEntra)
		want   entra.Error
		hint   string
	}{
		"declined": {func(f *fakeEntra) { f.guest.declines = true },
			entra.Error{Code: "AADSTS70018", OAuth: "authorization_declined", Status: 400, Correlation: correlation}, "declined in the browser: call again"},
		"expired, it says": {func(f *fakeEntra) { f.next = []answer{errorResponse(400, "expired_token", 70020)} },
			entra.Error{Code: "AADSTS70020", OAuth: "expired_token", Status: 400, Correlation: correlation}, "call again for a new one"},
		"expired": {func(f *fakeEntra) { f.guest.slow, f.guest.codeLasts = true, 30 },
			entra.Error{OAuth: "expired_token"}, "call again for a new one"},
		"no public client": {func(f *fakeEntra) { f.next = []answer{errorResponse(401, "invalid_client", 7000218)} },
			entra.Error{Code: "AADSTS7000218", OAuth: "invalid_client", Status: 401, Correlation: correlation}, "allow public client flows"},
		"not assigned": {func(f *fakeEntra) { f.next = []answer{errorResponse(400, "invalid_grant", 50105)} },
			entra.Error{Code: "AADSTS50105", OAuth: "invalid_grant", Status: 400, Correlation: correlation}, "assign"},
		"not consented": {func(f *fakeEntra) { f.next = []answer{errorResponse(400, "invalid_grant", 65001)} },
			entra.Error{Code: "AADSTS65001", OAuth: "invalid_grant", Status: 400, Correlation: correlation}, "consent to Machine.ReadWrite"},
		"other tenant":      {func(f *fakeEntra) { f.guest.tenant = correlation }, entra.Error{}, "belongs to another tenant than AZURE_TENANT_ID"},
		"no tenant":         {func(f *fakeEntra) { f.guest.tenant = "" }, entra.Error{}, "belongs to another tenant"},
		"a portal":          {func(f *fakeEntra) { f.next = []answer{{body: "<html>canary</html>"}} }, entra.Error{}, "something other than Entra ID"},
		"a redirect":        {func(f *fakeEntra) { f.next = []answer{{status: 302, location: "https://portal.example/"}} }, entra.Error{Status: 302}, "something other than Entra ID"},
		"page without TLS":  {func(f *fakeEntra) { f.guest.page = "http://microsoft.com/devicelogin" }, entra.Error{}, "not a device code"},
		"page with a login": {func(f *fakeEntra) { f.guest.page = "https://canary@microsoft.com/" }, entra.Error{}, "not a device code"},
		"page of text":      {func(f *fakeEntra) { f.guest.page = "https://a/ canary" }, entra.Error{}, "not a device code"},
		"page too long":     {func(f *fakeEntra) { f.guest.page = "https://a/" + strings.Repeat("a", 200) }, entra.Error{}, "not a device code"},
		"page and a script": {func(f *fakeEntra) { f.guest.page = "https://a/\u202ecanary" }, entra.Error{}, "not a device code"},
		"code of text":      {func(f *fakeEntra) { f.guest.userCode = "CANARY\nX" }, entra.Error{}, "not a device code"},
		"code too long":     {func(f *fakeEntra) { f.guest.userCode = strings.Repeat("A", 21) }, entra.Error{}, "not a device code"},
		"code too short":    {func(f *fakeEntra) { f.guest.userCode = "ABC" }, entra.Error{}, "not a device code"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeEntra) {
				var told prompts
				f.set(c.change)
				s := f.people(t, &told, nil)
				wantHint(t, wantError(t, s, c.want), c.hint)
				f.set(func(f *fakeEntra) { f.guest, f.next = ada, nil })
				if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil { // and the next sign-in is a new one
					t.Error(err)
				}
				if n := f.requests("/devicecode"); n != 2 {
					t.Errorf("%d codes for two sign-ins", n)
				}
				for _, text := range told.texts {
					wantClean(t, text)
				}
			})
		})
	}
}

func TestACodeOutlivesAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.answerNext(answer{status: http.StatusServiceUnavailable}, answer{status: http.StatusTooManyRequests, retryAfter: "20"})
		s := f.people(t, &told, nil)
		start := time.Now()
		if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 25*time.Second || took > 26*time.Second {
			t.Errorf("took %v, want the pauses of 5s and 20s", took)
		}
		if n := f.requests("/devicecode"); n != 1 {
			t.Errorf("%d codes", n)
		}
	})
}

func TestSilenceDoesNotHoldASignInUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		f.set(func(f *fakeEntra) {
			f.config = func(http.ResponseWriter) bool { time.Sleep(30 * time.Second); return true }
		})
		var told prompts
		s := f.people(t, &told, nil)
		start := time.Now()
		wantHint(t, wantError(t, s, entra.Error{Temporary: true}), "did not answer in time")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v, want 10s", took)
		}
		told.want(t)
	})
}

func TestNobodyIsAskedWhenEntraIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		s := f.people(t, &told, nil)
		if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		busy := answer{status: http.StatusServiceUnavailable}
		f.answerNext(busy, busy, busy)
		wantError(t, s, entra.Error{Status: 503, Temporary: true})
		f.answerNext(answer{status: http.StatusTooManyRequests, retryAfter: "60"})
		wantError(t, s, entra.Error{Status: 429, Temporary: true, RetryAfter: time.Minute})
		f.set(func(f *fakeEntra) { f.hang = true })
		wantHint(t, wantError(t, s, entra.Error{Temporary: true}), "did not answer in time")
		told.want(t, prompted)
	})
}
