package entra_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

// wantSignInError requests a token and checks the error, except its hint. The error must show no secret.
func wantSignInError(t *testing.T, s *entra.Source, want entra.Error) *entra.Error {
	t.Helper()
	token, err := getText(t.Context(), s, false)
	var got *entra.Error
	if !errors.As(err, &got) || token != "" {
		t.Fatalf("Token = %q, %v; want an *entra.Error", token, err)
	}
	wantEqualError(t, got, want)
	wantNoSecrets(t, got)
	return got
}

// wantEqualError compares the errors, except their hints.
func wantEqualError(t *testing.T, got *entra.Error, want entra.Error) {
	t.Helper()
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(entra.Error{}, "Hint")); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if got.Hint == "" || errors.Unwrap(got) != nil {
		t.Errorf("hint %q, wrapped %v; want a hint and nothing wrapped", got.Hint, errors.Unwrap(got))
	}
}

func wantHint(t *testing.T, err error, want string) {
	t.Helper()
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not say %q", err, want)
	}
}

// wantNoSecrets formats and logs values in every way and searches the texts for what was sent and received: the
// test's own secrets, signed tokens (which begin with eyJ) and the fake's codes.
func wantNoSecrets(t *testing.T, values ...any) {
	t.Helper()
	var text bytes.Buffer
	for _, v := range values {
		fmt.Fprintf(&text, "%v %+v %#v %s %q\n", v, v, v, v, v)
		slog.New(slog.NewTextHandler(&text, nil)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&text, nil)).Info("", "v", v)
	}
	for _, canary := range []string{secret, "canary", "eyJ", "fake-", "oauth2/v2.0", "openid", "was sent to", "<html", "portal.example"} {
		if strings.Contains(text.String(), canary) {
			t.Errorf("%q got out:\n%s", canary, text.String())
		}
	}
}

// wantRefused checks an error and its hint, except Correlation and RetryAfter. The error must show no secret.
func wantRefused(t *testing.T, err error, want entra.Error, hint string) {
	t.Helper()
	problem := asError(t, err)
	got := entra.Error{Code: problem.Code, OAuth: problem.OAuth, Status: problem.Status, Temporary: problem.Temporary}
	if got != want || !strings.Contains(err.Error(), hint) {
		t.Errorf("error %+v %q, want %+v and %q", got, err, want, hint)
	}
	wantNoSecrets(t, err)
}

func TestWrongSecretIsOnePlainSentence(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.changeApp(func(a *entratest.App) { a.Secret = "another" })
		problem := wantSignInError(t, f.source(t, nil), entra.Error{
			Code: "AADSTS7000215", OAuth: "invalid_client", Status: 401, Correlation: correlation,
		})
		const want = "Entra ID sign-in failed (AADSTS7000215, invalid_client, HTTP 401): the client secret is wrong: " +
			"set AZURE_CLIENT_SECRET to the secret's Value, not to its Secret ID"
		if problem.Error() != want {
			t.Errorf("got  %s\nwant %s", problem, want)
		}
	})
}

func TestUnknownTenant(t *testing.T) {
	all := allCredentialsAndModes(t)
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		for who, edit := range all {
			t.Log(who)
			var shown prompts
			s := f.userSource(t, &shown, func(c *entra.Config) {
				c.Mode, c.TenantID, c.ClientSecret = entra.Client, correlation, func() (string, error) { return secret, nil }
				edit(c)
			})
			problem := wantSignInError(t, s, entra.Error{
				Code: "AADSTS90002", OAuth: "invalid_tenant", Status: 400, Correlation: correlation,
			})
			wantHint(t, problem, "there is no such tenant: check AZURE_TENANT_ID")
			shown.want(t)
		}
		wantTokenRequests(t, f, 0)
	})
}

