package entra_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

const (
	state    = "state&of=the browser"
	nonce    = "canary-nonce+1"
	verifier = "canary-verifier-0123456789-abcdefghijklmnop-._~"
)

func (f *fakeTenant) webSignIn(t testing.TB, edit func(*entra.WebSignInConfig)) *entra.WebSignIn {
	t.Helper()
	cfg := entra.WebSignInConfig{Config: f.config(t), RedirectURL: callback}
	if edit != nil {
		edit(&cfg)
	}
	w, err := entra.NewWebSignIn(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// signInWithBrowser lets Ada sign in with a browser and returns the code.
func (f *fakeTenant) signInWithBrowser(t *testing.T, w *entra.WebSignIn) (code string) {
	t.Helper()
	address, err := w.Begin(t.Context(), state, nonce, verifier)
	if err != nil {
		t.Fatal(err)
	}
	back := f.visit(t, address)
	if back.Get("state") != state {
		t.Errorf("state %q came back, want %q", back.Get("state"), state)
	}
	return back.Get("code")
}

func TestWhereABrowserIsSent(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		address, err := f.webSignIn(t, nil).Begin(t.Context(), state, nonce, verifier)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://"+production+"/"+tenant+"/oauth2/v2.0/authorize" {
			t.Fatalf("the browser is sent to %s, %v", address, err)
		}
		want := url.Values{
			"client_id": {clientID}, "response_type": {"code"}, "response_mode": {"query"}, "redirect_uri": {callback},
			"scope": {"openid profile"}, "state": {state}, "nonce": {nonce},
			"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
		}
		q := u.Query()
		q.Del("claims") // MSAL's capabilities
		if got := q.Encode(); got != want.Encode() {
			t.Errorf("with %s\nwant %s", got, want.Encode())
		}
		if strings.Contains(address, verifier) || strings.Contains(address, secret) {
			t.Errorf("a secret is in %s", address)
		}
		wantTokenRequests(t, f, 0)
	})
}

func TestASignInWithABrowser(t *testing.T) {
	for name, edit := range map[string]func(*fakeTenant){
		"in full":       func(*fakeTenant) {},
		"scope omitted": func(f *fakeTenant) { f.Change(func(o *entratest.Options) { o.OmitScope = true }) },
		"ids in capitals": func(f *fakeTenant) {
			f.setClaims(func(id map[string]any) {
				id["oid"], id["tid"] = strings.ToUpper(userIDs["ada"]), strings.ToUpper(tenant)
			})
		},
		"a member from elsewhere": func(f *fakeTenant) {
			f.setClaims(func(id map[string]any) { id["acct"], id["idp"] = 0, "https://sts.windows.net/"+otherTenant+"/" })
		},
		"our own provider": func(f *fakeTenant) {
			f.setClaims(func(id map[string]any) { id["idp"] = "https://sts.windows.net/" + strings.ToUpper(tenant) + "/" })
		},
		"clock a bit ahead": func(f *fakeTenant) {
			f.setClaims(func(id map[string]any) { id["exp"] = time.Now().Add(-time.Minute).Unix() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				edit(f)
				w := f.webSignIn(t, nil)
				user, err := w.Finish(t.Context(), f.signInWithBrowser(t, w), nonce, verifier)
				if want := (entra.User{TenantID: tenant, ObjectID: userIDs["ada"], Name: "Ada Lovelace"}); err != nil || !reflect.DeepEqual(user, want) {
					t.Errorf("Finish = %+v, %v; want %+v", user, err, want)
				}
				form := f.TokenForms()[0]
				if form.Get("client_secret") != secret || form.Get("code_verifier") != verifier || form.Get("redirect_uri") != callback {
					t.Errorf("redeemed by %v", form)
				}
			})
		})
	}
}

func TestAccountsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		hint   string
	}{
		"another tenant":                    {map[string]any{"tid": otherTenant}, "sign in with an account of that tenant"},
		"no tenant":                         {map[string]any{"tid": nil}, "sign in with an account of that tenant"},
		"another app":                       {map[string]any{"aud": otherTenant}, "check AZURE_CLIENT_ID"},
		"several apps":                      {map[string]any{"aud": []string{clientID}}, "something other than Entra ID answered"},
		"no account":                        {map[string]any{"oid": nil}, "check AZURE_CLIENT_ID"},
		"an odd object":                     {map[string]any{"oid": "canary"}, "check AZURE_CLIENT_ID"},
		"another sign-in":                   {map[string]any{"nonce": nonce + "x"}, "start again"},
		"no nonce":                          {map[string]any{"nonce": nil}, "start again"},
		"a number":                          {map[string]any{"nonce": 7}, "start again"},
		"an old one":                        {map[string]any{"exp": 0}, "check this machine's clock"},
		"a guest":                           {map[string]any{"acct": 1}, "guests cannot use scanwarden"},
		"our tenant's id in another's path": {map[string]any{"idp": "https://idp.example.com/" + tenant + "/"}, "guests cannot use scanwarden"},
		"our tenant's id in another's host": {map[string]any{"idp": "https://" + tenant + ".example.com/"}, "guests cannot use scanwarden"},
		"our tenant's id in a query":        {map[string]any{"idp": "https://sts.windows.net/" + otherTenant + "/?" + tenant}, "guests cannot use scanwarden"},
		"an agent's account":                {map[string]any{"xms_sub_fct": "2 13"}, "agents confirm nothing"},
		"an agent for a person":             {map[string]any{"xms_act_fct": "3,11"}, "agents confirm nothing"},
		"from elsewhere":                    {map[string]any{"idp": "https://sts.windows.net/" + otherTenant + "/"}, "guests cannot use scanwarden"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				f.setClaims(func(id map[string]any) { maps.Copy(id, c.claims) })
				w := f.webSignIn(t, nil)
				user, err := w.Finish(t.Context(), f.signInWithBrowser(t, w), nonce, verifier)
				wantRefused(t, err, entra.Error{}, c.hint)
				if !reflect.DeepEqual(user, entra.User{}) {
					t.Errorf("a user came along: %+v", user)
				}
			})
		})
	}
}

// TestRolesOfAnAccount: roles come along, and no more of them than a session has room for.
func TestRolesOfAnAccount(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		many := make([]string, 60)
		for i := range many {
			many[i] = fmt.Sprintf("Role.%d", i)
		}
		f.setClaims(func(id map[string]any) { id["roles"] = many })
		w := f.webSignIn(t, nil)
		user, err := w.Finish(t.Context(), f.signInWithBrowser(t, w), nonce, verifier)
		if err != nil || !reflect.DeepEqual(user.Roles, many[:50]) {
			t.Errorf("the roles are %q (%v)", user.Roles, err)
		}
	})
}

func TestIDTokensThatAreMalformed(t *testing.T) {
	for _, id := range []string{"", "canary", "a.b.c", "a." + jwtPart(map[string]any{"tid": 7}) + ".c"} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			f.failNext(fault{Body: `{"token_type":"Bearer","expires_in":3599,"access_token":"canary","id_token":"` + id + `"}`})
			_, err := f.webSignIn(t, nil).Finish(t.Context(), "canary-code", nonce, verifier)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: error %v", id, err)
			}
		})
	}
}

func TestWhatABrowserCannotBring(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		w := f.webSignIn(t, nil)
		for _, args := range [][3]string{
			{"", nonce, verifier}, {strings.Repeat("canary", 3000), nonce, verifier},
			{"canary-code", "", verifier}, {"canary-code", nonce, "canary"},
		} {
			_, err := w.Finish(t.Context(), args[0], args[1], args[2])
			wantRefused(t, err, entra.Error{}, "start the sign-in again")
		}
		for _, args := range [][3]string{
			{"", nonce, verifier}, {state, "", verifier}, {state, nonce, verifier[:42]}, {state, nonce, verifier + strings.Repeat("x", 128)},
			{state, nonce, strings.Repeat("ä", 43)}, {strings.Repeat("x", 513), nonce, verifier}, {state, strings.Repeat("x", 513), verifier},
		} {
			if address, err := w.Begin(t.Context(), args[0], args[1], args[2]); err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: %s, %v", args, address, err)
			}
		}
		if n := f.Count(""); n != 0 {
			t.Errorf("%d requests were made", n)
		}
	})
}

