package entra_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

const identityHeader = "canary-identity-header"

// identityEndpoint answers as App Service and Container Apps do, on connections in memory and without TLS.
type identityEndpoint struct {
	pipe     *entratest.Pipe
	requests atomic.Int64
	last     atomic.Pointer[http.Request]
	faults   chan fault // sent before it answers normally
	lifetime time.Duration
}

// identityCount makes each test's identity unique, because MSAL has one cache for the whole process.
var identityCount atomic.Int64

func newIdentity() string {
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", identityCount.Add(1))
}

func startIdentity(t *testing.T) *identityEndpoint {
	t.Helper()
	e := &identityEndpoint{pipe: entratest.NewPipe(), faults: make(chan fault, 10), lifetime: time.Hour}
	server := &httptest.Server{Listener: e.pipe, Config: &http.Server{Handler: e}}
	server.Start()
	t.Cleanup(server.Close)
	return e
}

func (e *identityEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serial := e.requests.Add(1)
	e.last.Store(r)
	select {
	case a := <-e.faults:
		writeFault(w, a)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": fmt.Sprint(tokenCanary, serial), "expires_on": fmt.Sprint(time.Now().Add(e.lifetime).Unix()),
			"resource": r.FormValue("resource"), "token_type": "Bearer", "client_id": r.FormValue("client_id"),
		})
	}
}

func writeFault(w http.ResponseWriter, f fault) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
	_, _ = w.Write([]byte(f.Body))
	if f.Cut {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (e *identityEndpoint) source(t *testing.T, edit func(*entra.Config)) *entra.Source {
	t.Helper()
	transport := &http.Transport{DialContext: e.pipe.DialContext, Proxy: func(r *http.Request) (*url.URL, error) {
		t.Errorf("%s was to go through a proxy", r.URL.Host)
		return nil, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := entra.Config{Mode: entra.ManagedIdentity, ClientID: newIdentity(), HTTP: &http.Client{Transport: transport}}
	if edit != nil {
		edit(&cfg)
	}
	s, err := entra.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withIdentityEndpoint runs story in a bubble, on a machine whose environment names an identity endpoint.
func withIdentityEndpoint(t *testing.T, endpoint string, story func(t *testing.T, e *identityEndpoint)) {
	t.Helper()
	t.Setenv("IDENTITY_ENDPOINT", endpoint)
	t.Setenv("IDENTITY_HEADER", identityHeader)
	synctest.Test(t, func(t *testing.T) {
		e := startIdentity(t)
		t.Cleanup(func() { time.Sleep(time.Minute) })
		story(t, e)
	})
}

const identityURL = "http://169.254.129.2:8081/msi/token"

func TestAManagedIdentitySignsIn(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		id := newIdentity()
		s := e.source(t, func(c *entra.Config) { c.ClientID = id })
		wantToken(t, s, false, "1")
		wantToken(t, s, false, "1")
		r := e.last.Load()
		if r.URL.Path != "/msi/token" || r.Header.Get("X-IDENTITY-HEADER") != identityHeader || r.FormValue("client_id") != id {
			t.Errorf("asked %v", r.URL)
		}
		if got := r.FormValue("resource"); got != "https://api.securitycenter.microsoft.com" {
			t.Errorf("for %q", got)
		}
		wantToken(t, s, true, "2") // bypasses the cache of the process
		wantToken(t, s, false, "2")
		if _, err := s.For(vault).Get(t.Context(), entra.TokenRequest{}); err != nil || e.last.Load().FormValue("resource") != "https://vault.azure.net" {
			t.Errorf("%v, for %v", err, e.last.Load().URL)
		}
		time.Sleep(56 * time.Minute)
		wantToken(t, s, false, "4")
		if token, err := s.Get(t.Context(), entra.TokenRequest{Claims: `{"access_token":{}}`}); err != nil || token.Text != tokenCanary+"5" {
			t.Errorf("for a challenge: %v, %v", token, err)
		}
		synctest.Wait()
		wantNoSecrets(t, s)
	})
}

// Azure gives machines tokens for a day. They are renewed after half of it, so that an endpoint can fail for
// hours without harm.
func TestALongLivedManagedTokenIsRenewedAtHalfItsLife(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		e.lifetime = 24 * time.Hour
		s := e.source(t, nil)
		secrets := s.For(vault)
		wantToken(t, s, false, "1")
		time.Sleep(time.Hour)
		wantToken(t, secrets, false, "2")
		wantToken(t, s.For(scope), false, "1") // from the cache of the process
		time.Sleep(11*time.Hour - time.Second)
		wantToken(t, s, false, "1")
		time.Sleep(time.Second)
		wantToken(t, s, false, "3")
		wantToken(t, s, false, "3")
		wantToken(t, secrets, false, "2") // valid for another hour
		time.Sleep(time.Hour)
		wantToken(t, secrets, false, "4")
		if n := e.requests.Load(); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
	})
}

func TestAGoodManagedTokenOutlivesAnOutage(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		e.lifetime = 24 * time.Hour
		s := e.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(12 * time.Hour)
		e.faults <- fault{Status: 503}
		start := time.Now()
		for range 3 {
			wantToken(t, s, false, "1")
		}
		if n := e.requests.Load(); n != 2 || time.Since(start) != 0 {
			t.Errorf("%d requests, and %v, for a renewal that had just failed; want 2 and no wait", n, time.Since(start))
		}
		time.Sleep(time.Minute)
		wantToken(t, s, false, "3")

		time.Sleep(24 * time.Hour) // expired, and retried no more often than other tokens
		for range 3 {
			e.faults <- fault{Status: 503}
		}
		wantSignInError(t, s, entra.Error{Status: 503, Temporary: true})
		if n := e.requests.Load(); n != 6 {
			t.Errorf("%d requests, want 6", n)
		}
	})
}