func TestResponsesThatAreNotEntraIDs(t *testing.T) {
	const page = "<html>Welcome to the hotel, canary</html>"
	discovery := func(a fault) func(*fakeTenant) {
		return func(f *fakeTenant) { f.failDiscovery(a) }
	}
	token := func(a fault) func(*fakeTenant) {
		return func(f *fakeTenant) { f.failNext(a, a, a) }
	}
	config := func(tokenEndpoint string) func(*fakeTenant) {
		return discovery(fault{Body: `{"issuer":"https://` + production + `/x","authorization_endpoint":"https://a","token_endpoint":"` + tokenEndpoint + `"}`})
	}
	const padding = 2 << 20
	cases := map[string]struct {
		change func(*fakeTenant)
		want   entra.Error
		hint   string
	}{
		"portal at discovery":        {discovery(fault{Body: page}), entra.Error{}, "something other than Entra ID"},
		"portal at token":            {token(fault{Body: page}), entra.Error{}, "something other than Entra ID"},
		"portal redirects":           {discovery(fault{Status: 302, Location: "https://portal.example/", Body: page}), entra.Error{Status: 302}, "network's portal"},
		"proxy forbids":              {token(fault{Status: 403, Body: page}), entra.Error{Status: 403}, "proxy"},
		"proxy fails":                {token(fault{Status: 502, Body: page}), entra.Error{Status: 502, Temporary: true}, "proxy in front of it"},
		"secret sent on":             {token(fault{Status: 307, Location: "https://login.private.example/steal", EmptyBody: true}), entra.Error{Status: 307}, "something other"},
		"answer breaks off":          {token(fault{Body: `{"access_token":"canary`, Cut: true}), entra.Error{Temporary: true}, "could not be reached"},
		"empty":                      {token(status(200)), entra.Error{}, "a proxy answers"},
		"token without a lifetime":   {token(fault{Body: `{"access_token":"` + tokenCanary + `"}`}), entra.Error{}, "something other"},
		"no token":                   {token(fault{Body: `{"expires_in":3599,"canary":"` + page + `"}`}), entra.Error{}, "not a token"},
		"error with 200":             {token(fault{Body: `{"error":"canary","expires_in":3599}`}), entra.Error{}, "not a token"},
		"another issuer":             {discovery(fault{Body: `{"issuer":"https://portal.example","authorization_endpoint":"x","token_endpoint":"x"}`}), entra.Error{}, "not a token"},
		"token endpoint without TLS": {config("http://" + production + "/canary"), entra.Error{}, "without TLS"},
		"endless": {discovery(fault{Body: strings.Repeat(" ", padding) + `{"issuer":"https://` + production + `/x","authorization_endpoint":"https://a","token_endpoint":"https://` +
			production + "/" + tenant + `/oauth2/v2.0/token"}`}), entra.Error{}, "something other"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				c.change(f)
				wantHint(t, wantSignInError(t, f.source(t, nil), c.want), c.hint)
				if n := f.Count("/steal"); n != 0 {
					t.Errorf("%d requests followed the redirect", n)
				}
			})
		})
	}
}

