package keyvault_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// TestHostileChallenges checks that a vault gets no token if it names another tenant or another resource, or neither.
func TestHostileChallenges(t *testing.T) {
	for name, c := range map[string]struct {
		challenge string
		words     []string
	}{
		"tenant":           {`Bearer authorization="https://login.microsoftonline.com/` + otherTenant + `", resource="https://vault.azure.net"`, []string{"belongs to tenant " + otherTenant, "signs in to tenant " + tenant}},
		"domain":           {`Bearer authorization="https://login.microsoftonline.com/common", resource="https://vault.azure.net"`, []string{"tenant common", tenant}},
		"resource":         {`Bearer authorization="https://login.microsoftonline.com/` + tenant + `", resource="https://graph.microsoft.com"`, []string{"token for https://graph.microsoft.com", "tokens for https://vault.azure.net only"}},
		"parent domain":    {`Bearer authorization="https://login.microsoftonline.com/` + tenant + `", resource="https://azure.net"`, []string{"token for https://azure.net,"}},
		"scope":            {`Bearer authorization="https://login.microsoftonline.com/` + tenant + `", scope="https://graph.microsoft.com/.default", resource="https://vault.azure.net"`, []string{"token for https://graph.microsoft.com,"}},
		"another cloud":    {`Bearer authorization="https://login.microsoftonline.us/` + tenant + `", resource="https://vault.usgovcloudapi.net"`, []string{"token for https://vault.usgovcloudapi.net,"}},
		"unreadable":       {`Bearer authorization="x", resource="https://vault.azure.net"`, []string{"belongs to tenant x"}}, // the SDK would crash
		"without tenant":   {`Bearer authorization="https://login.microsoftonline.com", resource="https://vault.azure.net"`, []string{"without naming a tenant"}},
		"not a URL":        {`Bearer authorization="://", resource="https://vault.azure.net"`, []string{"without naming a tenant"}},
		"nothing":          {`Basic realm="proxy"`, []string{"without naming a tenant", "proxy"}},
		"long and hidden":  {`Bearer authorization="https://h/` + strings.Repeat("%C3%A4%09", 300) + `", resource="https://vault.azure.net"`, []string{"belongs to tenant ä ä ä "}},
		"empty claims":     {`Bearer error="insufficient_claims", claims=""`, []string{"claims that cannot be read"}},
		"unreadable claim": {`Bearer error="insufficient_claims", claims="!"`, []string{"claims that cannot be read"}},
		"claims, no JSON":  {`Bearer error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte("{")) + `"`, []string{"claims that cannot be read"}},
		"long claims":      {`Bearer error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(`"`+strings.Repeat("x", 8<<10)+`"`)) + `"`, []string{"claims that cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := startFake(t)
			a.challenge = c.challenge
			wantBothFail(t, a.newClient(t), coreID, c.words...)
			a.wantTokenRequests(t) // no token at all
			if n := len(a.received()); n != 2 {
				t.Errorf("%d requests, want one each", n)
			}
		})
	}
}

// TestOurOwnChallengeIsAnsweredOurWay checks that the host of the challenge's authority is ignored.
func TestOurOwnChallengeIsAnsweredOurWay(t *testing.T) {
	a := startFake(t)
	a.challenge = `Bearer authorization="https://evil.example/` + strings.ToUpper(tenant) + `/x", scope="https://vault.azure.net/.default", error="y"`
	wantSecret(t, a.newClient(t), coreID, canary)
	a.wantTokenRequests(t, "https://vault.azure.net/.default")
}

// TestClaimsAreAnswered checks that a claims challenge is answered once, with a new token.
func TestClaimsAreAnswered(t *testing.T) {
	a := startFake(t)
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`
	a.answerNext(response{status: 401, header: map[string]string{"WWW-Authenticate": `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claims)) + `"`}})
	wantSecret(t, a.newClient(t), coreID, canary)
	a.wantTokenRequests(t, "https://vault.azure.net/.default", "https://vault.azure.net/.default "+claims)
	seen := a.received()
	if got := seen[len(seen)-1].token; got != tokenCanary+"2" {
		t.Errorf("the last request had token %q", got)
	}
}

// TestFailedSignInsSayWhy checks that the token source's error is shown and not retried.
func TestFailedSignInsSayWhy(t *testing.T) {
	a := startFake(t)
	a.signInError = errors.New("Entra ID sign-in failed (AADSTS7000222): the client secret has expired: make a new one")
	wantBothFail(t, a.newClient(t), coreID, "the sign-in for https://vault.azure.net failed", "AADSTS7000222", "make a new one")
	a.wantTokenRequests(t, "https://vault.azure.net/.default", "https://vault.azure.net/.default")
}

// FuzzChallenge checks that a vault gets a token for vaults of its own cloud or none, whatever it asks for.
func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer authorization="https://login.microsoftonline.com/` + tenant + `", resource="https://vault.azure.net"`)
	f.Add(`Bearer authorization="https://login.microsoftonline.com/` + otherTenant + `", resource="https://vault.azure.net"`)
	f.Add(`Bearer authorization=x resource=https://vault.azure.net`)
	f.Add(`Bearer error="insufficient_claims", claims="e30="`)
	f.Add(`Bearer claims="!", error="insufficient_claims", Bearer authorization="https://h/` + tenant + `" scope="https://net/.default"`)
	a := startFake(f)
	f.Fuzz(func(t *testing.T, challenge string) {
		if challenge == "" || strings.ContainsAny(challenge, "\r\n\x00") {
			return // not a header, or replaced by the fake's usual challenge
		}
		a.mu.Lock()
		a.challenge, a.tokenRequests = challenge, nil
		a.mu.Unlock()
		_, err := a.newClient(t).Secret(t.Context(), coreID)
		if err != nil {
			wantError(t, err)
		}
		for _, asked := range a.tokenRequests {
			if scope, _, _ := strings.Cut(asked, " "); scope != "https://vault.azure.net/.default" {
				t.Fatalf("%q caused a token request for %q", challenge, asked)
			}
		}
		if err == nil && !strings.Contains(strings.ToLower(challenge), tenant) && !strings.Contains(challenge, "claims") {
			t.Fatalf("%q was answered", challenge)
		}
	})
}
