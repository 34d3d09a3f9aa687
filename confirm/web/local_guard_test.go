package web_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
)

// asNavigation gives a request the headers of a browser that opens an address in a window.
func asNavigation(r *http.Request) *http.Request {
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-Site", "none")
	return r
}

// openAddress opens an address as a browser does.
func openAddress(ctx context.Context, browser *http.Client, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return browser.Do(asNavigation(r))
}

// unusedLink is a one-time link that no browser has opened yet. Its pages are a localSite's.
type unusedLink struct {
	*localSite
	change confirm.Change
	link   string
	shown  chan error // receives what Show returned
}

// newUnusedLink proposes a change and shows it with an opener that opens nothing.
func newUnusedLink(t *testing.T) *unusedLink {
	t.Helper()
	u := &unusedLink{localSite: newLocalSite(t), shown: make(chan error, 1)}
	held := make(chan string, 1)
	l := web.NewLocal(web.LocalConfig{
		User:  localUser,
		Pages: web.ChangesConfig{Gate: func(context.Context) (*confirm.Gate, error) { return u.Gate, nil }, Key: func() ([]byte, error) { return toolstest.ServerKey(), nil }, Now: u.Now},
		Open:  func(_ context.Context, address string) error { held <- address; return nil },
	})
	t.Cleanup(l.Close)
	u.change = u.propose(t)
	go func() { u.shown <- l.Show(t.Context(), u.change) }()
	u.link = <-held
	return u
}

// checkUnused checks that the link still opens the page of the change.
func (u *unusedLink) checkUnused(t *testing.T) {
	t.Helper()
	resp, err := openAddress(t.Context(), u.browser(), u.link)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := readAll(t, resp); status != http.StatusOK || !strings.Contains(text, u.change.Code) {
		t.Errorf("the first real opening has status %d", status)
	}
	if err := <-u.shown; err != nil {
		t.Errorf("Show returned %v", err)
	}
}

// browser returns the browser of the local user.
func (s *localSite) browser() *http.Client { return &http.Client{Jar: s.jar} }

// TestLookingAtALinkDoesNotUseIt: HEAD, a program that is no browser, a script, a frame and another Host leave it unused.
// Each gets a page with the security headers, which says what to do.
func TestLookingAtALinkDoesNotUseIt(t *testing.T) {
	t.Parallel()
	u := newUnusedLink(t)
	for name, alter := range map[string]func(*http.Request){
		"HEAD":         func(r *http.Request) { r.Method = http.MethodHead },
		"POST":         func(r *http.Request) { r.Method = http.MethodPost; r.Header.Set("Sec-Fetch-Site", "same-origin") },
		"another Host": func(r *http.Request) { r.Host = "evil.example" },
		"a frame":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") },
		"a previewer":  func(r *http.Request) { r.Header = http.Header{} },
		"a script":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors"); r.Header.Set("Sec-Fetch-Dest", "empty") },
		"an image": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
			r.Header.Set("Sec-Fetch-Dest", "image")
		},
		"no mode":      func(r *http.Request) { r.Header.Del("Sec-Fetch-Mode") },
		"no dest":      func(r *http.Request) { r.Header.Del("Sec-Fetch-Dest") },
		"a long query": func(r *http.Request) { r.URL.RawQuery = strings.Repeat("x", 4<<10) },
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, u.link, nil)
		alter(asNavigation(req))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		checkRefusalPage(t, name, resp, u.change)
	}
	u.checkUnused(t)
}

// checkRefusalPage checks that a response is a page with the security headers and without the code or a cookie.
func checkRefusalPage(t *testing.T, name string, resp *http.Response, c confirm.Change) {
	t.Helper()
	status, text := readAll(t, resp)
	if status < 400 || strings.Contains(text, c.Code) || len(resp.Cookies()) != 0 {
		t.Errorf("%s: status %d, cookies %v", name, status, resp.Cookies())
	}
	for header, want := range map[string]string{
		"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Content-Type": "text/html",
	} {
		if !strings.Contains(resp.Header.Get(header), want) {
			t.Errorf("%s: %s is %q, want %q", name, header, resp.Header.Get(header), want)
		}
	}
	if resp.Request.Method != http.MethodHead && !strings.Contains(text, "<main") {
		t.Errorf("%s: the refusal is no page: %s", name, text)
	}
}

// TestAnOldBrowserIsToldOfTheTerminal: a browser without Sec-Fetch headers is refused with the command to use.
func TestAnOldBrowserIsToldOfTheTerminal(t *testing.T) {
	t.Parallel()
	u := newUnusedLink(t)
	resp, err := http.Get(u.link)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := readAll(t, resp); status != http.StatusForbidden || !strings.Contains(text, "scanwarden review") {
		t.Errorf("status %d:\n%s", status, text)
	}
	u.checkUnused(t)
}

// TestAnotherUserCannotUseALink: every user of a machine can read the arguments of the program that opens the browser, and
// so the link. A process of another user does not get the page, whatever headers it sends.
func TestAnotherUserCannotUseALink(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process of another user")
	}
	u := newUnusedLink(t)
	out, err := exec.CommandContext(t.Context(), "setpriv", "--reuid=65534", "--clear-groups", "curl", "--silent", "--noproxy", "*", "--include",
		"--header", "Sec-Fetch-Mode: navigate", "--header", "Sec-Fetch-Dest: document", "--header", "Sec-Fetch-Site: none", u.link).CombinedOutput()
	if err != nil {
		t.Fatalf("curl: %v\n%s", err, out)
	}
	if !bytes.HasPrefix(out, []byte("HTTP/1.1 403")) || bytes.Contains(out, []byte("Set-Cookie")) || !bytes.Contains(out, []byte("scanwarden review")) {
		t.Errorf("another user gets:\n%s", out)
	}
	u.checkUnused(t)
}

// TestALinkExpires: two minutes after it was made, a link opens nothing.
func TestALinkExpires(t *testing.T) {
	t.Parallel()
	u := newUnusedLink(t)
	u.Advance(2 * time.Minute)
	resp, err := openAddress(t.Context(), u.browser(), u.link)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusGone {
		t.Errorf("status %d, want %d", resp.StatusCode, http.StatusGone)
	}
	checkRefusalPage(t, "an old link", resp, u.change)
}
