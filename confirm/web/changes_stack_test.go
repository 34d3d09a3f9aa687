package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// The people of these tests.
const (
	grace = confirm.Principal("token:grace") // an approver
	linus = confirm.Principal("token:linus") // another one
	asker = confirm.Principal("token:ada")   // asks, and may not confirm
	tom   = confirm.Principal("token:tomasz")
)

// changeSite is the change pages of a stack, behind a sign-in by cookie.
type changeSite struct {
	*toolstest.Stack
	URL string
	cfg web.ChangesConfig
}

// newChangeSite returns the pages of a stack with two approvers, for a policy that the test may alter.
func newChangeSite(t testing.TB, alter func(*toolstest.Options, *web.ChangesConfig)) *changeSite {
	t.Helper()
	o := toolstest.Options{Policy: confirm.Policy{
		Approvers: []string{string(grace), string(linus)},
		People:    []confirm.Person{{Name: "Grace Okafor", Principals: []confirm.Principal{grace}}},
	}}
	s := &changeSite{cfg: web.ChangesConfig{Tenant: "contoso.example", Key: func() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil }}}
	s.cfg.Authenticate = func(w http.ResponseWriter, r *http.Request) (web.Viewer, bool) {
		cookie, err := r.Cookie("who")
		if err != nil {
			http.Error(w, "sign in first", http.StatusUnauthorized)
			return web.Viewer{}, false
		}
		return web.Viewer{Principal: confirm.Principal(cookie.Value), Session: "session of " + cookie.Value}, true
	}
	if alter != nil {
		alter(&o, &s.cfg)
	}
	s.Stack = toolstest.New(t, o)
	s.cfg.Gate = func(context.Context) (*confirm.Gate, error) { return s.Gate, nil }
	s.cfg.Now = s.Now
	s.cfg.Typed = web.TypedCredentials{Parts: tools.TypedParts, Hold: s.Typed.Hold}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.URL = server.URL
	s.cfg.Hosts = []string{strings.TrimPrefix(server.URL, "http://")}
	var err error
	if handler, err = web.NewChangesHandler(s.cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

// propose returns a new change of the asker.
func (s *changeSite) propose(t testing.TB, operation string, args any) confirm.Change {
	t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Service.Propose(t.Context(), confirm.Requester{
		Principal: asker, Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.WebPage},
	}, operation, raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// update returns a new change of one scan.
func (s *changeSite) update(t testing.TB) confirm.Change {
	t.Helper()
	return s.propose(t, "update_scan", map[string]any{"id": "Core switches", "intervalInHours": 24, "target": "192.0.2.10,192.0.2.11,192.0.2.13"})
}

// person is a browser without scripts, signed in as one principal.
type person struct {
	*http.Client
	site *changeSite
}

func (s *changeSite) signIn(t testing.TB, who confirm.Principal) person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(s.URL)
	jar.SetCookies(u, []*http.Cookie{{Name: "who", Value: string(who)}})
	return person{&http.Client{Jar: jar}, s}
}

// get returns the status and the text of a page.
func (p person) get(t testing.TB, path string) (int, string) {
	t.Helper()
	resp, err := p.Get(p.site.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, resp)
}

func readAll(t testing.TB, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// form returns the hidden fields of the form on the page of a change, and the given decision.
func (p person) form(t testing.TB, c confirm.Change, decision string) url.Values {
	t.Helper()
	_, page := p.get(t, "/changes/"+c.ID)
	values := url.Values{"decision": {decision}}
	for _, m := range hiddenField.FindAllStringSubmatch(page, -1) {
		values.Set(m[1], m[2])
	}
	return values
}

// send posts a form as a browser does from the page itself; alter may change the request.
func (p person) send(t testing.TB, c confirm.Change, form url.Values, alter func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.site.URL+"/changes/"+c.ID, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Origin", p.site.URL)
	if alter != nil {
		alter(req)
	}
	resp, err := p.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, resp)
}

// now returns the change as the ledger has it.
func (s *changeSite) now(t testing.TB, c confirm.Change) confirm.Change {
	t.Helper()
	after, err := s.Gate.Change(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	return after
}
