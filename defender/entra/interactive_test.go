package entra_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

func TestABrowserSignsAUserIn(t *testing.T) {
	f := startTenant(t)
	b := newTestBrowser(f)
	var shown prompts
	s := b.source(t, &shown, nil)
	wantToken(t, s, false, "1")
	wantToken(t, s, false, "1")
	asked := <-b.opened
	for name, want := range map[string]string{
		"client_id": clientID, "response_type": "code", "response_mode": "form_post", "code_challenge_method": "S256",
		"scope": scope + " openid offline_access profile", "claims": `{"access_token":{"xms_cc":{"values":["CP1"]}}}`,
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil || back.Scheme != "http" || back.Hostname() != "localhost" || back.Port() == "" {
		t.Errorf("redirect to %v, %v", back, err)
	}
	if form := f.TokenForms()[0]; !strings.HasPrefix(form.Get("code"), "fake-authorization-code-") || form.Get("code_verifier") == "" || form.Has("client_secret") {
		t.Errorf("the code was redeemed with %v", form)
	}
	if c, err := net.Dial("tcp", back.Host); err == nil {
		t.Error("the port stays open after the sign-in")
		_ = c.Close()
	}
}

// longWait is longer than any test, for calls that wait for an event.
const longWait = time.Hour

// waitUntilPrompted calls with a short wait until the user has been prompted, and returns the error of the last
// call.
func waitUntilPrompted(t *testing.T, s *entra.Source, shown *prompts) *entra.Error {
	t.Helper()
	for {
		_, err := getText(t.Context(), s, false)
		switch problem := asError(t, err); {
		case problem.OAuth == "" && strings.Contains(problem.Hint, "did not answer in time"): // the sign-in has not started yet
		case problem.OAuth != "authorization_pending" || shown.any():
			return problem
		}
	}
}

func shortWait(c *entra.Config) { c.SignInWait = time.Millisecond }

func TestCloseFreesThePort(t *testing.T) {
	f := startTenant(t)
	b := newTestBrowser(f)
	b.answer = func(url.Values) url.Values { return nil }
	var shown prompts
	s := b.source(t, &shown, func(c *entra.Config) { c.SignInWait = longWait })
	waited := make(chan error, 1)
	go func() {
		_, err := getText(t.Context(), s, false)
		waited <- err
	}()
	var asked url.Values
	select {
	case asked = <-b.opened:
	case err := <-waited:
		t.Fatalf("the call ended before a browser was opened: %v", err)
	}
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", back.Host); err != nil {
		t.Fatalf("the port is not open during the sign-in: %v", err)
	} else {
		_ = c.Close()
	}
	s.Close()
	all := make([]byte, 1<<20)
	if all = all[:runtime.Stack(all, true)]; bytes.Contains(all, []byte("entra.(*userSignIn).runAttempt")) {
		t.Error("the sign-in goes on after Close")
	}
	if c, err := net.Dial("tcp", back.Host); err == nil {
		t.Error("the port is still open after Close")
		_ = c.Close()
	}
	wantRefused(t, <-waited, entra.Error{}, "the program is ending, and the sign-in with it: start it again and call again")
}

// The port is real, so the test cannot run in a bubble. MSAL caches no token that expires within five minutes,
// so each call after the sign-in needs a renewal.
func TestASignInInABrowserIsRenewed(t *testing.T) {
	f := startTenant(t)
	f.setExpiresIn(240 * time.Second)
	b := newTestBrowser(f)
	var shown prompts
	s := b.source(t, &shown, nil)
	const finish = "To sign in to Entra ID, finish the sign-in in the browser window that was opened."
	first, err := getText(t.Context(), s, false)
	if err != nil || !strings.HasPrefix(first, tokenCanary) {
		t.Fatalf("Get = %q, %v", first, err)
	}
	n := len(f.TokenForms()) // MSAL may have found the sign-in's own token expired already
	want := slices.Concat([]string{"authorization_code"}, slices.Repeat([]string{"refresh_token"}, n-1))
	next := func() {
		t.Helper()
		n++
		wantToken(t, s, false, strconv.Itoa(n))
		want = append(want, "refresh_token")
		wantGrants(t, f, want...)
	}
	next()

	// Throttled: the error has the time to wait, and no window opens.
	f.failNext(throttled("60"))
	throttled := wantSignInError(t, s, entra.Error{Status: 429, Temporary: true, RetryAfter: time.Minute})
	wantSentence(t, throttled, "Entra ID sign-in failed (HTTP 429): Entra ID is throttling this app's sign-ins: wait, and look for other programs "+
		"that sign in as this app; try again in 1m0s", tokenForms(f))
	n, want = n+1, append(want, "refresh_token")
	f.failNext(status(http.StatusServiceUnavailable)) // retried
	n, want = n+1, append(want, "refresh_token")
	next()
	shown.want(t, finish)

	// Revoked: the refusal leads to another sign-in.
	f.Revoke(adaID) // the next renewal is refused
	f.setExpiresIn(time.Hour)
	if again, err := getText(t.Context(), s, false); err != nil || again == first {
		t.Fatalf("after the revocation: %q, %v", again, err)
	}
	shown.want(t, finish, finish)
	if len(b.opened) != 2 {
		t.Errorf("%d windows were opened, want 2", len(b.opened))
	}
}

