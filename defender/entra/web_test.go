package entra_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

const (
	state    = "state&of=the browser"
	nonce    = "canary-nonce+1"
	verifier = "canary-verifier-0123456789-abcdefghijklmnop-._~"
)

func (p *fakePeople) web(t testing.TB, edit func(*entra.WebSignInConfig)) *entra.WebSignIn {
	t.Helper()
	cfg := entra.WebSignInConfig{Config: p.settings(t), RedirectURL: callback}
	if edit != nil {
		edit(&cfg)
	}
	w, err := entra.NewWebSignIn(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// browse does what a browser does with the address: Ada signs in, and a code comes back.
func (p *fakePeople) browse(t *testing.T, w *entra.WebSignIn) (code string) {
	t.Helper()
	address, err := w.Begin(t.Context(), state, nonce, verifier)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	p.set(func(*fakeEntra) { p.codes["canary-code"] = granted{q.Get("code_challenge"), q.Get("nonce")} })
	return "canary-code"
}

func TestWhereABrowserIsSent(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		address, err := p.web(t, nil).Begin(t.Context(), state, nonce, verifier)
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
		wantSignIns(t, p.fakeEntra, 0)
	})
}

func TestASignInWithABrowser(t *testing.T) {
	for name, edit := range map[string]func(*fakePeople){
		"in full":         func(*fakePeople) {},
		"scopes not told": func(p *fakePeople) { p.noScope = true },
		"ids in capitals": func(p *fakePeople) {
			p.id = func(id map[string]any) { id["oid"], id["tid"] = strings.ToUpper(oids["ada"]), strings.ToUpper(tenant) }
		},
		"a member from elsewhere": func(p *fakePeople) {
			p.id = func(id map[string]any) { id["acct"], id["idp"] = 0, "https://sts.windows.net/"+otherTenant+"/" }
		},
		"our own provider": func(p *fakePeople) {
			p.id = func(id map[string]any) { id["idp"] = "https://sts.windows.net/" + strings.ToUpper(tenant) + "/" }
		},
		"clock a bit ahead": func(p *fakePeople) {
			p.id = func(id map[string]any) { id["exp"] = time.Now().Add(-time.Minute).Unix() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			amongPeople(t, func(t *testing.T, p *fakePeople) {
				edit(p)
				w := p.web(t, nil)
				user, err := w.Finish(t.Context(), p.browse(t, w), nonce, verifier)
				if want := (entra.User{TenantID: tenant, ObjectID: oids["ada"], Name: "Ada Lovelace"}); err != nil || user != want {
					t.Errorf("Finish = %+v, %v; want %+v", user, err, want)
				}
				form := p.signIns()[0]
				if form.Get("client_secret") != secret || form.Get("code_verifier") != verifier || form.Get("redirect_uri") != callback {
					t.Errorf("redeemed by %v", form)
				}
			})
		})
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		hint   string
	}{
		"another tenant":                    {map[string]any{"tid": otherTenant}, "sign in with an account of that one"},
		"no tenant":                         {map[string]any{"tid": nil}, "sign in with an account of that one"},
		"another app":                       {map[string]any{"aud": otherTenant}, "check AZURE_CLIENT_ID"},
		"several apps":                      {map[string]any{"aud": []string{clientID}}, "something other than Entra ID answered"},
		"nobody":                            {map[string]any{"oid": nil}, "check AZURE_CLIENT_ID"},
		"an odd object":                     {map[string]any{"oid": "canary"}, "check AZURE_CLIENT_ID"},
		"another sign-in":                   {map[string]any{"nonce": nonce + "x"}, "start again"},
		"no nonce":                          {map[string]any{"nonce": nil}, "start again"},
		"a number":                          {map[string]any{"nonce": 7}, "start again"},
		"an old one":                        {map[string]any{"exp": 0}, "check this machine's clock"},
		"a guest":                           {map[string]any{"acct": 1}, "guests cannot use scanwarden"},
		"our tenant's id in another's path": {map[string]any{"idp": "https://idp.example.com/" + tenant + "/"}, "guests cannot use scanwarden"},
		"our tenant's id in another's host": {map[string]any{"idp": "https://" + tenant + ".example.com/"}, "guests cannot use scanwarden"},
		"our tenant's id in a query":        {map[string]any{"idp": "https://sts.windows.net/" + otherTenant + "/?" + tenant}, "guests cannot use scanwarden"},
		"from elsewhere":                    {map[string]any{"idp": "https://sts.windows.net/" + otherTenant + "/"}, "guests cannot use scanwarden"},
	} {
		t.Run(name, func(t *testing.T) {
			amongPeople(t, func(t *testing.T, p *fakePeople) {
				p.id = func(id map[string]any) {
					for name, value := range c.claims {
						id[name] = value
					}
				}
				w := p.web(t, nil)
				user, err := w.Finish(t.Context(), p.browse(t, w), nonce, verifier)
				wantRefused(t, err, entra.Error{}, c.hint)
				if user != (entra.User{}) {
					t.Errorf("a user came along: %+v", user)
				}
			})
		})
	}
}

