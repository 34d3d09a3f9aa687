package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/entra/entratest"
)

// pageBrowser is a browser without scripts.
type pageBrowser struct {
	*http.Client
	origin string
}

// newPageBrowser returns a browser with its own cookies that trusts these certificates.
func newPageBrowser(t *testing.T, origin string, trusted *x509.CertPool) *pageBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	return &pageBrowser{&http.Client{Jar: jar, Transport: transport}, origin}
}

// open returns the status and the text of a page, after redirects.
func (b *pageBrowser) open(t *testing.T, path string) (status int, text string) {
	t.Helper()
	resp, err := b.Get(b.origin + path)
	if err != nil {
		t.Fatal(err)
	}
	return readPage(t, resp)
}

// post sends a form as a page of the site does.
func (b *pageBrowser) post(t *testing.T, path string, form url.Values) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", b.origin)
	resp, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return readPage(t, resp)
}

func readPage(t *testing.T, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

var reHiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)

// decide sends the form on the page of a change.
func (b *pageBrowser) decide(t *testing.T, id string, more url.Values) (status int, text string) {
	t.Helper()
	_, page := b.open(t, "/changes/"+id)
	form := maps.Clone(more) // tests that run at once may share it
	for _, m := range reHiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	return b.post(t, "/changes/"+id, form)
}

// newSignInStack returns a running server on whose pages Ada, an approver by her role, and others sign in with Entra ID, and
// the proxy that ends TLS in front of it.
func newSignInStack(t *testing.T) (*entraStack, *httptest.Server) {
	t.Helper()
	proxy, to := newProxy(t)
	s := newEntraStack(t, entratest.Defender)
	s.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, RedirectURIs: []string{proxy.URL + "/signin/callback"},
		Roles: []string{entratest.Defender + "/Machine.ReadWrite.All"}})
	s.ada = s.entra.AddUser(entratest.User{ObjectID: adaID, Name: "Ada", Roles: []string{"Scans.Approver"}})
	s.url = s.serve(t, "SCANWARDEN_PUBLIC_URL="+proxy.URL, "SCANWARDEN_CONFIRM_WITH=page", "SCANWARDEN_SELF_APPROVAL=false").url
	to(s.url)
	return s, proxy
}

// TestApproversSignInWithEntra: Bob asks. The page asks for a sign-in first. Ada, an approver by her role, confirms on the
// page; Bob sees his change and cannot confirm it; an account without a part in it sees nothing.
func TestApproversSignInWithEntra(t *testing.T) {
	t.Parallel()
	s, proxy := newSignInStack(t)
	eve := s.entra.AddUser(entratest.User{ObjectID: "eeeeeeee-0000-0000-0000-000000000005", Name: "Eve"})
	trusted := x509.NewCertPool()
	trusted.AddCert(proxy.Certificate())
	trusted.AppendCertsFromPEM(s.entra.CA())

	asked := s.deleteRequest(t, s.bob)()
	id := asked.ChangeID
	if asked.Status != "awaiting_confirmation" || !strings.Contains(asked.Next, "sign in at /changes") {
		t.Fatalf("Bob's assistant is told %+v", asked)
	}
	signIn := func(user entratest.User) (*pageBrowser, string) {
		b := newPageBrowser(t, proxy.URL, trusted)
		if status, page := b.open(t, "/changes/"+id); status != http.StatusForbidden || strings.Contains(page, "Branch routers") {
			t.Errorf("before the sign-in: %d: %s", status, page)
		}
		s.entra.SignIn(user.ObjectID)
		_, page := b.open(t, "/signin/start?return=/changes/"+id)
		return b, page
	}
	if _, page := signIn(eve); strings.Contains(page, "Branch routers") || !strings.Contains(page, "Not yours to decide") {
		t.Errorf("Eve sees %s", page)
	}
	bob, page := signIn(s.bob)
	if !strings.Contains(page, "Branch routers") {
		t.Errorf("Bob does not see his own change: %s", page)
	}
	yes := url.Values{"decision": {"approve"}, "read": {"yes"}, "count": {"1"}}
	if status, page := bob.decide(t, id, yes); status == http.StatusOK || len(s.tenant.Writes()) != 0 {
		t.Errorf("Bob confirms his own change: %d, %s", status, page)
	}
	ada, _ := signIn(s.ada)
	if status, page := ada.decide(t, id, yes); status != http.StatusOK || !strings.Contains(page, "Applied") {
		t.Errorf("Ada's yes: %d: %s", status, page)
	}
	if _, page := ada.open(t, "/changes/"+id); !strings.Contains(page, "Approved by") || !strings.Contains(page, "on this page") {
		t.Errorf("the timeline does not say who approved where: %s", page)
	}
	if got := s.changes()[0]; got.Status != "applied" || len(s.tenant.Writes()) != 1 {
		t.Errorf("%+v after %d writes", got, len(s.tenant.Writes()))
	}
	if status, _ := ada.post(t, "/signout", url.Values{}); status != http.StatusOK {
		t.Errorf("sign-out: %d", status)
	}
	if status, page := ada.open(t, "/changes"); status != http.StatusForbidden || strings.Contains(page, "Branch routers") {
		t.Errorf("after the sign-out: %d: %s", status, page)
	}
}