func TestABrowserThatStays(t *testing.T) {
	t.Parallel()
	f := startTenant(t)
	b := newTestBrowser(f)
	closed := make(chan struct{})
	t.Cleanup(func() { close(closed) })
	var shown prompts
	s := b.source(t, &shown, func(c *entra.Config) {
		c.OpenURL = func(address string) error {
			err := b.open(address)
			<-closed
			return err
		}
	})
	wantToken(t, s, false, "1")
	shown.want(t, "To sign in to Entra ID, finish the sign-in in the browser window that was opened.")
}

func TestABrowserThatCannotBeOpened(t *testing.T) {
	f := startTenant(t)
	addresses := make(chan string, 1)
	var shown prompts
	s := newTestBrowser(f).source(t, &shown, func(c *entra.Config) {
		shortWait(c)
		c.OpenURL = func(address string) error {
			addresses <- address
			return errors.New("canary: no display")
		}
	})
	problem := waitUntilPrompted(t, s, &shown)
	wantEqualError(t, problem, entra.Error{OAuth: "authorization_pending", Temporary: true})
	words := "sign in at " + <-addresses + " in a browser on this machine"
	if want := "Entra ID waits for a person to sign in: " + words + ", then call again"; problem.Error() != want {
		t.Errorf("got  %s\nwant %s", problem, want)
	}
	for _, text := range shown.texts {
		if text != "To sign in to Entra ID, "+words+"." || strings.Contains(text, "canary") {
			t.Errorf("shown %q", text)
		}
	}
	if len(addresses) != 0 {
		t.Error("a browser was tried twice for one sign-in")
	}
}

func TestSignInsInABrowserThatFail(t *testing.T) {
	refused := func(word, description string) func(url.Values) url.Values {
		return func(asked url.Values) url.Values {
			return url.Values{"error": {word}, "error_description": {description}, "state": {asked.Get("state")}}
		}
	}
	cases := map[string]struct {
		change func(*testBrowser)
		want   entra.Error
		hint   string
	}{
		"cancelled": {func(b *testBrowser) { b.answer = refused("access_denied", "<b>the user canary cancelled</b>") },
			entra.Error{OAuth: "access_denied"}, "canceled or refused in the browser"},
		"consent declined": {func(b *testBrowser) { b.answer = refused("access_denied", "AADSTS65004: User canary declined.") },
			entra.Error{OAuth: "access_denied", Code: "AADSTS65004"}, "consent was declined"},
		"not assigned": {func(b *testBrowser) { b.answer = refused("invalid_grant", "AADSTS50105: canary") },
			entra.Error{OAuth: "access_denied", Code: "AADSTS50105"}, "assign"},
		"another state": {func(b *testBrowser) {
			b.answer = func(url.Values) url.Values { return url.Values{"code": {"canary-code"}, "state": {"canary"}} }
		}, entra.Error{OAuth: "access_denied"}, "canceled or refused"},
		"GET":          {func(b *testBrowser) { b.method = http.MethodGet }, entra.Error{OAuth: "access_denied"}, "canceled or refused"},
		"stolen code":  {func(b *testBrowser) { b.f.failNext(refusal(400, "invalid_grant", 501481)) }, entra.Error{Code: "AADSTS501481", OAuth: "invalid_grant", Status: 400, Correlation: correlation}, "start the sign-in again"},
		"other tenant": {func(b *testBrowser) { setTenant(otherTenant)(b.f) }, entra.Error{}, "belongs to another tenant than AZURE_TENANT_ID"},
		"no answer": {func(b *testBrowser) { b.answer = func(url.Values) url.Values { return nil } },
			entra.Error{OAuth: "authorization_pending", Temporary: true}, "finish the sign-in in the browser window that was opened, then call again"},
		"asked too often": {func(b *testBrowser) { b.f.failNext(throttled("60")) },
			entra.Error{Status: 429, Temporary: true, RetryAfter: time.Minute}, "throttling this app's sign-ins: wait"},
		"Entra is down": {func(b *testBrowser) { b.f.failNext(status(503)) }, entra.Error{Status: 503, Temporary: true}, "failing temporarily"},
		"no such tenant": {func(b *testBrowser) {
			b.f.failDiscovery(refusal(400, "invalid_tenant", 90002))
		}, entra.Error{Code: "AADSTS90002", OAuth: "invalid_tenant", Status: 400, Correlation: correlation}, "check AZURE_TENANT_ID"},
		"address without TLS": {func(b *testBrowser) {
			b.f.failDiscovery(discoveryOf("file:///etc/canary"))
		}, entra.Error{}, "not an https address"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newTestBrowser(startTenant(t))
			c.change(b)
			wantFailedBrowser(t, b, c.want, c.hint)
			if name == "address without TLS" && len(b.opened) != 0 {
				t.Error("the address was opened")
			}
		})
	}
}

// wantFailedBrowser checks the error of a sign-in in a browser. It waits for the end unless the error is pending.
func wantFailedBrowser(t *testing.T, b *testBrowser, want entra.Error, hint string) {
	t.Helper()
	var shown prompts
	s := b.source(t, &shown, func(cfg *entra.Config) {
		if cfg.SignInWait = longWait; want.OAuth == "authorization_pending" {
			shortWait(cfg)
		}
	})
	problem := waitUntilPrompted(t, s, &shown)
	wantEqualError(t, problem, want)
	wantHint(t, problem, hint)
	wantNoSecrets(t, problem)
	for _, text := range shown.texts {
		wantNoSecrets(t, text)
	}
}
