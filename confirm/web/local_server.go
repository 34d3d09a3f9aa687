package web

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"scanwarden/confirm"
)

// start listens on a random port of the loopback interface.
func (l *Local) start() (*localServer, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	pages := l.cfg.Pages
	s := &localServer{
		user: l.cfg.User, origin: "http://" + listener.Addr().String(), base: "/p/" + rand.Text(), cookie: rand.Text(), now: pages.Now,
		messages: renderer{pages.Log}, byName: map[string]*oneTimeLink{},
	}
	pages.Base, pages.Hosts, pages.Secure, pages.Authenticate = s.base, []string{listener.Addr().String()}, false, s.authenticate
	changes, err := NewChangesHandler(pages)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	s.pages = changes
	s.links = guard{hosts: pages.Hosts, pages: s.messages, policy: linkPolicy(), maxQuery: maxFilterLen}.protect(http.HandlerFunc(s.openLink))
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(pages.Log.Handler(), slog.LevelDebug)}
	l.ended.Go(func() { _ = s.http.Serve(listener) })
	return s, nil
}

// localServer is the listener of Local while something waits.
type localServer struct {
	user         confirm.Principal
	origin, base string
	cookie       string // the value of the cookie, the same for all tabs of the user
	pages        http.Handler
	links        http.Handler // serves the one-time links
	messages     renderer
	http         *http.Server
	now          func() time.Time
	shown        int // guarded by Local.mu: changes that were shown and are not over

	mu     sync.Mutex
	byName map[string]*oneTimeLink
	due    chan struct{} // closed when the page to which a form leads was served; nil if none is due
}

// linkDir is where the one-time links are, below the base.
const linkDir = "/open/"

// oneTimeLink is an address that a browser can open once.
type oneTimeLink struct {
	change  string
	expires time.Time
	fetched chan struct{} // closed when it was opened
	used    bool
}

// newLink returns a new one-time link to the page of c, and a channel that is closed when a browser has opened it.
func (s *localServer) newLink(c confirm.Change, now time.Time) (url string, fetched <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, link := rand.Text(), &oneTimeLink{change: c.ID, expires: now.Add(linkTTL), fetched: make(chan struct{})}
	s.byName[name] = link
	return s.origin + s.base + linkDir + name, link.fetched
}

// ServeHTTP serves the one-time links, and with the cookie the pages.
func (s *localServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, s.base+linkDir) {
		s.links.ServeHTTP(w, r)
		return
	}
	s.servePage(w, r)
}

// openLink redeems a one-time link for a browser window of this user. Whatever else fetches it leaves it unused: every user of
// the machine can read it in the arguments of the program that opens the browser.
func (s *localServer) openLink(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet || !isNavigation(r):
		s.messages.renderMessage(w, http.StatusForbidden, "This link can only be opened in a browser window",
			"If this is one, it is too old: use a newer browser, or run scanwarden review in a terminal.", "")
		return
	case !isSameUser(r.RemoteAddr, s.host()):
		s.messages.log.WarnContext(r.Context(), "another user of this machine, or a client that closed its connection, tried to open a one-time link")
		s.messages.renderMessage(w, http.StatusForbidden, "This link belongs to another user of this machine",
			"Open it in the browser of the user who runs scanwarden, or have them run scanwarden review in a terminal.", "")
		return
	}
	change := s.redeem(strings.TrimPrefix(r.URL.Path, s.base+linkDir))
	if change == "" && !s.hasCookie(r) {
		s.messages.renderMessage(w, http.StatusGone, "This link was opened already, or too long ago",
			"Have the assistant ask again, or run scanwarden review in a terminal.", "")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: localCookie, Value: s.cookie, Path: s.base + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	s.showAfterLink(w, r, change)
}

// isNavigation reports whether a browser loads the address into a window. It returns false without the headers of Fetch
// Metadata, which every browser since 2023 sends to a loopback address.
func isNavigation(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// host returns the address and port of the listener.
func (s *localServer) host() string { return strings.TrimPrefix(s.origin, "http://") }

// servePage serves the pages, and notes that a form leads to one more.
func (s *localServer) servePage(w http.ResponseWriter, r *http.Request) {
	own := s.hasCookie(r)
	if own && r.Method == http.MethodPost {
		s.setDue(make(chan struct{}))
	}
	s.pages.ServeHTTP(w, r)
	if own && r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/status") {
		s.setDue(nil)
	}
}

// setDue sets the page that is due, or nil after it was served.
func (s *localServer) setDue(due chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due != nil {
		close(s.due)
	}
	s.due = due
}

// waitDue waits until the browser has fetched the page that is due, but not for long: it may have gone.
func (s *localServer) waitDue() {
	s.mu.Lock()
	due := s.due
	s.mu.Unlock()
	if due == nil {
		return
	}
	select {
	case <-due:
	case <-time.After(lastPageTimeout):
	}
}

// showAfterLink answers a one-time link with the page itself: after a redirect from another site, a browser would not send
// a strict cookie.
func (s *localServer) showAfterLink(w http.ResponseWriter, r *http.Request, change string) {
	path := s.base + "/changes"
	if change != "" {
		path += "/" + change
	}
	page := r.Clone(r.Context())
	page.URL.Path, page.URL.RawQuery = path, ""
	page.Header.Set("Cookie", localCookie+"="+s.cookie)
	s.pages.ServeHTTP(w, page)
}

// redeem returns the change that the link shows, once; "" for any other name.
func (s *localServer) redeem(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	link := s.byName[name]
	if link == nil || link.used || !link.expires.After(s.now()) {
		return ""
	}
	link.used = true
	close(link.fetched)
	return link.change
}

// localCookie is the name of the cookie. Cookies of 127.0.0.1 go to every port, but the random path keeps this one from
// other servers.
const localCookie = "scanwarden-local"

// hasCookie reports whether the request has the one cookie of this server.
func (s *localServer) hasCookie(r *http.Request) bool {
	cookies := r.CookiesNamed(localCookie)
	return len(cookies) == 1 && subtle.ConstantTimeCompare([]byte(cookies[0].Value), []byte(s.cookie)) == 1
}

// authenticate returns the user of this machine for a request with the cookie. On false it has written the response.
func (s *localServer) authenticate(w http.ResponseWriter, r *http.Request) (Viewer, bool) {
	if !s.hasCookie(r) {
		s.messages.renderMessage(w, http.StatusForbidden, "This page can only be opened by scanwarden",
			"Have the assistant ask again, or run scanwarden review in a terminal.", "")
		return Viewer{}, false
	}
	return Viewer{Principal: s.user, Session: s.cookie}, true
}
