package main

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/entra/entratest"
	"scanwarden/slackbot/slacktest"
)

const stepUpRule = "policy:\n  rules:\n    - {name: strong sign-in, when: 'operation == \"delete_scans\"', authentication_context: c1}\n"

// stepUpSite is a server whose policy requires an authentication context to delete scans.
type stepUpSite struct {
	*entraStack
	proxy   *httptest.Server
	trusted *x509.CertPool
}

func newStepUpSite(t *testing.T, env ...string) *stepUpSite {
	t.Helper()
	proxy, to := newProxy(t)
	s := newEntraStack(t, entratest.Defender)
	s.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, RedirectURIs: []string{proxy.URL + "/signin/callback"},
		Roles: []string{entratest.Defender + "/Machine.ReadWrite.All"}})
	s.ada = s.entra.AddUser(entratest.User{ObjectID: adaID, Name: "Ada", Roles: []string{"Scans.Approver"}})
	s.configure(stepUpRule)
	s.url = s.serve(t, append(env, "SCANWARDEN_PUBLIC_URL="+proxy.URL)...).url
	to(s.url)
	trusted := x509.NewCertPool()
	trusted.AddCert(proxy.Certificate())
	trusted.AppendCertsFromPEM(s.entra.CA())
	return &stepUpSite{s, proxy, trusted}
}

// signIn returns a browser in which Ada has signed in, without a context.
func (s *stepUpSite) signIn(t *testing.T) *pageBrowser {
	t.Helper()
	b := newPageBrowser(t, s.proxy.URL, s.trusted)
	s.entra.SignIn(s.ada.ObjectID)
	if status, page := b.open(t, "/signin/start"); status != http.StatusOK {
		t.Fatalf("the sign-in: %d: %s", status, page)
	}
	return b
}