func TestUnusualErrorResponses(t *testing.T) {
	cases := map[string]struct {
		answer fault
		want   entra.Error
		hint   string
	}{
		"code in the description alone": {fault{Status: 400, Body: `{"error":"invalid_scope","error_description":"AADSTS1002012: canary"}`},
			entra.Error{Code: "AADSTS1002012", OAuth: "invalid_scope", Status: 400}, "/.default"},
		"unknown code": {fault{Status: 400, Body: `{"error":"invalid_grant","error_codes":[123]}`},
			entra.Error{Code: "AADSTS123", OAuth: "invalid_grant", Status: 400}, "look the code up"},
		"no code": {fault{Status: 400, Body: `{"error":"unauthorized_client"}`},
			entra.Error{OAuth: "unauthorized_client", Status: 400}, "AZURE_CLIENT_ID"},
		"words that are not Entra ID's": {fault{Status: 400, Body: `{"error":"canary","error_codes":[-1],"error_description":"AADSTSx","correlation_id":"canary-canary-canary-canary-canary-c"}`},
			entra.Error{Status: 400}, "check AZURE_TENANT_ID"},
		"no GUID, too long": {fault{Status: 400, Body: `{"error":"invalid_grant","correlation_id":"` + correlation + `0"}`},
			entra.Error{OAuth: "invalid_grant", Status: 400}, "check AZURE_TENANT_ID"},
		"no GUID, a digest": {fault{Status: 400, Body: `{"error":"invalid_grant","correlation_id":"0123456789abcdef0123456789abcdef0123"}`},
			entra.Error{OAuth: "invalid_grant", Status: 400}, "check AZURE_TENANT_ID"},
		"a code too long": {fault{Status: 400, Body: `{"error":"invalid_grant","error_description":"AADSTS1234567890"}`},
			entra.Error{OAuth: "invalid_grant", Status: 400}, "check AZURE_TENANT_ID"},
		"JSON that says nothing": {fault{Status: 404, Body: `{}`}, entra.Error{Status: 404}, "something other"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				f.failNext(c.answer)
				wantHint(t, wantSignInError(t, f.source(t, nil), c.want), c.hint)
			})
		})
	}
}

// This test needs real ports: in a failing handshake both sides write at the same time, which blocks on pipes.
func TestCertificatesThatAreRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client := func(edit func(*http.Transport)) *http.Client {
		transport := server.Client().Transport.(*http.Transport).Clone()
		edit(transport)
		return &http.Client{Transport: transport}
	}
	cases := map[string]struct {
		client    *http.Client
		authority string
		hint      string
	}{
		"default client": {nil, server.URL, "SSL_CERT_FILE"},
		"unknown root":   {client(func(t *http.Transport) { t.TLSClientConfig.RootCAs = x509.NewCertPool() }), server.URL, "SSL_CERT_FILE"},
		"other name": {client(func(t *http.Transport) {
			t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
			}
		}), "https://login.elsewhere.test", "another host"},
		"wrong clock": {client(func(t *http.Transport) {
			t.TLSClientConfig.Time = func() time.Time { return time.Now().AddDate(500, 0, 0) }
		}), server.URL, "check the clock"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for kind, edit := range allCredentialsAndModes(t) {
				t.Log(kind)
				cfg := entra.Config{
					TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
					Authority: c.authority, NoInstanceDiscovery: true, HTTP: c.client,
				}
				edit(&cfg)
				wantNoConnection(t, cfg, c.hint)
			}
		})
	}
}

// wantNoConnection checks the error of a sign-in and, for an app with a credential, of one on behalf of a user.
func wantNoConnection(t *testing.T, cfg entra.Config, hint string) {
	t.Helper()
	s, err := entra.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantHint(t, wantSignInError(t, s, entra.Error{}), hint)
	s.Close()
	if cfg.Mode != "" {
		return
	}
	o, err := entra.NewOnBehalfOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Get(t.Context(), "canary-assertion", entra.TokenRequest{})
	wantRefused(t, err, entra.Error{}, hint)
}

func TestSourceShowsNoSecret(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		synctest.Wait()
		wantNoSecrets(t, s)
	})
}

// The resolver is Go's own, without a name server. It cannot run in a bubble, so the pauses are real.
func TestNameThatCannotBeResolved(t *testing.T) {
	t.Parallel()
	dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("canary: no name server")
	}}}
	s, err := entra.New(entra.Config{
		TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
		HTTP: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantHint(t, wantSignInError(t, s, entra.Error{Temporary: true}), "cannot be resolved")
}

func TestConnectionsThatBreak(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		client := f.client(t)
		client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			return near, far.Close()
		}
		s := f.source(t, func(c *entra.Config) { c.HTTP = client })
		wantHint(t, wantSignInError(t, s, entra.Error{Temporary: true}), "could not be reached")
	})
}
