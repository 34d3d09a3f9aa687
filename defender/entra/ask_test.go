package entra_test

import (
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

func TestAnApplicationAnswersAChallenge(t *testing.T) {
	const capable = `"xms_cc":{"values":["CP1"]}`
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		token, err := s.Get(t.Context(), entra.TokenRequest{Claims: `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`})
		if err != nil || token.Text != tokenCanary+"2" {
			t.Fatalf("Get = %v, %v", token, err)
		}
		wantToken(t, s, false, "2")
		forms := f.TokenForms()
		if got := forms[0].Get("claims"); got != `{"access_token":{`+capable+`}}` {
			t.Errorf("claims without a challenge %s", got)
		}
		if got := forms[1].Get("claims"); !strings.Contains(got, capable) || !strings.Contains(got, `"value":"1604106651"`) {
			t.Errorf("claims with a challenge %s", got)
		}
		wantTokenRequests(t, f, 2)
	})
}

func TestMalformedChallenges(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		for _, claims := range []string{"eyJhIjoiY2FuYXJ5In0", `"canary"`, `["canary"]`, "{", `{"a":"` + strings.Repeat("canary", 3000) + `"}`} {
			_, err := s.Get(t.Context(), entra.TokenRequest{Claims: claims})
			if err == nil {
				t.Fatalf("took %.20q", claims)
			}
			wantHint(t, err, "not a JSON object")
			wantNoSecrets(t, err)
		}
		wantTokenRequests(t, f, 0)
	})
}

func TestScopesShareAnIdentity(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		secrets := s.For(vault)
		wantToken(t, s, false, "1")
		wantToken(t, secrets, false, "2")
		wantToken(t, s, false, "1")
		wantToken(t, secrets, false, "2")
		if got := strings.Fields(f.TokenForms()[1].Get("scope"))[0]; got != vault {
			t.Errorf("scope %q", got)
		}
		if n := f.Count("openid-configuration"); n != 1 {
			t.Errorf("%d discoveries for one client", n)
		}
		s.Close()
		wantToken(t, secrets, false, "2")
	})
}