// TestApproversSignInWithTokens: a server without Entra lets people sign in with their bearer token. It asks on the page by
// itself where the client shows no prompt.
func TestApproversSignInWithTokens(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	run := s.serve(t, "SCANWARDEN_HTTP_TOKEN="+bearerToken, "SCANWARDEN_APPROVERS=token:default", "SCANWARDEN_SELF_APPROVAL=true")
	c := connectClient(t, &mcp.StreamableClientTransport{Endpoint: run.url, HTTPClient: &http.Client{Transport: tokenTransport(bearerToken)}}, "modern", nil)
	id := callTool(t, c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}}).ChangeID
	b := newPageBrowser(t, strings.TrimSuffix(run.url, "/mcp"), nil)
	if status, page := b.post(t, "/signin/token", url.Values{"token": {bearerToken + "x"}}); status != http.StatusForbidden || strings.Contains(page, bearerToken) {
		t.Errorf("a wrong token: %d: %s", status, page)
	}
	if status, page := b.post(t, "/signin/token", url.Values{"token": {bearerToken}, "return": {"/changes/" + id}}); status != http.StatusOK || !strings.Contains(page, "Branch routers") {
		t.Fatalf("the right token: %d: %s", status, page)
	}
	if status, page := b.decide(t, id, url.Values{"decision": {"deny"}, "reason": {"not today"}}); status != http.StatusOK || !strings.Contains(page, "not today") {
		t.Errorf("the no: %d: %s", status, page)
	}
	if got := callTool(t, c, "get_change", map[string]any{"change_id": id}); got.Status != "denied" || !strings.Contains(got.Reason, "not today") || len(s.tenant.Writes()) != 0 {
		t.Errorf("the assistant is told %+v", got)
	}
	if log := s.logs.String(); strings.Contains(log, bearerToken) {
		t.Error("the log has the token")
	}
	run.end(t)
	again := s.serve(t, "SCANWARDEN_HTTP_TOKEN=another-"+bearerToken)
	b.origin = strings.TrimSuffix(again.url, "/mcp")
	if status, _ := b.open(t, "/changes"); status != http.StatusForbidden {
		t.Errorf("a session of the replaced token: %d", status)
	}
}

// TestASignOutHoldsEverywhere: a copy of a session's cookie is worth nothing after the sign-out, also at another process on
// the same ledger and after a restart.
func TestASignOutHoldsEverywhere(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	settings := []string{"SCANWARDEN_HTTP_TOKEN=" + bearerToken, "SCANWARDEN_APPROVERS=token:default"}
	one, other := s.serve(t, settings...), s.serve(t, settings...)
	b := newPageBrowser(t, strings.TrimSuffix(one.url, "/mcp"), nil)
	if status, page := b.post(t, "/signin/token", url.Values{"token": {bearerToken}}); status != http.StatusOK {
		t.Fatalf("the sign-in: %d: %s", status, page)
	}
	copied := newPageBrowser(t, strings.TrimSuffix(other.url, "/mcp"), nil)
	site, err := url.Parse(b.origin)
	if err != nil {
		t.Fatal(err)
	}
	copied.Jar.SetCookies(site, b.Jar.Cookies(site)) // cookies are of a host, whatever the port
	if status, _ := copied.open(t, "/changes"); status != http.StatusOK {
		t.Fatalf("the session at the other process: %d", status)
	}
	if status, page := b.post(t, "/signout", nil); status != http.StatusOK || !strings.Contains(page, "You are signed out") {
		t.Fatalf("the sign-out: %d: %s", status, page)
	}
	if status, _ := copied.open(t, "/changes"); status != http.StatusForbidden {
		t.Errorf("a copy at the other process: %d", status)
	}
	one.end(t)
	copied.origin = strings.TrimSuffix(s.serve(t, settings...).url, "/mcp")
	if status, _ := copied.open(t, "/changes"); status != http.StatusForbidden {
		t.Errorf("a copy after a restart: %d", status)
	}
}
