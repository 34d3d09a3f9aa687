package entra_test

import (
	"testing"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

func TestACodeThatIsRefused(t *testing.T) {
	nothing := func(*fakeTenant) {}
	for name, c := range map[string]struct {
		prepare  func(*fakeTenant)
		verifier string
		want     entra.Error
		hint     string
	}{
		"another verifier": {nothing, verifier + "x", entra.Error{Code: "AADSTS501481", OAuth: "invalid_grant", Status: 400}, "start the sign-in again"},
		"expired":          {func(f *fakeTenant) { f.failNext(refusal(400, "invalid_grant", 70008)) }, verifier, entra.Error{Code: "AADSTS70008", OAuth: "invalid_grant", Status: 400}, "sign in again"},
		"expired by time":  {func(*fakeTenant) { time.Sleep(10 * time.Minute) }, verifier, entra.Error{Code: "AADSTS70008", OAuth: "invalid_grant", Status: 400}, "sign in again"},
		"revoked secret":   {func(f *fakeTenant) { f.changeApp(func(a *entratest.App) { a.Secret = "canary~renewed" }) }, verifier, entra.Error{Code: "AADSTS7000215", OAuth: "invalid_client", Status: 401}, "the client secret is wrong"},
		"busy":             {func(f *fakeTenant) { f.failNext(status(503)) }, verifier, entra.Error{Status: 503, Temporary: true}, "try again"},
		"throttled":        {func(f *fakeTenant) { f.failNext(throttled("30")) }, verifier, entra.Error{Status: 429, Temporary: true}, "try again in 30s"},
		"silent":           {(*fakeTenant).hang, verifier, entra.Error{Temporary: true}, "did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				w := f.webSignIn(t, nil)
				code := f.signInWithBrowser(t, w)
				c.prepare(f)
				_, err := w.Finish(t.Context(), code, nonce, c.verifier)
				wantRefused(t, err, c.want, c.hint)
				wantTokenRequests(t, f, 1) // a refused code is not sent again
			})
		})
	}
}

func TestACodeThatWasUsedBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		w := f.webSignIn(t, nil)
		code := f.signInWithBrowser(t, w)
		if _, err := w.Finish(t.Context(), code, nonce, verifier); err != nil {
			t.Fatal(err)
		}
		_, err := w.Finish(t.Context(), code, nonce, verifier)
		wantRefused(t, err, entra.Error{Code: "AADSTS54005", OAuth: "invalid_grant", Status: 400}, "start the sign-in again")
		wantTokenRequests(t, f, 2)
	})
}
