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
	s := &localServer{
		user: l.cfg.User, origin: "http://" + listener.Addr().String(), base: "/p/" + rand.Text(), cookie: rand.Text(), now: l.cfg.Pages.Now,
		links: map[string]*oneTimeLink{},
	}
	pages := l.cfg.Pages
	pages.Base, pages.Hosts, pages.Secure, pages.Authenticate = s.base, []string{listener.Addr().String()}, false, s.authenticate
	changes, err := NewChangesHandler(pages)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	s.pages = changes
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
	http         *http.Server
	now          func() time.Time
	shown        int // guarded by Local.mu: changes that were shown and are not over

	mu    sync.Mutex
	links map[string]*oneTimeLink
	due   chan struct{} // closed when the page to which a form leads was served; nil if none is due
}

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
	s.links[name] = link
	return s.origin + s.base + "/open/" + name, link.fetched
}

// ServeHTTP serves the one-time links, and with the cookie the pages.
func (s *localServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, isLink := strings.CutPrefix(r.URL.Path, s.base+"/open/")
	if !isLink {
		s.servePage(w, r)
		return
	}
	if r.Host != strings.TrimPrefix(s.origin, "http://") || r.Method != http.MethodGet || isFramed(r) {
		http.Error(w, "this link can only be opened in a browser window", http.StatusForbidden)
		return
	}
	change := s.redeem(name)
	if change == "" && !s.hasCookie(r) {
		http.Error(w, "this link was opened already, or too long ago; have the assistant ask again, or run scanwarden review in a terminal", http.StatusGone)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: localCookie, Value: s.cookie, Path: s.base + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	s.showAfterLink(w, r, change)
}

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
	link := s.links[name]
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
		http.Error(w, "this page can only be opened by scanwarden; have the assistant ask again, or run scanwarden review in a terminal", http.StatusForbidden)
		return Viewer{}, false
	}
	return Viewer{Principal: s.user, Session: s.cookie}, true
}