// stepUp follows the button of the page of a change, and returns the page that the browser ends on.
func (b *pageBrowser) stepUp(t *testing.T, id string) (status int, text string) {
	t.Helper()
	_, page := b.open(t, "/changes/"+id)
	before, _, found := strings.Cut(page, `">Sign in again to approve</a>`)
	if !found || strings.Contains(page, `value="approve"`) || !strings.Contains(page, `value="deny"`) {
		t.Fatalf("the page offers no stronger sign-in beside Deny: %s", page)
	}
	return b.open(t, strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&"))
}

var yesToOne = map[string][]string{"decision": {"approve"}, "read": {"yes"}, "count": {"1"}}

// TestAStrongerSignInApproves: Ada signs in, and cannot approve. The page sends her to Microsoft for the context, and
// she comes back to the same change, which says what was needed. Her approval counts, and is on record with the context.
func TestAStrongerSignInApproves(t *testing.T) {
	t.Parallel()
	s := newStepUpSite(t)
	asked := s.deleteRequest(t, s.bob)()
	id := asked.ChangeID
	if asked.Status != "awaiting_confirmation" || strings.Contains(asked.Next, "://") {
		t.Fatalf("Bob's assistant is told %+v", asked)
	}
	ada := s.signIn(t)
	if status, page := ada.decide(t, id, url.Values(yesToOne)); status != http.StatusForbidden || !strings.Contains(page, "authentication context c1") || len(s.tenant.Writes()) != 0 {
		t.Errorf("with the ordinary sign-in: %d: %s", status, page)
	}
	status, page := ada.stepUp(t, id)
	if status != http.StatusOK || !strings.Contains(page, "You have signed in with it at") || !strings.Contains(page, "Branch routers") {
		t.Fatalf("after the stronger sign-in: %d: %s", status, page)
	}
	if last := s.lastClaims(); last != `{"id_token":{"acrs":{"essential":true,"value":"c1"}}}` {
		t.Errorf("Microsoft was asked for the claims %s", last)
	}
	if status, page := ada.decide(t, id, url.Values(yesToOne)); status != http.StatusOK || !strings.Contains(page, "Applied") || !strings.Contains(page, "with the authentication context c1") {
		t.Errorf("the approval: %d: %s", status, page)
	}
	if got := s.changes()[0]; got.Status != "applied" || len(s.tenant.Writes()) != 1 {
		t.Errorf("%+v after %d writes", got, len(s.tenant.Writes()))
	}
	if out, err := s.command("changes", id).Output(); err != nil || !strings.Contains(string(out), "signed in with c1") {
		t.Errorf("changes ID prints %s (%v)", out, err)
	}
}

// lastClaims returns the claims parameter of the last request to the authorize endpoint.
func (s *stepUpSite) lastClaims() (claims string) {
	for _, r := range s.entra.Requests() {
		if strings.HasSuffix(r.Path, "/authorize") {
			claims = r.Claims
		}
	}
	return claims
}

// TestASignInWithoutTheContextEnds: where Microsoft ignores the request, or gives another context, the browser ends on a
// page that says so, and is sent to Microsoft no second time. A no still counts.
func TestASignInWithoutTheContextEnds(t *testing.T) {
	t.Parallel()
	s := newStepUpSite(t)
	id := s.deleteRequest(t, s.bob)().ChangeID
	ada := s.signIn(t)
	for name, contexts := range map[string][]string{"none": nil, "another": {"c2"}, "one that begins alike": {"c11"}} {
		s.entra.AnswerContexts(contexts...)
		before := s.entra.Count("/authorize")
		status, page := ada.stepUp(t, id)
		if status != http.StatusForbidden || !strings.Contains(page, "lacks the authentication context c1") || !strings.Contains(page, "/changes/"+id) || s.entra.Count("/authorize") != before+1 {
			t.Errorf("%s: %d after %d requests: %s", name, status, s.entra.Count("/authorize")-before, page)
		}
		if status, _ := ada.decide(t, id, url.Values(yesToOne)); status != http.StatusForbidden {
			t.Errorf("%s: the approval gave %d", name, status)
		}
	}
	if status, _ := ada.open(t, "/signin/start?context=c100"); status != http.StatusNotFound {
		t.Errorf("a context that there is not: %d", status)
	}
	if status, page := ada.decide(t, id, url.Values{"decision": {"deny"}}); status != http.StatusOK || !strings.Contains(page, "Denied") || len(s.tenant.Writes()) != 0 {
		t.Errorf("the no: %d: %s", status, page)
	}
}

// TestTheContextEndsWithItsSession: what a session had is not there after a sign-out and another sign-in, nor for another
// person in the same browser.
func TestTheContextEndsWithItsSession(t *testing.T) {
	t.Parallel()
	s := newStepUpSite(t)
	id := s.deleteRequest(t, s.bob)().ChangeID
	ada := s.signIn(t)
	if status, _ := ada.stepUp(t, id); status != http.StatusOK {
		t.Fatal(status)
	}
	grace := s.entra.AddUser(entratest.User{ObjectID: "cccccccc-0000-0000-0000-000000000003", Name: "Grace", Roles: []string{"Scans.Approver"}})
	s.entra.SignIn(grace.ObjectID)
	ada.open(t, "/signin/start")
	if status, page := ada.decide(t, id, url.Values(yesToOne)); status != http.StatusForbidden || !strings.Contains(page, "Grace") {
		t.Errorf("another person in the same browser: %d: %s", status, page)
	}
	if status, _ := ada.stepUp(t, id); status != http.StatusOK {
		t.Fatal(status)
	}
	ada.post(t, "/signout", url.Values{})
	ada.open(t, "/signin/start")
	if status, _ := ada.decide(t, id, url.Values(yesToOne)); status != http.StatusForbidden {
		t.Errorf("after a sign-out: %d", status)
	}
	if len(s.tenant.Writes()) != 0 {
		t.Error("it was sent")
	}
}

// TestATokenHasNoContext: a person who signed in to the page with a bearer token cannot approve, and is told to sign in with
// Microsoft.
func TestATokenHasNoContext(t *testing.T) {
	t.Parallel()
	s := newStepUpSite(t, "SCANWARDEN_HTTP_AUTH=token", "SCANWARDEN_HTTP_TOKEN="+bearerToken, "SCANWARDEN_APPROVERS=entra-role:Scans.Approver,token:default")
	c := connectClient(t, &mcp.StreamableClientTransport{Endpoint: s.url, HTTPClient: &http.Client{Transport: tokenTransport(bearerToken)}}, "modern", nil)
	id := callTool(t, c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}}).ChangeID
	b := newPageBrowser(t, s.proxy.URL, s.trusted)
	b.post(t, "/signin/token", url.Values{"token": {bearerToken}})
	status, page := b.decide(t, id, url.Values(yesToOne))
	if status != http.StatusForbidden || strings.Contains(page, "Sign in again to approve") || !strings.Contains(page, "sign in with Microsoft") || len(s.tenant.Writes()) != 0 {
		t.Errorf("with a token: %d: %s", status, page)
	}
}

// TestSlackNamesThePageForAStrongerSignIn: Bob's Approve in Slack does not count. He alone is told the address of the page;
// the requester's assistant never is. His no counts.
func TestSlackNamesThePageForAStrongerSignIn(t *testing.T) {
	t.Parallel()
	s := newEntraStack(t, entratest.Defender)
	s.configure(stepUpRule)
	s.env = append(s.env, "SCANWARDEN_APPROVERS=entra-role:Scans.Approver,slack:T01TEST/U0BOB")
	public := newProxied(t)
	slack := addSlack(t, s.stack, public)
	s.url = public.URL + "/mcp"
	answered := make(chan toolResult, 1)
	ask := s.deleteRequest(t, s.ada)
	go func() { answered <- ask() }()
	question := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool { return len(m.Buttons()) > 0 })
	slack.Click("U0BOB", question, "approve_change")
	told := slack.WaitEphemeral("U0BOB", nil).All()
	if id := s.changes()[0].ID; !strings.Contains(told, public.URL+"/changes/"+id) || !strings.Contains(told, "authentication context c1") {
		t.Errorf("Bob is told %s", told)
	}
	slack.Click("U0BOB", question, "deny_change")
	slack.Submit("U0BOB", slack.WaitView("U0BOB", nil), nil)
	if got := <-answered; got.Status != "denied" || strings.Contains(got.Reason+got.Next, "/changes/") {
		t.Errorf("the assistant is told %+v", got)
	}
}
