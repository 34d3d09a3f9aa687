package web_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/confirm"
	"scanwarden/tools/toolstest/browsertest"
)

// openedPage is the page of a change that the local user has opened.
type openedPage struct {
	*localSite
	change  confirm.Change
	address string
	text    string
}

func newOpenedPage(t *testing.T) *openedPage {
	t.Helper()
	s := newLocalSite(t)
	p := &openedPage{localSite: s, change: s.propose(t)}
	p.address = pageOf(s.shown(t, p.change), p.change)
	resp, err := s.browser().Get(p.address)
	if err != nil {
		t.Fatal(err)
	}
	_, p.text = readAll(t, resp)
	if !strings.Contains(p.text, p.change.Code) {
		t.Fatalf("the page shows no code:\n%s", p.text)
	}
	return p
}

// checkPending checks that nothing was decided and nothing sent.
func (p *openedPage) checkPending(t *testing.T) {
	t.Helper()
	c, err := p.Gate.Change(t.Context(), p.change.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != confirm.Pending || len(c.Decisions) != 0 || len(p.Tenant.Writes()) != 0 {
		t.Errorf("the change is %s with %d decisions and %d writes", c.State, len(c.Decisions), len(p.Tenant.Writes()))
	}
}

// send sends a request with the user's cookie, and returns the response of the first page without following it.
func (p *openedPage) send(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	b := p.browser()
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestLocalPageRefusesForeignForms: another site, an address that was rebound, and a frame send the whole form with the cookie.
func TestLocalPageRefusesForeignForms(t *testing.T) {
	t.Parallel()
	p := newOpenedPage(t)
	for name, test := range map[string]struct {
		alter func(*http.Request)
		want  int
	}{
		"another site": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"another port": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, http.StatusForbidden},
		"another site in an old browser": {func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "http://evil.example")
		}, http.StatusForbidden},
		"no browser": {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") }, http.StatusForbidden},
		"DNS rebinding": {func(r *http.Request) {
			r.Host = "evil.example:" + r.URL.Port()
			r.Header.Set("Origin", "http://"+r.Host)
		}, http.StatusMisdirectedRequest},
		"the name localhost": {func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() }, http.StatusMisdirectedRequest},
		"a frame":            {func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") }, http.StatusForbidden},
	} {
		r := approvalOf(t, p.address, p.text)
		test.alter(r)
		resp := p.send(t, r)
		if resp.StatusCode != test.want {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, test.want)
		}
		checkRefusalPage(t, name, resp, p.change)
	}
	p.checkPending(t)
}

// TestLocalPageIsNotRead: the page is shown neither to a site whose name was rebound to this machine, nor in a frame, nor to
// a browser with the cookie twice or with another one.
func TestLocalPageIsNotRead(t *testing.T) {
	t.Parallel()
	p := newOpenedPage(t)
	for name, test := range map[string]struct {
		alter func(*http.Request)
		want  int
	}{
		"DNS rebinding":  {func(r *http.Request) { r.Host = "evil.example:" + r.URL.Port() }, http.StatusMisdirectedRequest},
		"an iframe":      {func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") }, http.StatusForbidden},
		"a frame":        {func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "frame") }, http.StatusForbidden},
		"an object":      {func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "object") }, http.StatusForbidden},
		"an embed":       {func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "embed") }, http.StatusForbidden},
		"a fenced frame": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "fencedframe") }, http.StatusForbidden},
		"a second cookie": {func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "scanwarden-local", Value: "x"})
		}, http.StatusForbidden},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		test.alter(r)
		resp := p.send(t, r)
		if resp.StatusCode != test.want {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, test.want)
		}
		checkRefusalPage(t, name, resp, p.change)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.address, nil)
	r.AddCookie(&http.Cookie{Name: "scanwarden-local", Value: "x"})
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	checkRefusalPage(t, "another cookie", resp, p.change)
}

