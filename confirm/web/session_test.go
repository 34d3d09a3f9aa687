package web_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm/web"
)

// sessionSite is one process that keeps sessions.
type sessionSite struct {
	*web.Sessions
	now time.Time
}

func newSessionSite(secret byte, secure bool) *sessionSite {
	s := &sessionSite{now: time.Unix(1_800_000_000, 0)}
	serverKey := make([]byte, 32)
	serverKey[0] = secret
	s.Sessions = web.NewSessions(func() ([]byte, error) { return serverKey, nil }, secure, func() time.Time { return s.now })
	return s
}

// request returns a request with these cookies.
func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/changes", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// start begins a session and returns its cookie.
func (s *sessionSite) start(t *testing.T, r *http.Request) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Start(w, r, web.SignedIn{Principal: ada, Name: "Ada", Groups: []string{"entra-role:Scans.Approver"}}); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

// isSignedIn reports whether a request with these cookies has a session.
func (s *sessionSite) isSignedIn(cookies ...*http.Cookie) bool {
	_, ok := s.Viewer(httptest.NewRecorder(), request(cookies...), false)
	return ok
}

func TestASessionHoldsThePerson(t *testing.T) {
	t.Parallel()
	for secure, name := range map[bool]string{true: "__Host-scanwarden-session", false: "scanwarden-session"} {
		s := newSessionSite(1, secure)
		c := s.start(t, request())
		if c.Name != name || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %+v", c)
		}
		got, ok := s.Viewer(httptest.NewRecorder(), request(c), false)
		want := web.Viewer{Principal: ada, Name: "Ada", Groups: []string{"entra-role:Scans.Approver"}, Session: got.Session}
		if !ok || got.Session == "" || !reflect.DeepEqual(got, want) || strings.Contains(c.Value, got.Session) {
			t.Errorf("the viewer is %+v, %v", got, ok)
		}
	}
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	s := newSessionSite(1, true)
	c := s.start(t, request())
	s.now = s.now.Add(30*time.Minute - time.Second)
	if !s.isSignedIn(c) {
		t.Fatal("it has ended before 30 minutes")
	}
	s.now = s.now.Add(time.Second)
	if s.isSignedIn(c) {
		t.Error("it lives after 30 minutes without requests")
	}
	c, began := s.start(t, request()), s.now
	for s.now.Sub(began) < 8*time.Hour-20*time.Minute {
		s.now = s.now.Add(20 * time.Minute)
		w := httptest.NewRecorder()
		if _, ok := s.Viewer(w, request(c), true); !ok {
			t.Fatalf("an active session has ended after %s", s.now.Sub(began))
		}
		c = w.Result().Cookies()[0]
	}
	s.now = began.Add(8 * time.Hour)
	if s.isSignedIn(c) {
		t.Error("an active session lives after 8 hours")
	}
}

// A script that polls does not keep the session alive.
func TestPollingDoesNotRenewASession(t *testing.T) {
	t.Parallel()
	s := newSessionSite(1, true)
	c := s.start(t, request())
	s.now = s.now.Add(10 * time.Minute)
	w := httptest.NewRecorder()
	if _, ok := s.Viewer(w, request(c), false); !ok || len(w.Result().Cookies()) != 0 {
		t.Errorf("signed in %v, cookies %v", ok, w.Result().Cookies())
	}
}

// TestASessionIsRenewedOnceAMinute: a busy browser does not get a new cookie with each page.
func TestASessionIsRenewedOnceAMinute(t *testing.T) {
	t.Parallel()
	s := newSessionSite(1, true)
	c := s.start(t, request())
	for _, want := range []int{0, 1} {
		w := httptest.NewRecorder()
		if _, ok := s.Viewer(w, request(c), true); !ok || len(w.Result().Cookies()) != want {
			t.Errorf("signed in %v, cookies %v, want %d", ok, w.Result().Cookies(), want)
		}
		s.now = s.now.Add(time.Minute)
	}
}

// After a sign-out a copy of the cookie is worth nothing.
func TestASignOutEndsCopiesOfTheCookie(t *testing.T) {
	t.Parallel()
	s := newSessionSite(1, true)
	c, other := s.start(t, request()), s.start(t, request())
	w := httptest.NewRecorder()
	s.End(w, request(c))
	if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].MaxAge != -1 || gone[0].Value != "" {
		t.Errorf("the browser keeps %v", gone)
	}
	if s.isSignedIn(c) || !s.isSignedIn(other) {
		t.Errorf("signed in: the copy %v, another browser %v", s.isSignedIn(c), s.isSignedIn(other))
	}
}

// A sign-in never continues a session that somebody put into the browser, and ends it.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	s := newSessionSite(1, true)
	planted := s.start(t, request())
	before, _ := s.Viewer(httptest.NewRecorder(), request(planted), false)
	after, ok := s.Viewer(httptest.NewRecorder(), request(s.start(t, request(planted))), false)
	if !ok || after.Session == before.Session || s.isSignedIn(planted) {
		t.Errorf("the planted session lives %v; ids %q and %q", s.isSignedIn(planted), before.Session, after.Session)
	}
}

func TestForeignCookiesAreNoSession(t *testing.T) {
	t.Parallel()
	s, other := newSessionSite(1, true), newSessionSite(2, true)
	c := s.start(t, request())
	altered := *c
	value := []byte(c.Value)
	value[len(value)/2] ^= 1
	altered.Value = string(value)
	long := *c
	long.Value = strings.Repeat("A", 4000)
	for name, cookies := range map[string][]*http.Cookie{
		"none": nil, "two": {c, c}, "altered": {&altered}, "another key": {other.start(t, request())}, "too long": {&long},
	} {
		if s.isSignedIn(cookies...) {
			t.Errorf("%s: signed in", name)
		}
	}
}

func TestASessionTooLongForACookieIsRefused(t *testing.T) {
	t.Parallel()
	s := newSessionSite(1, true)
	for name, who := range map[string]web.SignedIn{"long": {Principal: ada, Groups: []string{strings.Repeat("x", 4000)}}, "nobody": {}} {
		w := httptest.NewRecorder()
		if err := s.Start(w, request(), who); err == nil || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %v, cookies %v", name, err, w.Result().Cookies())
		}
	}
}

// TestNoOpenRedirect: a sign-in returns to a page about changes and to nothing else.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	const own = "/changes/01ARZ3NDEKTSV4RRFFQ69G5FAV"
	for path, want := range map[string]string{
		"/changes": "/changes", own: own, "": "/changes", "/": "/changes", "//evil.example": "/changes", `/\evil.example`: "/changes",
		"https://evil.example" + own: "/changes", own + "/../..//evil.example": "/changes", own + "?next=//evil.example": "/changes",
		own + "\n": "/changes", "/changes//evil.example": "/changes", "/changes/%2e%2e": "/changes", "/signout": "/changes",
	} {
		if got := web.ReturnPath(path); got != want {
			t.Errorf("ReturnPath(%q) = %q, want %q", path, got, want)
		}
	}
}
