package entra_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

// userSignIn is an account at the fake, and what it does with the codes that it gets.
type userSignIn struct {
	object, tenant string
	slow           bool   // has not entered the code yet
	declines       bool   // refuses
	revoked        bool   // the refresh tokens are
	challenge      string // of the sign-in in the browser
	userCode, page string // that the fake gives out, when they are not its usual ones
	codeLasts      int    // seconds; 0 is 900
}

var ada = userSignIn{object: "aaaaaaaa-0000-4000-8000-00000000ada0", tenant: tenant}

const (
	userCode = "F7KQ2MXRD"
	codePage = "https://microsoft.com/devicelogin"
)

// people is a source for a person with a device code, whose prompts are kept.
func (f *fakeEntra) people(t testing.TB, told *prompts, edit func(*entra.Config)) *entra.Source {
	t.Helper()
	s := f.source(t, func(c *entra.Config) {
		c.Mode, c.ClientSecret, c.Prompt = entra.DeviceCode, nil, told.tell
		if edit != nil {
			edit(c)
		}
	})
	t.Cleanup(s.Close)
	return s
}

func (f *fakeEntra) deviceCode(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.guest
	if g.userCode == "" {
		g.userCode = userCode
	}
	if g.page == "" {
		g.page = codePage
	}
	if g.codeLasts == 0 {
		g.codeLasts = 900
	}
	reply(w, http.StatusOK, map[string]any{
		"device_code": "canary-device-code", "user_code": g.userCode, "verification_uri": g.page,
		"expires_in": g.codeLasts, "interval": 5, "message": "canary " + secret,
	})
}

// grantPerson judges the grants of people; f is locked.
func (f *fakeEntra) grantPerson(form url.Values) answer {
	switch form.Get("grant_type") {
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		if f.guest.slow {
			return errorResponse(http.StatusBadRequest, "authorization_pending", 70016)
		}
		if f.guest.declines || form.Get("device_code") != "canary-device-code" {
			return errorResponse(http.StatusBadRequest, "authorization_declined", 70018)
		}
	case "authorization_code":
		digest := sha256.Sum256([]byte(form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(digest[:]) != f.guest.challenge || form.Get("code") != "canary-code" {
			return errorResponse(http.StatusBadRequest, "invalid_grant", 501481)
		}
	case "refresh_token":
		if f.guest.revoked || !strings.HasPrefix(form.Get("refresh_token"), "canary-refresh-") {
			return errorResponse(http.StatusBadRequest, "invalid_grant", 50173)
		}
	default:
		return errorResponse(http.StatusBadRequest, "unsupported_grant_type", 70003)
	}
	return f.grantTo(f.guest, form)
}

// grantTo gives all that a person's sign-in brings.
func (f *fakeEntra) grantTo(g userSignIn, form url.Values) answer {
	var scopes []string
	for _, s := range strings.Fields(form.Get("scope")) {
		if s != "openid" && s != "offline_access" && s != "profile" {
			scopes = append(scopes, s)
		}
	}
	granted := map[string]any{
		"token_type": "Bearer", "expires_in": f.lifetime, "scope": strings.Join(scopes, " "),
		"access_token": tokenCanary + "SERIAL", "refresh_token": "canary-refresh-SERIAL",
		"id_token": unsigned(map[string]any{
			"tid": g.tenant, "oid": g.object, "sub": "sub", "preferred_username": "ada@canary.example",
		}),
		"client_info": encoded(map[string]any{"uid": g.object, "utid": g.tenant}),
	}
	if f.refreshIn > 0 {
		granted["refresh_in"] = f.refreshIn
	}
	body, _ := json.Marshal(granted)
	return answer{status: http.StatusOK, body: string(body)}
}

// unsigned is a token that nobody checks the signature of.
func unsigned(claims map[string]any) string {
	return encoded(map[string]any{"alg": "none"}) + "." + encoded(claims) + ".canary"
}

func encoded(v map[string]any) string {
	data, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(data)
}
