package web_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm/web"
)

// signInSite is the sign-in of a server in front of one page, over TLS.
type signInSite struct {
	*httptest.Server
	provider *fakeProvider
	log      *bytes.Buffer
	ahead    time.Duration
	token    string // that of Grace
}

// newSignInSite returns a site on which people sign in with both ways. alter may change the configuration.
func newSignInSite(t testing.TB, alter func(*web.SignInConfig)) *signInSite {
	t.Helper()
	s := &signInSite{
		provider: &fakeProvider{begun: map[string][2]string{}, codes: map[string]string{}, user: web.User{Principal: ada, Name: "Ada Lovelace"}},
		log:      &bytes.Buffer{}, token: "grace-token-0123456789",
	}
	s.Server = httptest.NewUnstartedServer(nil)
	cfg := web.SignInConfig{
		Entra: web.SignIn{Begin: s.provider.begin, Finish: s.provider.finish}, Tenant: "contoso.example",
		Token: func(token string) (web.SignedIn, bool) {
			return web.SignedIn{Principal: grace, Token: "stamp of " + s.token}, token == s.token
		},
		Holds: func(who web.SignedIn) bool { return who.Token == "" || who.Token == "stamp of "+s.token },
		Hosts: []string{s.Listener.Addr().String()}, Secure: true, Key: func() ([]byte, error) { return key, nil },
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: func() time.Time { return time.Now().Add(s.ahead) },
	}
	if alter != nil {
		alter(&cfg)
	}
	pages, err := web.NewSignInPages(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.HandleFunc("/changes/", func(w http.ResponseWriter, r *http.Request) {
		if v, ok := pages.Authenticate(w, r); ok {
			_, _ = io.WriteString(w, "hello "+string(v.Principal))
		}
	})
	s.Config.Handler = mux
	if cfg.Secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// browser returns a browser that does not follow redirects.
func (s *signInSite) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: s.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// fetch sends a request as a page of the site would, or as fetchSite says. A form makes it a POST.
func (s *signInSite) fetch(t *testing.T, c *http.Client, path string, form url.Values, fetchSite string) response {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", fetchSite)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp, string(text)}
}

const changePath = "/changes/01KB8Z3N5Q7R9T1V3X5Z7B9D1F"

// signInWithEntra signs a browser in and returns the last response, a redirect.
func (s *signInSite) signInWithEntra(t *testing.T, c *http.Client, returnPath string) response {
	t.Helper()
	started := s.fetch(t, c, "/signin/start?return="+url.QueryEscape(returnPath), nil, "same-origin")
	to, err := url.Parse(started.Header.Get("Location"))
	if err != nil || to.Host != "login.example.com" {
		t.Fatalf("the sign-in goes to %q (%v)", started.Header.Get("Location"), err)
	}
	state := to.Query().Get("state")
	return s.fetch(t, c, "/signin/callback?code="+s.provider.consent(state)+"&state="+state, nil, "cross-site")
}

// TestSignInWithEntraReturnsToTheChange: a person follows a link from Slack, signs in, and comes back to that change.
func TestSignInWithEntraReturnsToTheChange(t *testing.T) {
	t.Parallel()
	s := newSignInSite(t, nil)
	c := s.browser(t)
	if page := s.fetch(t, c, changePath, nil, "cross-site"); page.StatusCode != http.StatusForbidden || !strings.Contains(page.text, "/signin/start?return="+changePath) {
		t.Fatalf("%s: %s", page.Status, page.text)
	}
	if end := s.signInWithEntra(t, c, changePath); end.StatusCode != http.StatusSeeOther || end.Header.Get("Location") != changePath {
		t.Fatalf("%s to %q: %s", end.Status, end.Header.Get("Location"), end.text)
	}
	if page := s.fetch(t, c, changePath, nil, "cross-site"); page.text != "hello "+string(ada) {
		t.Errorf("%s: %s", page.Status, page.text)
	}
	if page := s.fetch(t, s.browser(t), changePath, nil, "none"); page.StatusCode != http.StatusForbidden {
		t.Errorf("another browser: %s", page.Status)
	}
}

// TestSignInWithAToken: a person types their token; a wrong one is neither repeated nor logged.
func TestSignInWithAToken(t *testing.T) {
	t.Parallel()
	s := newSignInSite(t, nil)
	c := s.browser(t)
	for name, token := range map[string]string{"wrong": "not-the-token-987654", "empty": "", "long": strings.Repeat("x", 5000)} {
		page := s.fetch(t, c, "/signin/token", url.Values{"token": {token}, "return": {changePath}}, "same-origin")
		if page.StatusCode < 400 || token != "" && strings.Contains(page.text+s.log.String(), token) {
			t.Errorf("%s token: %s: %s\n%s", name, page.Status, page.text, s.log)
		}
	}
	end := s.fetch(t, c, "/signin/token", url.Values{"token": {s.token}, "return": {changePath}}, "same-origin")
	if end.StatusCode != http.StatusSeeOther || end.Header.Get("Location") != changePath {
		t.Fatalf("%s to %q: %s", end.Status, end.Header.Get("Location"), end.text)
	}
	if page := s.fetch(t, c, changePath, nil, "none"); page.text != "hello "+string(grace) {
		t.Errorf("%s: %s", page.Status, page.text)
	}
	if strings.Contains(s.log.String(), s.token) {
		t.Errorf("the log has the token: %s", s.log)
	}
	s.token = "another-token-0123456789"
	if page := s.fetch(t, c, changePath, nil, "none"); page.StatusCode != http.StatusForbidden {
		t.Errorf("the session goes on after the token was replaced: %s", page.Status)
	}
}

// TestSignOut ends the session, also for a copy of its cookie.
func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newSignInSite(t, nil)
	c := s.browser(t)
	s.signInWithEntra(t, c, changePath)
	u, _ := url.Parse(s.URL)
	stolen := s.browser(t)
	stolen.Jar.SetCookies(u, c.Jar.Cookies(u))
	if page := s.fetch(t, stolen, changePath, nil, "none"); page.StatusCode != http.StatusOK {
		t.Fatalf("a copy of the cookie: %s", page.Status)
	}
	if page := s.fetch(t, c, "/signout", url.Values{}, "cross-site"); page.StatusCode != http.StatusForbidden {
		t.Errorf("another site signs people out: %s", page.Status)
	}
	if page := s.fetch(t, c, "/signout", url.Values{}, "same-origin"); page.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", page.Status, page.text)
	}
	for name, browser := range map[string]*http.Client{"own": c, "copied": stolen} {
		if page := s.fetch(t, browser, changePath, nil, "none"); page.StatusCode != http.StatusForbidden {
			t.Errorf("the %s cookie after the sign-out: %s", name, page.Status)
		}
	}
}

