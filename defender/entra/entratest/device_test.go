package entratest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

// startDeviceCode starts a sign-in by code for a user's program.
func startDeviceCode(t testing.TB, fake *entratest.Server) (userCode string, poll func() answer) {
	t.Helper()
	a := post(t, fake, "oauth2/v2.0/devicecode", url.Values{"client_id": {toolID}, "scope": {resource + "/Scans.Use openid"}})
	userCode = a.field("user_code")
	if a.status != 200 || !strings.Contains(a.field("message"), userCode) || a.body["expires_in"] != 900.0 {
		t.Fatal(a.text)
	}
	return userCode, func() answer {
		return requestToken(t, fake, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {toolID}, "device_code": {a.field("device_code")},
		})
	}
}

// TestDeviceCode polls before and after the approval, and once too often.
func TestDeviceCode(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	code, poll := startDeviceCode(t, fake)
	wantRefusal(t, poll(), 400, "authorization_pending", 70016)
	if got := fake.UserCodes(); !slices.Equal(got, []string{code}) {
		t.Errorf("UserCodes() = %q, want %q", got, code)
	}
	if err := fake.Approve(code, adaID); err != nil {
		t.Fatal(err)
	}
	wantClaims(t, decodeClaims(t, poll().field("access_token")), map[string]any{
		"aud": clientID, "azp": toolID, "oid": adaID, "scp": "Scans.Use", "roles": ada.Roles, "ver": "2.0",
	})
	wantRefusal(t, poll(), 400, "bad_verification_code", 70018)
	if got := fake.UserCodes(); len(got) != 0 {
		t.Errorf("UserCodes() = %q, want none", got)
	}
}

// TestDeviceCodeEnds covers a code that is declined, one that expires in time, and one that is made to expire.
func TestDeviceCodeEnds(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now})
	code, poll := startDeviceCode(t, fake)
	if err := fake.Decline(code); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, poll(), 400, "authorization_declined", 70018)
	code, poll = startDeviceCode(t, fake)
	if err := fake.Expire(code); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, poll(), 400, "expired_token", 70020)
	code, poll = startDeviceCode(t, fake)
	clock.pass(15 * time.Minute)
	wantRefusal(t, poll(), 400, "expired_token", 70020)
	for _, late := range []string{code, "made-up"} {
		if err := fake.Approve(late, adaID); err == nil || !strings.Contains(err.Error(), late) {
			t.Errorf("Approve(%q) = %v", late, err)
		}
	}
}

// TestDeviceCodeIsBound checks that no other program gets the token, nor an app that does not authenticate.
func TestDeviceCodeIsBound(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	a := post(t, fake, "oauth2/v2.0/devicecode", url.Values{"client_id": {clientID}, "scope": {write}})
	poll := func(changes ...string) answer {
		return requestToken(t, fake, tokenForm("device_code", append([]string{"device_code", a.field("device_code")}, changes...)...))
	}
	if err := fake.Approve(a.field("user_code"), adaID); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, poll("client_secret", "-"), 401, "invalid_client", 7000218)
	wantRefusal(t, poll("client_id", toolID, "client_secret", "-"), 400, "bad_verification_code", 70018)
	if a := poll(); a.status != 200 {
		t.Error(a.text)
	}
	wantRefusal(t, post(t, fake, "oauth2/v2.0/devicecode", url.Values{"client_id": {"nobody"}, "scope": {write}}), 400, "unauthorized_client", 700016)
	wantRefusal(t, post(t, fake, "oauth2/v2.0/devicecode", url.Values{"client_id": {toolID}}), 400, "invalid_request", 900144)
}