func TestTokensThatAreNone(t *testing.T) {
	for _, id := range []string{"", "canary", "a.b.c", "a." + segment(map[string]any{"tid": 7}) + ".c"} {
		amongPeople(t, func(t *testing.T, p *fakePeople) {
			p.answerNext(answer{body: `{"token_type":"Bearer","expires_in":3599,"access_token":"canary","id_token":"` + id + `"}`})
			_, err := p.web(t, nil).Finish(t.Context(), "canary-code", nonce, verifier)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: error %v", id, err)
			}
		})
	}
}

func TestACodeThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		prepare  func(*fakePeople)
		verifier string
		want     entra.Error
		hint     string
	}{
		"used twice":       {func(p *fakePeople) { delete(p.codes, "canary-code") }, verifier, entra.Error{Code: "AADSTS54005", OAuth: "invalid_grant", Status: 400}, "start the sign-in again"},
		"another verifier": {func(*fakePeople) {}, verifier + "x", entra.Error{Code: "AADSTS501481", OAuth: "invalid_grant", Status: 400}, "start the sign-in again"},
		"expired":          {func(p *fakePeople) { p.next = []answer{refusal(400, "invalid_grant", 70008)} }, verifier, entra.Error{Code: "AADSTS70008", OAuth: "invalid_grant", Status: 400}, "sign in again"},
		"revoked secret":   {func(p *fakePeople) { p.secret = "canary~renewed" }, verifier, entra.Error{Code: "AADSTS7000215", OAuth: "invalid_client", Status: 401}, "the client secret is wrong"},
		"busy":             {func(p *fakePeople) { p.next = []answer{{status: 503}} }, verifier, entra.Error{Status: 503, Temporary: true}, "try again"},
		"throttled":        {func(p *fakePeople) { p.next = []answer{{status: 429, retryAfter: "30"}} }, verifier, entra.Error{Status: 429, Temporary: true}, "try again in 30s"},
		"silent":           {func(p *fakePeople) { p.hang = true }, verifier, entra.Error{Temporary: true}, "did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			amongPeople(t, func(t *testing.T, p *fakePeople) {
				w := p.web(t, nil)
				code := p.browse(t, w)
				p.set(func(*fakeEntra) { c.prepare(p) })
				_, err := w.Finish(t.Context(), code, nonce, c.verifier)
				wantRefused(t, err, c.want, c.hint)
				wantSignIns(t, p.fakeEntra, 1) // a code is good for one try
			})
		})
	}
}

func TestWhatABrowserCannotBring(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		w := p.web(t, nil)
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
		if n := p.requests(""); n != 0 {
			t.Errorf("%d requests were made", n)
		}
	})
}

func TestNobodyIsSentWhereNoPageIs(t *testing.T) {
	for _, address := range []string{"http://" + production + "/authorize", "javascript:canary", "https://u:canary@" + production + "/", ""} {
		amongPeople(t, func(t *testing.T, p *fakePeople) {
			p.set(func(f *fakeEntra) {
				f.fakeConfig(address)
			})
			sent, err := p.web(t, nil).Begin(t.Context(), state, nonce, verifier)
			if err == nil || sent != "" || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: sent to %q, %v", address, sent, err)
			}
		})
	}
}

// fakeConfig makes the discovery document name another page to sign in at; f is locked.
func (f *fakeEntra) fakeConfig(page string) {
	base := "https://" + production + "/" + tenant
	f.config = func(w http.ResponseWriter) bool {
		reply(w, http.StatusOK, map[string]any{"issuer": base + "/v2.0", "authorization_endpoint": page, "token_endpoint": base + "/token"})
		return true
	}
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
		amongPeople(t, func(t *testing.T, p *fakePeople) {
			p.id = func(id map[string]any) { id["name"] = name }
			w := p.web(t, nil)
			if user, err := w.Finish(t.Context(), p.browse(t, w), nonce, verifier); err != nil || user.Name != want {
				t.Errorf("%q became %q, %v; want %q", name, user.Name, err, want)
			}
		})
	}
}

func TestABrowserThatLeft(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		w := p.web(t, nil)
		code := p.browse(t, w)
		p.set(func(f *fakeEntra) { f.latency = 5 * time.Second })
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

func TestNewWebSaysWhatToSet(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*entra.WebSignInConfig)
		want string
	}{
		"a domain name":   {func(c *entra.WebSignInConfig) { c.TenantID = "contoso.example" }, "AZURE_TENANT_ID must be the tenant's GUID"},
		"no credential":   {func(c *entra.WebSignInConfig) { c.ClientSecret = nil }, "set one of AZURE_CLIENT_SECRET"},
		"a person's mode": {func(c *entra.WebSignInConfig) { c.Mode = entra.Interactive }, "SCANWARDEN_AUTH must be client"},
		"no address":      {func(c *entra.WebSignInConfig) { c.RedirectURL = "" }, "the address to come back to must be an https:// address"},
		"plain http":      {func(c *entra.WebSignInConfig) { c.RedirectURL = "http://scans.example.com/link/callback" }, "the address to come back to must be an https:// address"},
		"a query":         {func(c *entra.WebSignInConfig) { c.RedirectURL = callback + "?a=b" }, "the address to come back to must be an https:// address"},
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
