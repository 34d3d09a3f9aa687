package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
)

const localUser = confirm.Principal("local:ada")

// localSite is a stdio user's own pages. Each address arrives at opened once the browser has the page.
type localSite struct {
	*toolstest.Stack
	*web.Local
	opened chan string
	jar    *cookiejar.Jar
}

func newLocalSite(t *testing.T) *localSite {
	t.Helper()
	s := &localSite{Stack: toolstest.New(t, toolstest.Options{}), opened: make(chan string, 9)}
	s.jar, _ = cookiejar.New(nil)
	s.Local = web.NewLocal(web.LocalConfig{
		User: localUser,
		Pages: web.ChangesConfig{
			Gate:   func(context.Context) (*confirm.Gate, error) { return s.Gate, nil },
			Tenant: "simulator", Key: func() ([]byte, error) { return toolstest.ServerKey(), nil }, Now: s.Now,
		},
		Open: func(_ context.Context, address string) error {
			go func() { // the browser, which fetches the page in its own time
				if resp, err := openAddress(t.Context(), s.browser(), address); err == nil {
					resp.Body.Close()
				}
				s.opened <- address
			}()
			return nil
		},
	})
	t.Cleanup(s.Local.Close)
	return s
}

func (s *localSite) propose(t *testing.T) confirm.Change {
	t.Helper()
	c, err := s.Service.Propose(t.Context(), confirm.Requester{
		Principal: localUser, Source: confirm.SourceStdio, Local: true, Channels: []confirm.Channel{confirm.WebPage, confirm.Terminal},
	}, "update_scan", []byte(`{"id":"Core switches","intervalInHours":24}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shown returns the address of the opened one-time link, after the browser has fetched it.
func (s *localSite) shown(t *testing.T, c confirm.Change) *url.URL {
	t.Helper()
	if err := s.Show(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(<-s.opened)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// pageOf returns the address of the page of a change beside a one-time link.
func pageOf(link *url.URL, c confirm.Change) string {
	base, _, _ := strings.Cut(link.Path, "/open/")
	return "http://" + link.Host + base + "/changes/" + c.ID
}

// approvalOf returns the request that the form on a page sends for an approval.
func approvalOf(t *testing.T, address, page string) *http.Request {
	t.Helper()
	form := url.Values{"decision": {"approve"}}
	for _, m := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

func TestALocalUserApprovesInTheBrowser(t *testing.T) {
	t.Parallel()
	s := newLocalSite(t)
	c := s.propose(t)
	link := s.shown(t, c)
	browser := &http.Client{Jar: s.jar}
	resp, err := browser.Get(pageOf(link, c))
	if err != nil {
		t.Fatal(err)
	}
	status, page := readAll(t, resp)
	if status != http.StatusOK || !strings.Contains(page, c.Code) {
		t.Fatalf("the page has status %d", status)
	}
	req := approvalOf(t, pageOf(link, c), page)
	if resp, err = browser.Do(req); err != nil {
		t.Fatal(err)
	}
	if _, page = readAll(t, resp); !strings.Contains(page, "Applied, and sent once") {
		t.Errorf("after the approval the page is:\n%s", page)
	}
	if n := len(s.Tenant.Writes()); n != 1 {
		t.Errorf("%d writes arrived, want 1", n)
	}
}

// TestTheLastPageIsServedAfterTheLastDecision: a program may end as soon as it knows the decision. The browser, which is
// redirected then, still gets the page that says how it ended.
func TestTheLastPageIsServedAfterTheLastDecision(t *testing.T) {
	t.Parallel()
	s := newLocalSite(t)
	c := s.propose(t)
	link := s.shown(t, c)
	browser := &http.Client{Jar: s.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(pageOf(link, c))
	if err != nil {
		t.Fatal(err)
	}
	_, page := readAll(t, resp)
	if resp, err = browser.Do(approvalOf(t, pageOf(link, c), page)); err != nil {
		t.Fatal(err)
	}
	readAll(t, resp)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.Local.Close()
	}()
	<-web.Closing(s.Local)
	if resp, err = browser.Get(pageOf(link, c)); err != nil {
		t.Fatalf("after the decision: %v", err)
	}
	if _, page = readAll(t, resp); !strings.Contains(page, "Applied, and sent once") {
		t.Errorf("after the decision the page is:\n%s", page)
	}
	<-closed
}

// TestAStolenLinkIsWorthNothingAfterUse: the link works once, and the pages need the cookie that it was traded for.
func TestAStolenLinkIsWorthNothingAfterUse(t *testing.T) {
	t.Parallel()
	s := newLocalSite(t)
	c := s.propose(t)
	link := s.shown(t, c)
	thief := &http.Client{}
	for address, want := range map[string]int{
		link.String():                      http.StatusGone,
		pageOf(link, c):                    http.StatusForbidden,
		"http://" + link.Host + "/":        http.StatusNotFound,
		"http://" + link.Host + "/changes": http.StatusNotFound,
	} {
		resp, err := openAddress(t.Context(), thief, address)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("%s has status %d, want %d", address, resp.StatusCode, want)
		}
		checkRefusalPage(t, address, resp, c)
	}
	// The browser that used the link may open it again, for instance after a restart.
	resp, err := openAddress(t.Context(), s.browser(), link.String())
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := readAll(t, resp); status != http.StatusOK {
		t.Errorf("the user's own second look has status %d", status)
	}
}

// TestNoBrowserNamesNoAddress: without a browser, the error leads to the terminal and names no address.
func TestNoBrowserNamesNoAddress(t *testing.T) {
	t.Parallel()
	s := newLocalSite(t)
	var address string
	l := web.NewLocal(web.LocalConfig{
		User:  localUser,
		Pages: web.ChangesConfig{Gate: func(context.Context) (*confirm.Gate, error) { return s.Gate, nil }, Key: func() ([]byte, error) { return toolstest.ServerKey(), nil }},
		Open: func(_ context.Context, url string) error {
			address = url
			return errors.New("exec: xdg-open " + url + ": not found")
		},
	})
	t.Cleanup(l.Close)
	err := l.Show(t.Context(), s.propose(t))
	if !errors.Is(err, web.ErrNoBrowser) || strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error is %v", err)
	}
}