// TestLocalPageAlteredAndReplayedForms: another digest decides nothing, and a form decides once.
func TestLocalPageAlteredAndReplayedForms(t *testing.T) {
	t.Parallel()
	p := newOpenedPage(t)
	altered := strings.ReplaceAll(p.text, p.change.Digest, "sha256:"+strings.Repeat("0", 64))
	if altered == p.text {
		t.Fatal("the form has no digest")
	}
	if resp := p.send(t, approvalOf(t, p.address, altered)); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another digest has status %d", resp.StatusCode)
	}
	p.checkPending(t)
	for i, want := range []int{http.StatusSeeOther, http.StatusConflict} {
		if resp := p.send(t, approvalOf(t, p.address, p.text)); resp.StatusCode != want {
			t.Errorf("form %d has status %d, want %d", i+1, resp.StatusCode, want)
		}
	}
	if n := len(p.Tenant.Writes()); n != 1 {
		t.Errorf("%d writes arrived, want 1", n)
	}
}

// TestLocalCookie: the cookie goes to this server's random path alone, and to no script and no other site.
func TestLocalCookie(t *testing.T) {
	t.Parallel()
	u := newUnusedLink(t)
	resp, err := openAddress(t.Context(), u.browser(), u.link)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	link, _ := url.Parse(u.link)
	base, _, _ := strings.Cut(link.Path, "/open/")
	if len(resp.Cookies()) != 1 {
		t.Fatalf("the cookies are %v", resp.Cookies())
	}
	c := resp.Cookies()[0]
	if c.Path != base+"/" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("the cookie is %s", c.Raw)
	}
}

// TestAnotherUserCannotOpenThePage: with the address of the page, but without the cookie, another user of the machine gets
// nothing.
func TestAnotherUserCannotOpenThePage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process of another user")
	}
	p := newOpenedPage(t)
	out, err := exec.CommandContext(t.Context(), "setpriv", "--reuid=65534", "--clear-groups", "curl", "--silent", "--noproxy", "*", "--include", p.address).CombinedOutput()
	if err != nil {
		t.Fatalf("curl: %v\n%s", err, out)
	}
	if text := string(out); !strings.HasPrefix(text, "HTTP/1.1 403") || strings.Contains(text, p.change.Code) {
		t.Errorf("another user gets:\n%s", text)
	}
}

// TestNamesCannotWriteHeaders: line breaks in the name of a scan, a reason, a path and a query never make a header.
func TestNamesCannotWriteHeaders(t *testing.T) {
	t.Parallel()
	const evil = "x\r\nSet-Cookie: evil=1\r\nLocation: https://evil.example"
	p := newOpenedPage(t)
	form := approvalOf(t, p.address, strings.Replace(p.text, "</form>", `<input type="hidden" name="reason" value="`+evil+`"></form>`, 1))
	checkNoInjection(t, "a form", p.send(t, form))
	for _, path := range []string{p.address + url.PathEscape(evil), p.address + "?q=" + url.QueryEscape(evil)} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkNoInjection(t, path, p.send(t, r))
	}
	s := newChangeSite(t, nil)
	s.edit("Core switches", map[string]any{"scanName": evil}) // Defender may have such a name; a new one is refused
	c := s.deactivate(t, evil)
	g := s.signIn(t, grace)
	fields := g.form(t, c, "deny")
	fields.Set("reason", evil)
	g.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/changes/"+c.ID, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := g.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	checkNoInjection(t, "a served form", resp)
	if resp, err = g.Get(s.URL + "/changes/" + c.ID); err != nil {
		t.Fatal(err)
	}
	checkNoInjection(t, "the page of a change", resp)
}

func checkNoInjection(t *testing.T, name string, resp *http.Response) {
	t.Helper()
	readAll(t, resp)
	if resp.StatusCode/100 == 3 && !strings.Contains(resp.Header.Get("Location"), "/changes/") || strings.Contains(resp.Header.Get("Location"), "evil") {
		t.Errorf("%s: Location is %q", name, resp.Header.Get("Location"))
	}
	if len(resp.Cookies()) != 0 || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("%s: the headers are %v", name, resp.Header)
	}
}

// TestBrowserOpensTheLocalLink: a real browser sends what the one-time link asks for, and decides on the page.
func TestBrowserOpensTheLocalLink(t *testing.T) {
	t.Parallel()
	u := newUnusedLink(t)
	tab := browsertest.NewTab(t)
	do(t, tab, chromedp.Navigate(u.link))
	waitText(t, tab, u.change.Code)
	do(t, tab, chromedp.Click(`button[value=approve]`))
	waitText(t, tab, "Applied, and sent once")
	if err := <-u.shown; err != nil {
		t.Errorf("Show returned %v", err)
	}
}