func TestUnsafeSignInAddressesAreRefused(t *testing.T) {
	for _, address := range []string{"http://" + production + "/authorize", "javascript:canary", "https://u:canary@" + production + "/", ""} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			f.failDiscovery(discoveryOf(address))
			sent, err := f.webSignIn(t, nil).Begin(t.Context(), state, nonce, verifier)
			if err == nil || sent != "" || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: sent to %q, %v", address, sent, err)
			}
		})
	}
}

// discoveryOf returns a discovery document with another authorization endpoint.
func discoveryOf(page string) fault {
	const base = "https://" + production + "/" + tenant
	body, _ := json.Marshal(map[string]any{"issuer": base + "/v2.0", "authorization_endpoint": page, "token_endpoint": base + "/token"})
	return fault{Body: string(body)}
}

func challengeOf(verifier string) string {
	digest := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

func TestNamesArePrintable(t *testing.T) {
	for name, want := range map[string]string{
		"":                                "",
		"Zoë Ångström-Łukasz 王":           "Zoë Ångström-Łukasz 王",
		" Ada\nApproved by\tBob\u00a0":    "Ada Approved by Bob",
		"A\u202eda\x1b[31m\x00\u200b":     "A\ufffdda\ufffd[31m\ufffd\ufffd",
		strings.Repeat("ä", 101):          strings.Repeat("ä", 100),
		strings.Repeat("x", 99) + " more": strings.Repeat("x", 99),
	} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			f.setClaims(func(id map[string]any) { id["name"] = name })
			w := f.webSignIn(t, nil)
			if user, err := w.Finish(t.Context(), f.signInWithBrowser(t, w), nonce, verifier); err != nil || user.Name != want {
				t.Errorf("%q became %q, %v; want %q", name, user.Name, err, want)
			}
		})
	}
}

func TestABrowserThatLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		w := f.webSignIn(t, nil)
		code := f.signInWithBrowser(t, w)
		f.setLatency(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Finish(ctx, code, nonce, verifier); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Finish = %v, want the caller's own deadline", err)
		}
		if _, err := w.Begin(ctx, state, nonce, verifier); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Begin = %v, want the caller's own deadline", err)
		}
	})
}

func TestNewWebSignInNamesWhatToSet(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*entra.WebSignInConfig)
		want string
	}{
		"a domain name":    {func(c *entra.WebSignInConfig) { c.TenantID = "contoso.example" }, "AZURE_TENANT_ID must be the tenant's GUID"},
		"no credential":    {func(c *entra.WebSignInConfig) { c.ClientSecret = nil }, "set one of AZURE_CLIENT_SECRET"},
		"a mode for users": {func(c *entra.WebSignInConfig) { c.Mode = entra.Interactive }, "SCANWARDEN_AUTH must be client"},
		"no address":       {func(c *entra.WebSignInConfig) { c.RedirectURL = "" }, "the redirect URL must be an https:// address"},
		"plain http":       {func(c *entra.WebSignInConfig) { c.RedirectURL = "http://scans.example.com/link/callback" }, "the redirect URL must be an https:// address"},
		"a query":          {func(c *entra.WebSignInConfig) { c.RedirectURL = callback + "?a=b" }, "the redirect URL must be an https:// address"},
	} {
		cfg := entra.WebSignInConfig{RedirectURL: callback, Config: entra.Config{TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil }}}
		c.edit(&cfg)
		if _, err := entra.NewWebSignIn(cfg); err == nil || !strings.HasPrefix(err.Error(), "configure the sign-in with a browser: "+c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	local := entra.WebSignInConfig{RedirectURL: "http://127.0.0.1:8484/link/callback", Config: entra.Config{TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil }}}
	if _, err := entra.NewWebSignIn(local); err != nil {
		t.Errorf("on this machine: %v", err)
	}
}
