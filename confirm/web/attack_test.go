package web_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm/web"
)

func TestACallbackThatThisBrowserDidNotBeginIsRefused(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, s *testSite) response{
		// Mallory signs in as herself, and sends Ada's browser to her callback address.
		"login CSRF, no cookie": func(t *testing.T, s *testSite) response {
			state := s.beginSignIn(t, s.newBrowser(t))
			return s.get(t, s.newBrowser(t), callbackPath(state, s.provider.consent(state)), nil)
		},
		"login CSRF, in the midst of one's own": func(t *testing.T, s *testSite) response {
			state, c := s.beginSignIn(t, s.newBrowser(t)), s.newBrowser(t)
			s.beginSignIn(t, c)
			return s.get(t, c, callbackPath(state, s.provider.consent(state)), nil)
		},
		"made-up state": func(t *testing.T, s *testSite) response {
			c := s.newBrowser(t)
			return s.get(t, c, callbackPath(strings.ToLower(s.beginSignIn(t, c)), "code"), nil)
		},
		"no state": func(t *testing.T, s *testSite) response {
			c := s.newBrowser(t)
			s.beginSignIn(t, c)
			return s.get(t, c, "/link/callback?code=x", nil)
		},
		"too late": func(t *testing.T, s *testSite) response {
			c := s.newBrowser(t)
			state := s.beginSignIn(t, c)
			s.clockOffset = 10 * time.Minute
			return s.get(t, c, callbackPath(state, s.provider.consent(state)), nil)
		},
		"a cookie that was not sealed": func(t *testing.T, s *testSite) response {
			made := base64.RawURLEncoding.EncodeToString([]byte(`{"s":"state","n":"n","v":"v","e":9999999999}`))
			return s.get(t, s.newBrowser(t), callbackPath("state", "code"), withCookie(made))
		},
		"an altered cookie": func(t *testing.T, s *testSite) response {
			a := s.get(t, s.newBrowser(t), "/link/start", nil)
			to, _ := a.Location()
			state := to.Query().Get("state")
			value := []byte(a.Cookies()[0].Value)
			value[len(value)/2] ^= 1
			return s.get(t, s.newBrowser(t), callbackPath(state, s.provider.consent(state)), withCookie(string(value)))
		},
		"a cookie of another key": func(t *testing.T, s *testSite) response {
			other := newSite(t, func(c *web.Config) { c.Key = func() ([]byte, error) { return make([]byte, 32), nil } })
			a := other.get(t, other.newBrowser(t), "/link/start", nil)
			to, _ := a.Location()
			state := to.Query().Get("state")
			return s.get(t, s.newBrowser(t), callbackPath(state, s.provider.consent(state)), withCookie(a.Cookies()[0].Value))
		},
		"a cookie without end": func(t *testing.T, s *testSite) response {
			return s.get(t, s.newBrowser(t), callbackPath("state", "code"), withCookie(strings.Repeat("A", 4000)))
		},
		"a broken query": func(t *testing.T, s *testSite) response {
			c := s.newBrowser(t)
			state := s.beginSignIn(t, c)
			return s.get(t, c, callbackPath(state, s.provider.consent(state))+"&x=%zz", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			s.checkRefused(t, attack(t, s), http.StatusForbidden, "This sign-in was not begun in this browser")
		})
	}
}

func withCookie(value string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-scanwarden-link", Value: value}) }
}

func TestACallbackIsGoodOnce(t *testing.T) {
	s := newSite(t, nil)
	c := s.newBrowser(t)
	state := s.beginSignIn(t, c)
	path := callbackPath(state, s.provider.consent(state))
	if first := s.get(t, c, path, nil); first.proof() == "" {
		t.Fatal(first.text)
	}
	again := s.get(t, c, path, nil)
	if again.StatusCode != http.StatusForbidden || again.proof() != "" || s.provider.finishCalls() != 1 {
		t.Errorf("a second time: %d, Microsoft asked %d times\n%s", again.StatusCode, s.provider.finishCalls(), again.text)
	}
}

func TestAnotherNameForThisAddressIsMisdirected(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"/link", "/link/start", "/link/callback?state=x&code=y"} {
		for _, host := range []string{"evil.example.com", "127.0.0.1", s.Listener.Addr().String() + ".example.com", ""} {
			if host == "" {
				continue // net/http sends the address itself
			}
			a := s.get(t, s.newBrowser(t), path, func(r *http.Request) { r.Host = host })
			s.checkRefused(t, a, http.StatusMisdirectedRequest, "not the address")
			if len(a.Cookies()) != 0 || a.Header.Get("Location") != "" {
				t.Errorf("%s at %s: %v", path, host, a.Header)
			}
		}
	}
	noHosts := newSite(t, func(c *web.Config) { c.Hosts = nil })
	noHosts.checkRefused(t, noHosts.get(t, noHosts.newBrowser(t), "/link", nil), http.StatusMisdirectedRequest, "not the address")
}

func TestPagesAreOnlyOpened(t *testing.T) {
	s := newSite(t, nil)
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
		for _, path := range []string{"/link", "/link/start", "/link/callback"} {
			a := s.get(t, s.newBrowser(t), path, func(r *http.Request) { r.Method = method })
			if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET" || len(a.Cookies()) != 0 {
				t.Errorf("%s %s: %d %v", method, path, a.StatusCode, a.Header)
			}
		}
	}
}

func TestLongQueriesAndCodesAreRefused(t *testing.T) {
	s := newSite(t, nil)
	a := s.get(t, s.newBrowser(t), "/link?x="+strings.Repeat("x", 9<<10), nil)
	s.checkRefused(t, a, http.StatusRequestURITooLong, "too long")
	c := s.newBrowser(t)
	state := s.beginSignIn(t, c)
	s.checkRefused(t, s.get(t, c, callbackPath(state, strings.Repeat("x", 5<<10)), nil), http.StatusForbidden, "Microsoft refused")
}

func TestAnotherSiteCannotBeginASignIn(t *testing.T) {
	s := newSite(t, nil)
	for site, want := range map[string]string{
		"cross-site": "/link", "same-site": "/link", "same-origin": "login.example.com", "none": "login.example.com", "": "login.example.com",
	} {
		a := s.get(t, s.newBrowser(t), "/link/start", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
		if to := a.Header.Get("Location"); !strings.Contains(to, want) || (want == "/link") != (len(a.Cookies()) == 0) {
			t.Errorf("from %q one is sent to %s with %v", site, to, a.Cookies())
		}
	}
}

func TestANameIsNeverMarkup(t *testing.T) {
	s := newSite(t, nil)
	s.provider.user.Name = "<b>Ada</b>\u202e\x00\"'<script>"
	c := s.newBrowser(t)
	state := s.beginSignIn(t, c)
	a := s.get(t, c, callbackPath(state, s.provider.consent(state)), nil)
	if strings.Contains(a.text, "<b>") || strings.Contains(a.text, "<script>") || !strings.Contains(a.text, "&lt;b&gt;Ada") {
		t.Errorf("the name is markup:\n%s", a.text)
	}
	if strings.ContainsAny(a.text, "\u202e\x00") {
		t.Error("the name has what cannot be seen")
	}
}
