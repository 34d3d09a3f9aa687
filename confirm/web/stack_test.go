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

// microsoft is an identity provider of two functions: what RFC 6749 and 7636 demand of one is checked here.
type microsoft struct {
	mu       sync.Mutex
	begun    map[string][2]string // nonce and verifier by state
	codes    map[string]string    // state by code, until it is traded
	user     web.User
	finished int
	broken   error
}

func (m *microsoft) begin(_ context.Context, state, nonce, verifier string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun[state] = [2]string{nonce, verifier}
	return "https://login.example.com/authorize?state=" + url.QueryEscape(state), m.broken
}

// consent is the person signing in: a code comes back.
func (m *microsoft) consent(state string) (code string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	code = "code-of-" + state
	m.codes[code] = state
	return code
}

func (m *microsoft) finish(_ context.Context, code, nonce, verifier string) (web.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finished++
	state, ok := m.codes[code]
	delete(m.codes, code)
	switch {
	case m.broken != nil:
		return m.user, m.broken
	case !ok:
		return web.User{}, errors.New("the code was traded already")
	case m.begun[state] != [2]string{nonce, verifier}:
		return web.User{}, errors.New("nonce or verifier are not those of this sign-in")
	}
	return m.user, nil
}

func (m *microsoft) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.finished
}

// site is the pages over TLS, as they are in production.
type site struct {
	*httptest.Server
	ms    *microsoft
	log   *bytes.Buffer
	ahead time.Duration
}

func open(t testing.TB, change func(*web.Config)) *site {
	t.Helper()
	s := &site{
		ms:  &microsoft{begun: map[string][2]string{}, codes: map[string]string{}, user: web.User{Principal: ada, Name: "Ada Lovelace"}},
		log: &bytes.Buffer{},
	}
	s.Server = httptest.NewUnstartedServer(nil)
	cfg := web.Config{
		SignIn: web.SignIn{Begin: s.ms.begin, Finish: s.ms.finish}, Hosts: []string{s.Listener.Addr().String()},
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

func (s *site) now() time.Time { return time.Now().Add(s.ahead) }

// browser is one with cookies of its own, that shows where it is sent instead of going there.
func (s *site) browser(t testing.TB) *http.Client {
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

type answer struct {
	*http.Response
	text string
}

// get opens a path; edit may be nil.
func (s *site) get(t testing.TB, c *http.Client, path string, edit func(*http.Request)) answer {
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

func (s *site) send(t testing.TB, c *http.Client, r *http.Request) answer {
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
	return answer{res, string(body)}
}

// begin starts a sign-in and returns its state.
func (s *site) begin(t testing.TB, c *http.Client) (state string) {
	t.Helper()
	a := s.get(t, c, "/link/start", nil)
	to, err := a.Location()
	if err != nil || a.StatusCode != http.StatusSeeOther || to.Host != "login.example.com" {
		t.Fatalf("the browser is sent with %d to %v, %v", a.StatusCode, to, err)
	}
	return to.Query().Get("state")
}

func callback(state, code string) string {
	return "/link/callback?" + url.Values{"state": {state}, "code": {code}}.Encode()
}

var command = regexp.MustCompile(`<code>/scans link ([^<]*)</code>`)

// proof is what a page says to paste; "" when it says nothing.
func (a answer) proof() string {
	found := command.FindStringSubmatch(a.text)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

// refused fails unless a page has no proof on it, and Microsoft was not asked.
func (s *site) refused(t testing.TB, a answer, status int, words string) {
	t.Helper()
	if a.StatusCode != status || a.proof() != "" || !strings.Contains(a.text, words) {
		t.Errorf("answered %d, proof %q, want %d and %q:\n%s", a.StatusCode, a.proof(), status, words, a.text)
	}
	if n := s.ms.asked(); n != 0 {
		t.Errorf("Microsoft was asked for %d codes", n)
	}
}
