package web_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
)

const (
	tenantID = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
	objectID = "11112222-bbbb-3333-cccc-4444dddd5555"
	ada      = confirm.Principal("entra:" + tenantID + "/" + objectID)
)

var key = bytes.Repeat([]byte{7}, 32)

// fakeProvider is an identity provider of two functions. It checks the requirements of RFC 6749 and 7636.
type fakeProvider struct {
	mu       sync.Mutex
	begun    map[string][2]string // nonce and verifier by state
	codes    map[string]string    // state by code, until it is traded
	user     web.User
	finished int
	err      error
}

func (m *fakeProvider) begin(_ context.Context, state, nonce, verifier string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun[state] = [2]string{nonce, verifier}
	return "https://login.example.com/authorize?state=" + url.QueryEscape(state), m.err
}

// consent lets the user sign in and returns the code.
func (m *fakeProvider) consent(state string) (code string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	code = "code-of-" + state
	m.codes[code] = state
	return code
}

func (m *fakeProvider) finish(_ context.Context, code, nonce, verifier string) (web.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finished++
	state, ok := m.codes[code]
	delete(m.codes, code)
	switch {
	case m.err != nil:
		return m.user, m.err
	case !ok:
		return web.User{}, errors.New("the code was traded already")
	case m.begun[state] != [2]string{nonce, verifier}:
		return web.User{}, errors.New("nonce or verifier are not those of this sign-in")
	}
	return m.user, nil
}

func (m *fakeProvider) finishCalls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.finished
}

// testSite serves the pages over TLS, as in production.
type testSite struct {
	*httptest.Server
	provider    *fakeProvider
	log         *bytes.Buffer
	clockOffset time.Duration
}

func newSite(t testing.TB, change func(*web.Config)) *testSite {
	t.Helper()
	s := &testSite{
		provider: &fakeProvider{begun: map[string][2]string{}, codes: map[string]string{}, user: web.User{Principal: ada, Name: "Ada Lovelace"}},
		log:      &bytes.Buffer{},
	}
	s.Server = httptest.NewUnstartedServer(nil)
	cfg := web.Config{
		SignIn: web.SignIn{Begin: s.provider.begin, Finish: s.provider.finish}, Hosts: []string{s.Listener.Addr().String()},
		Key: func() ([]byte, error) { return key, nil }, Secure: true, Command: "/scans link",
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: s.now,
	}
	if change != nil {
		change(&cfg)
	}
	h, err := web.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Handler = h
	if cfg.Secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *testSite) now() time.Time { return time.Now().Add(s.clockOffset) }

// newBrowser returns a client with its own cookies that does not follow redirects.
func (s *testSite) newBrowser(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{
		Jar: jar, Transport: s.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type response struct {
	*http.Response
	text string
}

// get opens a path; edit may be nil.
func (s *testSite) get(t testing.TB, c *http.Client, path string, edit func(*http.Request)) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	return s.send(t, c, r)
}

func (s *testSite) send(t testing.TB, c *http.Client, r *http.Request) response {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res, string(body)}
}

// beginSignIn starts a sign-in and returns its state.
func (s *testSite) beginSignIn(t testing.TB, c *http.Client) (state string) {
	t.Helper()
	a := s.get(t, c, "/link/start", nil)
	to, err := a.Location()
	if err != nil || a.StatusCode != http.StatusSeeOther || to.Host != "login.example.com" {
		t.Fatalf("the browser is sent with %d to %v, %v", a.StatusCode, to, err)
	}
	return to.Query().Get("state")
}

func callbackPath(state, code string) string {
	return "/link/callback?" + url.Values{"state": {state}, "code": {code}}.Encode()
}

var reCommand = regexp.MustCompile(`<code>/scans link ([^<]*)</code>`)

// proof returns the proof on the page, or "".
func (a response) proof() string {
	found := reCommand.FindStringSubmatch(a.text)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// checkRefused checks the status and text of a page without a proof, and that the provider was not asked for a
// user.
func (s *testSite) checkRefused(t testing.TB, a response, status int, words string) {
	t.Helper()
	if a.StatusCode != status || a.proof() != "" || !strings.Contains(a.text, words) {
		t.Errorf("answered %d, proof %q, want %d and %q:\n%s", a.StatusCode, a.proof(), status, words, a.text)
	}
	if n := s.provider.finishCalls(); n != 0 {
		t.Errorf("Microsoft was asked for %d codes", n)
	}
}
