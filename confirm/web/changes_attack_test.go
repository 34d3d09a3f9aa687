package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
)

// refuses checks that a request is answered with this status, and that the change still waits and nothing was sent.
func (s *changeSite) refuses(t *testing.T, c confirm.Change, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("status %d, want %d", got, want)
	}
	if now := s.now(t, c); now.State != confirm.Pending || len(now.Decisions) != 0 {
		t.Errorf("the change is %s with %d decisions, want it pending with none", now.State, len(now.Decisions))
	}
	if n := len(s.Tenant.Writes()); n != 0 {
		t.Errorf("%d writes arrived, want none", n)
	}
}

// TestAnotherSiteCannotPostTheForm: a request that a browser makes for another page is refused, even with the whole form
// and the cookie.
func TestAnotherSiteCannotPostTheForm(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, grace)
	form := p.form(t, c, "approve")
	for name, alter := range map[string]func(*http.Request){
		"cross-site": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "https://evil.example")
		},
		"another port of this host": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
			r.Header.Set("Origin", "http://127.0.0.1:1")
		},
		"an old browser": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://evil.example")
		},
		"no origin at all": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Del("Origin")
		},
		"an opaque origin":      func(r *http.Request) { r.Header.Set("Origin", "null") },
		"a second origin":       func(r *http.Request) { r.Header.Add("Origin", "https://evil.example") },
		"a second site":         func(r *http.Request) { r.Header.Add("Sec-Fetch-Site", "cross-site"); r.Header.Del("Origin") },
		"typed by the user":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") },
		"the scheme is another": func(r *http.Request) { r.Header.Set("Origin", strings.Replace(s.URL, "http:", "https:", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := p.send(t, c, form, alter)
			s.refuses(t, c, status, http.StatusForbidden)
		})
	}
}

// TestNoDecisionByRebinding: a site whose name resolves to this server is refused by its Host header.
func TestNoDecisionByRebinding(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, grace)
	status, _ := p.send(t, c, p.form(t, c, "approve"), func(r *http.Request) {
		r.Host = "evil.example"
		r.Header.Set("Origin", "http://evil.example")
	})
	s.refuses(t, c, status, http.StatusMisdirectedRequest)
}

// TestFormsOfAnHTTPSPage: behind a public https address, an old browser's Origin has to have that scheme.
func TestFormsOfAnHTTPSPage(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, func(_ *toolstest.Options, cfg *web.ChangesConfig) { cfg.Secure = true })
	c := s.update(t)
	p := s.signIn(t, grace)
	oldBrowser := func(origin string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", origin) }
	}
	status, _ := p.send(t, c, p.form(t, c, "approve"), oldBrowser(s.URL))
	s.refuses(t, c, status, http.StatusForbidden)
	status, _ = p.send(t, c, p.form(t, c, "approve"), oldBrowser("https://evil.example"))
	s.refuses(t, c, status, http.StatusForbidden)
	if status, _ = p.send(t, c, p.form(t, c, "deny"), oldBrowser(strings.Replace(s.URL, "http:", "https:", 1))); status != http.StatusOK || s.now(t, c).State != confirm.Denied {
		t.Errorf("the page's own form has status %d", status)
	}
}

// TestThePageCannotBeFramed: by the headers, and for a browser that says that it frames.
func TestThePageCannotBeFramed(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, grace)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/changes/"+c.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	policy := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %q: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || resp.Header.Get("X-Frame-Options") != "DENY" || resp.Header.Get("Cache-Control") != "no-store" ||
		resp.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("the headers are %v", resp.Header)
	}
	req.Header.Set("Sec-Fetch-Dest", "iframe")
	if resp, err = p.Do(req); err != nil {
		t.Fatal(err)
	}
	status, text := readAll(t, resp)
	if strings.Contains(text, c.Code) {
		t.Error("a framed page shows the code")
	}
	s.refuses(t, c, status, http.StatusForbidden)
}

// TestAReplayedFormDecidesNothing: the same form a second time, and the form of an earlier change.
func TestAReplayedFormDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	first := s.update(t)
	p := s.signIn(t, grace)
	form := p.form(t, first, "approve")
	p.send(t, first, form, nil)
	if status, _ := p.send(t, first, form, nil); status != http.StatusConflict {
		t.Errorf("the second time the status is %d, want %d", status, http.StatusConflict)
	}
	if n := len(s.Tenant.Writes()); n != 1 {
		t.Fatalf("%d writes arrived, want 1", n)
	}
	second := s.propose(t, "update_scan", map[string]any{"id": "Branch routers", "isActive": false})
	if status, _ := p.send(t, second, form, nil); status != http.StatusForbidden || s.now(t, second).State != confirm.Pending {
		t.Errorf("the form of another change: status %d, the change is %s", status, s.now(t, second).State)
	}
}

