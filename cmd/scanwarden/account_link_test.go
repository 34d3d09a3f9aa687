package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"scanwarden/defender/entra/entratest"
	"scanwarden/slackbot/slacktest"
)

// TestLinkAccounts: Ada signs in to Entra ID in her browser and pastes the proof into her Slack. From then on she is
// one person: she confirms in Slack what Bob requests, by her permissions in Entra ID, and cannot confirm there what
// she requested elsewhere.
func TestLinkAccounts(t *testing.T) {
	t.Parallel()
	slack := newSlack(t, slacktest.Options{AppToken: "xapp-test", BotToken: "xoxb-test"})
	slack.AddUser(slacktest.User{ID: "U0ADA", Name: "ada"})
	slack.AddChannel("C0SCANS", "U0ADA")
	proxy, to := newProxy(t)
	s := newServingEntraStack(t, "SLACK_API_URL="+slack.API(), "SLACK_BOT_TOKEN=xoxb-test", "SLACK_APP_TOKEN=xapp-test",
		"SCANWARDEN_SLACK_CHANNEL=C0SCANS", "SCANWARDEN_SLACK_LINK_ACCOUNTS=true", "SCANWARDEN_PUBLIC_URL="+proxy.URL,
		"SCANWARDEN_SELF_APPROVAL=false", "SCANWARDEN_APPROVERS=entra:"+entratest.Tenant+"/"+adaID)
	to(s.url)
	s.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, RedirectURIs: []string{proxy.URL + "/link/callback"},
		Roles: []string{entratest.Defender + "/Machine.ReadWrite.All"}})
	slack.WaitSockets(1)

	bob, told := s.deleteRequest(t, s.bob), make(chan toolResult, 1)
	go func() { told <- bob() }()
	question := slack.WaitMessage("C0SCANS", func(m slacktest.Message) bool { return len(m.Buttons()) > 0 })
	slack.Click("U0ADA", question, "approve_change")
	refused := slack.WaitEphemeral("U0ADA", nil)
	if n := len(s.tenant.Writes()); n != 0 {
		t.Fatalf("%d writes before it is known who she is; she is told %s", n, refused.All())
	}

	s.entra.SignIn(adaID)
	command, proof := s.signInAt(t, proxy)
	slack.Command("U0ADA", "C0SCANS", command, proof)
	slack.WaitEphemeral("U0ADA", func(m slacktest.Message) bool { return strings.Contains(m.All(), "Joined: ") })
	if people := s.output("people"); !strings.Contains(people, "slack:T01TEST/U0ADA") || !strings.Contains(people, adaID) {
		t.Errorf("scanwarden people: %s", people)
	}
	if own := s.deleteRequest(t, s.ada)(); own.Status != "refused" || len(s.tenant.Writes()) != 0 {
		t.Errorf("Ada, who would confirm her own change in Slack, is told %+v", own)
	}
	slack.Click("U0ADA", question, "approve_change")
	waitFor(t, "the change that she confirmed", func() bool { return len(s.tenant.Writes()) == 1 })
	<-told // it may have stopped waiting for her before
}

// deleteRequest returns a function that requests a delete as u, with a client that cannot show a prompt.
func (s *entraStack) deleteRequest(t *testing.T, u entratest.User) func() toolResult {
	t.Helper()
	c := s.connect(t, s.userToken(u, nil, "Scans.Requester"), "modern", nil)
	return func() toolResult {
		r, err := tryCallTool(t.Context(), c, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
		if err != nil {
			t.Error(err)
		}
		return r
	}
}

// newProxy returns a proxy that ends TLS in front of the program. to sets the program's address.
func newProxy(t *testing.T) (proxy *httptest.Server, to func(address string)) {
	t.Helper()
	var behind atomic.Pointer[url.URL]
	proxy = httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		host := r.In.Host
		r.SetURL(behind.Load())
		r.Out.Host = host
	}})
	t.Cleanup(proxy.Close)
	return proxy, func(address string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		behind.Store(&url.URL{Scheme: u.Scheme, Host: u.Host})
	}
}

var rePastedCommand = regexp.MustCompile(`<code>(/\S+) (link \S+)</code>`)

// signInAt is a browser that opens the page, presses its button, signs in to Entra ID and returns. It returns the
// command that the page then shows.
func (s *entraStack) signInAt(t *testing.T, proxy *httptest.Server) (command, text string) {
	t.Helper()
	trusted := x509.NewCertPool()
	trusted.AddCert(proxy.Certificate())
	trusted.AppendCertsFromPEM(s.entra.CA())
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Jar: jar, Transport: transport}).Get(proxy.URL + "/link/start")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	found := rePastedCommand.FindStringSubmatch(string(page))
	if err != nil || found == nil {
		t.Fatalf("%s: %s, %v: %s", resp.Request.URL.Path, resp.Status, err, page)
	}
	return found[1], found[2]
}