// Two hours count as short: the token is used until shortly before it expires.
func TestAManagedTokenOfTwoHoursIsUsedUp(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		e.lifetime = 2 * time.Hour
		s := e.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(2*time.Hour - 5*time.Minute - time.Second)
		wantToken(t, s, false, "1")
		time.Sleep(2 * time.Second)
		wantToken(t, s, false, "2")
	})
}

func TestTheMachinesOwnIdentity(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		s := e.source(t, func(c *entra.Config) { c.ClientID = "" })
		if _, err := s.Get(t.Context(), entra.TokenRequest{Fresh: true}); err != nil || e.last.Load().Form.Has("client_id") {
			t.Errorf("%v, asked %v", err, e.last.Load().URL)
		}
	})
}

func TestManagedIdentitiesThatFail(t *testing.T) {
	busy, updating := fault{Status: 503}, fault{Status: 404, Body: `{"error":"canary"}`}
	cases := map[string]struct {
		answers []fault
		want    entra.Error
		hint    string
		tries   int64
	}{
		"none such":     {[]fault{{Status: 400, Body: `{"error":"invalid_request","error_description":"Identity canary not found"}`}}, entra.Error{Status: 400}, "assign the one named by AZURE_CLIENT_ID", 1},
		"none, in text": {[]fault{{Status: 400, Body: `{"statusCode":400,"message":"canary"}`}}, entra.Error{Status: 400}, "no such managed identity", 1},
		"forbidden":     {[]fault{{Status: 403}}, entra.Error{Status: 403}, "no such managed identity", 1},
		"busy":          {[]fault{busy, busy, busy}, entra.Error{Status: 503, Temporary: true}, "failing temporarily", 3},
		"updating":      {[]fault{updating, updating, updating}, entra.Error{Status: 404, Temporary: true}, "failing temporarily", 3},
		"throttled":     {[]fault{{Status: 429, RetryAfter: "60"}}, entra.Error{Status: 429, Temporary: true, RetryAfter: time.Minute}, "wait a minute", 1},
		"a portal":      {[]fault{{Body: "<html>canary"}}, entra.Error{}, "something other than Azure's endpoint", 1},
		"cut off":       {[]fault{{Body: `{"access_token":"canary`, Cut: true}}, entra.Error{}, "this machine has no managed identity", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
				for _, a := range c.answers {
					e.faults <- a
				}
				wantHint(t, wantSignInError(t, e.source(t, nil), c.want), c.hint)
				if n := e.requests.Load(); n != c.tries {
					t.Errorf("%d tries, want %d", n, c.tries)
				}
			})
		})
	}
}

func TestAnIdentityEndpointRecovers(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		e.faults <- fault{Status: 503}
		e.faults <- fault{Status: 429, RetryAfter: "2"}
		wantToken(t, e.source(t, nil), false, "3")
	})
}

func TestAnIdentityEndpointElsewhereGetsNothing(t *testing.T) {
	withIdentityEndpoint(t, "http://identity.example/msi/token", func(t *testing.T, e *identityEndpoint) {
		wantHint(t, wantSignInError(t, e.source(t, nil), entra.Error{}), "check IDENTITY_ENDPOINT")
		if e.requests.Load() != 0 {
			t.Error("the header was sent off this machine, unencrypted")
		}
	})
}

// Outside Azure, packets to 169.254.169.254 are dropped and no answer comes.
func TestAMachineWithoutManagedIdentity(t *testing.T) {
	t.Setenv("IDENTITY_ENDPOINT", "")
	t.Setenv("MSI_ENDPOINT", "")
	synctest.Test(t, func(t *testing.T) {
		lost := entratest.NewPipe() // without a server
		t.Cleanup(func() { _ = lost.Close() })
		var dialled atomic.Pointer[string]
		e := &identityEndpoint{pipe: lost}
		s := e.source(t, func(c *entra.Config) {
			transport := c.HTTP.Transport.(*http.Transport)
			dial := transport.DialContext
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dialled.Store(&address)
				return dial(ctx, network, address)
			}
		})
		start := time.Now()
		problem := wantSignInError(t, s, entra.Error{})
		const want = "Entra ID sign-in failed: this machine has no managed identity, because no endpoint answered: run where Azure provides one, " +
			"or set SCANWARDEN_AUTH to client and AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential"
		if problem.Error() != want {
			t.Errorf("got  %s\nwant %s", problem, want)
		}
		if took := time.Since(start); took != 10*time.Second || !strings.HasPrefix(*dialled.Load(), "169.254.169.254:") {
			t.Errorf("gave up on %s after %v", *dialled.Load(), took)
		}
	})
}

func TestAManagedTokenThatHasExpired(t *testing.T) {
	withIdentityEndpoint(t, identityURL, func(t *testing.T, e *identityEndpoint) {
		e.lifetime = -time.Hour // as if this machine's clock were ahead
		wantHint(t, wantSignInError(t, e.source(t, nil), entra.Error{}), "check this machine's clock, which shows 2000-01-01 00:00 UTC")
	})
}