// TestAnAlteredFormDecidesNothing: another digest, no token, the token of another person's session, a field sent twice.
func TestAnAlteredFormDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, grace)
	for name, test := range map[string]struct {
		alter  func(url.Values)
		status int
	}{
		"another digest":      {func(f url.Values) { f.Set("digest", "sha256:"+strings.Repeat("0", 64)) }, http.StatusForbidden},
		"no digest":           {func(f url.Values) { f.Del("digest") }, http.StatusForbidden},
		"no token":            {func(f url.Values) { f.Del("token") }, http.StatusForbidden},
		"a foreign session":   {func(f url.Values) { f.Set("token", s.signIn(t, linus).form(t, c, "approve").Get("token")) }, http.StatusForbidden},
		"two decisions":       {func(f url.Values) { f.Add("decision", "deny") }, http.StatusUnprocessableEntity},
		"no decision":         {func(f url.Values) { f.Del("decision") }, http.StatusUnprocessableEntity},
		"another decision":    {func(f url.Values) { f.Set("decision", "APPROVE") }, http.StatusUnprocessableEntity},
		"a reason too long":   {func(f url.Values) { f.Set("reason", strings.Repeat("x", 301)) }, http.StatusUnprocessableEntity},
		"a broken reason":     {func(f url.Values) { f.Set("reason", "x\xff") }, http.StatusUnprocessableEntity},
		"a body far too long": {func(f url.Values) { f.Set("reason", strings.Repeat("x", 1<<20)) }, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			form := p.form(t, c, "approve")
			test.alter(form)
			status, _ := p.send(t, c, form, nil)
			s.refuses(t, c, status, test.status)
		})
	}
	t.Run("a long body", func(t *testing.T) { // it is not read to its end
		form := p.form(t, c, "approve")
		form.Set("more", strings.Repeat("x", 1<<20))
		status, _ := p.send(t, c, form, nil)
		s.refuses(t, c, status, http.StatusUnprocessableEntity)
	})
	t.Run("as JSON", func(t *testing.T) {
		status, _ := p.send(t, c, p.form(t, c, "approve"), func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
		s.refuses(t, c, status, http.StatusForbidden)
	})
}

// TestLookingChangesNothing: a link previewer opens each address with GET and HEAD, also with the whole form in the query.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, grace)
	query := p.form(t, c, "approve").Encode()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut} {
		for _, path := range []string{"/changes", "/changes/" + c.ID, "/changes/" + c.ID + "/status"} {
			req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path+"?"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			s.refuses(t, c, 0, 0)
		}
	}
}

// TestTheWrongPersonDecidesNothing: somebody without a part in the change, and the requester, even with an approver's form.
func TestTheWrongPersonDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	stolen := s.signIn(t, grace).form(t, c, "approve")
	for _, who := range []confirm.Principal{tom, asker, "local:ada"} {
		status, _ := s.signIn(t, who).send(t, c, stolen, nil)
		s.refuses(t, c, status, http.StatusForbidden)
	}
	own := s.signIn(t, asker)
	status, _ := own.send(t, c, own.form(t, c, "approve"), nil)
	s.refuses(t, c, status, http.StatusForbidden)
}

// TestNamesCannotWriteHTML: what Defender, a model and a person write is text on every page.
func TestNamesCannotWriteHTML(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`
	c := s.propose(t, "update_scan", map[string]any{"id": "Core switches", "scanName": evil})
	p := s.signIn(t, grace)
	pages := []string{"/changes", "/changes/" + c.ID, "/changes?q=" + url.QueryEscape(evil) + "&person=" + url.QueryEscape(evil) + "&status=" + url.QueryEscape(evil)}
	for _, path := range pages {
		_, text := p.get(t, path)
		if strings.Contains(text, "<img") || strings.Contains(text, "<script>alert") {
			t.Errorf("%s has an element that a name has written", path)
		}
		if strings.Count(text, "<script>") > 1 {
			t.Errorf("%s has %d scripts", path, strings.Count(text, "<script>"))
		}
	}
	form := p.form(t, c, "deny")
	form.Set("reason", evil+"\r\nSet-Cookie: a=b")
	if _, text := p.send(t, c, form, nil); strings.Contains(text, "<img") {
		t.Error("a reason has written an element")
	}
}
