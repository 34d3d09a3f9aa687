package entra_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func asError(t *testing.T, err error) *entra.Error {
	t.Helper()
	problem, ok := errors.AsType[*entra.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want an *entra.Error", err, err)
	}
	return problem
}

func TestATokenOnBehalfOfAUser(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		token, err := f.onBehalfOf(t, nil).Get(t.Context(), f.assertion("ada"), entra.TokenRequest{})
		if err != nil || token.Text != tokenCanary+"ada-1" || time.Until(token.Expires) != 3599*time.Second {
			t.Fatalf("Get = %+v, %v", token, err)
		}
		form := f.TokenForms()[0]
		for name, want := range map[string]string{
			"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "requested_token_use": "on_behalf_of",
			"assertion": f.assertion("ada"), "client_secret": secret, "scope": delegated + " openid offline_access profile",
		} {
			if got := form.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	})
}

func TestAUsersTokenIsCached(t *testing.T) {
	for _, scope := range []string{delegated, "https://api.securitycenter.microsoft.com/.default"} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			o := f.onBehalfOf(t, func(c *entra.Config) { c.Scope = scope })
			for range 20 {
				f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
			}
			time.Sleep(50 * time.Minute)
			f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
			wantTokenRequests(t, f, 1)
		})
	}
}

func TestTemporaryFailuresOfAnExchange(t *testing.T) {
	busy := status(http.StatusServiceUnavailable)
	broken := refusal(http.StatusServiceUnavailable, "temporarily_unavailable", 90033)
	for name, c := range map[string]struct {
		answers []fault
		want    entra.Error
		hint    string
	}{
		"twice busy":       {[]fault{busy, busy}, entra.Error{}, ""},
		"always busy":      {[]fault{busy, busy, busy}, entra.Error{Status: 503, Temporary: true}, "wait a minute and try again"},
		"in its own words": {[]fault{broken, broken, broken}, entra.Error{Code: "AADSTS90033", OAuth: "temporarily_unavailable", Status: 503, Temporary: true}, "Entra ID reports a temporary fault"},
		"throttled":        {[]fault{throttled("7")}, entra.Error{}, ""},
		"throttled, long":  {[]fault{throttled("60")}, entra.Error{Status: 429, Temporary: true}, "try again in 1m0s"},
		"a passing fault":  {[]fault{refusal(400, "invalid_request", 90033)}, entra.Error{}, ""},
	} {
		for kind, edit := range credentials(t) {
			t.Run(kind+" "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, f *fakeTenant) {
					f.failNext(c.answers...)
					_, err := f.exchange(t.Context(), f.onBehalfOf(t, edit), "ada", entra.TokenRequest{})
					if c.hint == "" && err != nil {
						t.Error(err)
					} else if c.hint != "" {
						wantRefused(t, err, c.want, c.hint)
					}
					for _, form := range tokenForms(f) {
						wantCredential(t, kind, form)
					}
				})
			})
		}
	}
}

func TestHintsForUsers(t *testing.T) {
	conditional := fault{Status: 400, Body: `{"error":"invalid_grant","suberror":"basic_action","error_codes":[530036],` +
		`"error_description":"AADSTS530036: canary","claims":"{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"canary\"]}}}"}`}
	for name, c := range map[string]struct {
		answer fault
		want   entra.Error
		hint   string
	}{
		"another app's token":  {refusal(400, "invalid_grant", 500131), entra.Error{Code: "AADSTS500131", OAuth: "invalid_grant", Status: 400}, "sign in to this app"},
		"expired":              {refusal(400, "invalid_grant", 500133), entra.Error{Code: "AADSTS500133", OAuth: "invalid_grant", Status: 400}, "sign in again"},
		"another tenant":       {refusal(400, "invalid_request", 90002), entra.Error{Code: "AADSTS90002", OAuth: "invalid_request", Status: 400}, "check AZURE_TENANT_ID"},
		"a forged token":       {refusal(400, "invalid_grant", 50013), entra.Error{Code: "AADSTS50013", OAuth: "invalid_grant", Status: 400}, "sign in to this app again"},
		"no consent":           {refusal(400, "invalid_grant", 65001), entra.Error{Code: "AADSTS65001", OAuth: "invalid_grant", Status: 400}, "Machine.ReadWrite where users sign in"},
		"second factor":        {refusal(400, "interaction_required", 50076), entra.Error{Code: "AADSTS50076", OAuth: "interaction_required", Status: 400}, "sign in again"},
		"blocked by policy":    {refusal(400, "invalid_grant", 53003), entra.Error{Code: "AADSTS53003", OAuth: "invalid_grant", Status: 400}, "ask an administrator which one"},
		"revoked secret":       {refusal(401, "invalid_client", 7000222), entra.Error{Code: "AADSTS7000222", OAuth: "invalid_client", Status: 401}, "the client secret has expired"},
		"an unknown condition": {conditional, entra.Error{Code: "AADSTS530036", OAuth: "invalid_grant", Status: 400}, "a conditional access policy requires another step from the user: sign in again and complete it"},
		"a web page":           {fault{Status: 403, Body: "<html>canary"}, entra.Error{Status: 403}, "something other than Entra ID answered"},
		"no lifetime":          {fault{Body: `{"access_token":"canary"}`}, entra.Error{}, "something other than Entra ID answered"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				f.failNext(c.answer)
				_, err := f.exchange(t.Context(), f.onBehalfOf(t, nil), "ada", entra.TokenRequest{})
				wantRefused(t, err, c.want, c.hint)
				wantTokenRequests(t, f, 1)
			})
		})
	}
}