// TestSignInAttacks: nobody is signed in as another person, and no sign-in leads to another site.
func TestSignInAttacks(t *testing.T) {
	t.Parallel()
	s := newSignInSite(t, nil)
	c := s.browser(t)
	if page := s.fetch(t, c, "/signin/token", url.Values{"token": {s.token}}, "cross-site"); page.StatusCode != http.StatusForbidden || len(page.Cookies()) > 0 {
		t.Errorf("another site signs a person in: %s, %v", page.Status, page.Cookies())
	}
	if page := s.fetch(t, c, "/signin/start", nil, "cross-site"); page.Header.Get("Location") != "/signin" {
		t.Errorf("another site begins a sign-in: to %q", page.Header.Get("Location"))
	}
	for _, path := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "/changes/../../evil", "/signin", "/changes/01KB8Z3N5Q7R9T1V3X5Z7B9D1F@evil.example"} {
		if end := s.signInWithEntra(t, s.browser(t), path); end.Header.Get("Location") != "/changes" {
			t.Errorf("return=%s leads to %q", path, end.Header.Get("Location"))
		}
	}
	started := s.fetch(t, c, "/signin/start", nil, "same-origin")
	to, _ := url.Parse(started.Header.Get("Location"))
	callback := "/signin/callback?code=" + s.provider.consent(to.Query().Get("state")) + "&state=" + to.Query().Get("state")
	if page := s.fetch(t, s.browser(t), callback, nil, "cross-site"); page.StatusCode != http.StatusForbidden {
		t.Errorf("a sign-in ends in another browser: %s", page.Status)
	}
	u, _ := url.Parse(s.URL)
	pending := c.Jar.Cookies(u)
	if page := s.fetch(t, c, callback, nil, "cross-site"); page.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s: %s", page.Status, page.text)
	}
	again := s.browser(t)
	again.Jar.SetCookies(u, pending)
	if page := s.fetch(t, again, callback, nil, "cross-site"); page.StatusCode != http.StatusForbidden {
		t.Errorf("a sign-in ends twice: %s", page.Status)
	}
}

// TestASessionIsNoPendingSignIn: the cookies of the two purposes have keys of their own.
func TestASessionIsNoPendingSignIn(t *testing.T) {
	t.Parallel()
	s := newSignInSite(t, nil)
	c := s.browser(t)
	started := s.fetch(t, c, "/signin/start", nil, "same-origin")
	u, _ := url.Parse(s.URL)
	forged := s.browser(t)
	forged.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-scanwarden-session", Value: started.Cookies()[0].Value, Secure: true, Path: "/"}})
	if page := s.fetch(t, forged, changePath, nil, "none"); page.StatusCode != http.StatusForbidden {
		t.Errorf("%s: %s", page.Status, page.text)
	}
}

// TestTokensAreTriedAtABoundedRate bounds guesses.
func TestTokensAreTriedAtABoundedRate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSignInSite(t, func(cfg *web.SignInConfig) { cfg.Now = func() time.Time { return now } })
	c, last := s.browser(t), 0
	for range 60 {
		last = s.fetch(t, c, "/signin/token", url.Values{"token": {"guess"}}, "same-origin").StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 60th guess at once is answered with %d", last)
	}
}

// TestWithoutAWayToSignIn says what to configure.
func TestWithoutAWayToSignIn(t *testing.T) {
	t.Parallel()
	s := newSignInSite(t, func(cfg *web.SignInConfig) { cfg.Entra, cfg.Token = web.SignIn{}, nil })
	page := s.fetch(t, s.browser(t), changePath, nil, "none")
	if page.StatusCode != http.StatusNotFound || !strings.Contains(page.text, "SCANWARDEN_PUBLIC_URL") || !strings.Contains(page.text, "http.tokens") {
		t.Errorf("%s: %s", page.Status, page.text)
	}
}
