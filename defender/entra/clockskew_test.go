package entra_test

import (
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func TestAClockThatIsOff(t *testing.T) {
	cases := map[time.Duration]string{
		3 * time.Hour:     "; this machine's clock is 3h0m0s behind Entra ID's: set it right first",
		-26 * time.Minute: "; this machine's clock is 26m0s ahead of Entra ID's: set it right first",
		4 * time.Minute:   "",
		-4 * time.Minute:  "",
	}
	const known = "the credential is not valid at this time: check this machine's clock and the end of the certificate or token"
	refused := entra.Error{Code: "AADSTS700024", OAuth: "invalid_client", Status: 401}
	for kind, edit := range credentials(t) {
		for skew, want := range cases {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				f.SetSkew(skew)
				f.failNext(refusal(401, "invalid_client", 700024))
				_, err := getText(t.Context(), f.source(t, edit), false)
				t.Logf("with a %s, %v off", kind, skew)
				wantRefused(t, err, refused, "")
				wantSentence(t, err, errorSentence(refused, known+want), tokenForms(f))
			})
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				f.SetSkew(skew)
				f.failNext(refusal(401, "invalid_client", 700024))
				_, err := f.exchange(t.Context(), f.onBehalfOf(t, edit), "ada", entra.TokenRequest{})
				t.Logf("with a %s on behalf of a user, %v off", kind, skew)
				wantRefused(t, err, refused, "")
				wantSentence(t, err, errorSentence(refused, known+want), tokenForms(f))
			})
		}
	}
}

// A user's sign-in does not depend on the clock, but its code or token may seem expired or not yet valid.
func TestAClockThatIsOffWhereUsersSignIn(t *testing.T) {
	const want = "Entra ID sign-in failed (AADSTS70008, invalid_grant, HTTP 400): the sign-in has expired: sign in again; " +
		"this machine's clock is 3h0m0s behind Entra ID's: set it right first"
	refused := entra.Error{Code: "AADSTS70008", OAuth: "invalid_grant", Status: 400}
	off := func(f *fakeTenant) {
		f.SetSkew(3 * time.Hour)
		f.failNext(refusal(400, "invalid_grant", 70008))
	}
	tell := func(t *testing.T, err error, f *fakeTenant) {
		wantRefused(t, err, refused, "")
		wantSentence(t, err, want, tokenForms(f))
		wantTokenRequests(t, f, 1)
	}
	t.Run("device code", func(t *testing.T) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			var shown prompts
			off(f)
			_, err := getText(t.Context(), f.userSource(t, &shown, nil), false)
			tell(t, err, f)
		})
	})
	t.Run("browser", func(t *testing.T) {
		f := startTenant(t)
		var shown prompts
		off(f)
		_, err := getText(t.Context(), newTestBrowser(f).source(t, &shown, nil), false)
		tell(t, err, f)
	})
	t.Run("on behalf of", func(t *testing.T) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			off(f)
			_, err := f.exchange(t.Context(), f.onBehalfOf(t, nil), "ada", entra.TokenRequest{})
			tell(t, err, f)
		})
	})
}

// The program tries once: another token would be expired too.
func TestATokenThatIsExpiredOnArrival(t *testing.T) {
	over := func(f *fakeTenant) { f.setExpiresIn(-time.Minute) }
	tell := func(t *testing.T, err error, f *fakeTenant) {
		wantRefused(t, err, entra.Error{}, "")
		wantSentence(t, err, "Entra ID sign-in failed: the token had expired when it came: check this machine's clock, which shows "+
			time.Now().UTC().Format("2006-01-02 15:04")+" UTC", tokenForms(f))
		wantTokenRequests(t, f, 1)
	}
	for kind, edit := range credentials(t) {
		t.Run(kind, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				over(f)
				_, err := getText(t.Context(), f.source(t, edit), false)
				tell(t, err, f)
			})
		})
		t.Run(kind+" on behalf of", func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				for i, lifetime := range []time.Duration{-time.Minute, 4 * time.Minute} { // MSAL returns no token of less than five minutes
					f.setExpiresIn(lifetime)
					_, err := f.exchange(t.Context(), f.onBehalfOf(t, edit), "ada", entra.TokenRequest{})
					wantRefused(t, err, entra.Error{}, "")
					wantSentence(t, err, "Entra ID sign-in failed: the user's token had expired when it came, or was about to: check this machine's "+
						"clock, which shows 2000-01-01 00:00 UTC, and that the app's tokens live longer than five minutes", tokenForms(f))
					wantTokenRequests(t, f, i+1)
				}
			})
		})
	}
	t.Run("device code", func(t *testing.T) {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			var shown prompts
			over(f)
			_, err := getText(t.Context(), f.userSource(t, &shown, nil), false)
			tell(t, err, f)
			shown.want(t, prompted(1))
		})
	})
	t.Run("browser", func(t *testing.T) {
		f := startTenant(t)
		var shown prompts
		over(f)
		_, err := getText(t.Context(), newTestBrowser(f).source(t, &shown, nil), false)
		wantRefused(t, err, entra.Error{}, "the token had expired when it came: check this machine's clock, which shows 2") // the real time
		wantNoSecrets(t, err)
		wantTokenRequests(t, f, 1)
	})
}