func TestAClaimsChallengeIsPassedOn(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{Fresh: true, Claims: claims}, "ada-1") // even the first call may be challenged
		f.wantExchange(t, o, "ada", entra.TokenRequest{Fresh: true, Claims: claims}, "ada-2")
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-2")
		time.Sleep(time.Hour)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-3")
		for i, want := range []bool{true, true, false} {
			if got := strings.Contains(f.TokenForms()[i].Get("claims"), `"1604106651"`); got != want {
				t.Errorf("request %d has the claims %s", i+1, f.TokenForms()[i].Get("claims"))
			}
		}
	})
}

func TestAChallengeThatTheUserHasToAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		f.failNext(refusal(400, "invalid_grant", 50173), refusal(400, "interaction_required", 50076))
		_, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{Fresh: true, Claims: `{"access_token":{}}`})
		wantRefused(t, err, entra.Error{Code: "AADSTS50076", OAuth: "interaction_required", Status: 400}, "sign in again")
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1") // the cached token stays; the service decides whether to challenge again
	})
}

func TestRequestsThatAreNotExchanged(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		o := f.onBehalfOf(t, nil)
		for name, c := range map[string]struct {
			assertion string
			ask       entra.TokenRequest
			hint      string
		}{
			"nothing":     {"", entra.TokenRequest{}, "sign in to this app"},
			"a novel":     {strings.Repeat("canary", 11_000), entra.TokenRequest{}, "sign in to this app again"},
			"odd claims":  {f.assertion("ada"), entra.TokenRequest{Claims: "canary"}, "the claims challenge is not a JSON object"},
			"null claims": {f.assertion("ada"), entra.TokenRequest{Claims: "null"}, "the claims challenge is not a JSON object"},
		} {
			_, err := o.Get(t.Context(), c.assertion, c.ask)
			t.Log(name, "is not exchanged")
			wantRefused(t, err, entra.Error{}, c.hint)
		}
		wantTokenRequests(t, f, 0)
	})
}

func TestAnExchangeEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.hang()
		start := time.Now()
		_, err := f.exchange(t.Context(), f.onBehalfOf(t, nil), "ada", entra.TokenRequest{})
		wantRefused(t, err, entra.Error{Temporary: true}, "did not answer in time")
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("gave up after %v, want 30s", took)
		}
	})
}

func TestNewOnBehalfOfNamesWhatToSet(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*entra.Config)
		want string
	}{
		"a mode for users": {func(c *entra.Config) { c.Mode = entra.DeviceCode }, "SCANWARDEN_AUTH must be client"},
		"no credential":    {func(c *entra.Config) { c.ClientSecret = nil }, "set one of AZURE_CLIENT_SECRET"},
		"no resource":      {func(c *entra.Config) { c.Scope = "Machine.ReadWrite" }, "SCANWARDEN_DEFENDER_SCOPE must be one scope"},
		"two scopes":       {func(c *entra.Config) { c.Scope += " " + delegated }, "SCANWARDEN_DEFENDER_SCOPE must be one scope"},
		"another app's":    {func(c *entra.Config) { c.ClientSecret, c.Prefix = nil, "SCANWARDEN_WRITE_" }, "set one of SCANWARDEN_WRITE_CLIENT_SECRET"},
	} {
		cfg := entra.Config{TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil }, Scope: delegated}
		c.edit(&cfg)
		if _, err := entra.NewOnBehalfOf(cfg); err == nil || !strings.HasPrefix(err.Error(), "configure the sign-in on behalf of users: "+c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
