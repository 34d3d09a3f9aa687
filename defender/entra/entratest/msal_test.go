package entratest_test

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"scanwarden/defender/entra/entratest"
)

// Microsoft's own library is the client here. Answers that it accepts are close enough to Entra ID's.

func authorityURL(fake *entratest.Server) string { return fake.Authority() + "/" + fake.Tenant() }

func newApplication(t testing.TB, fake *entratest.Server, c confidential.Credential) confidential.Client {
	t.Helper()
	app, err := confidential.New(authorityURL(fake), clientID, c,
		confidential.WithHTTPClient(fake.Client()), confidential.WithInstanceDiscovery(false))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func secretCredential(t testing.TB, value string) confidential.Credential {
	t.Helper()
	c, err := confidential.NewCredFromSecret(value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newProgram(t testing.TB, fake *entratest.Server) public.Client {
	t.Helper()
	client, err := public.New(toolID, public.WithAuthority(authorityURL(fake)),
		public.WithHTTPClient(fake.Client()), public.WithInstanceDiscovery(false))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestMSALSecret gets a token, another from the cache, and a refusal that MSAL can decode for a wrong secret.
func TestMSALSecret(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	app := newApplication(t, fake, secretCredential(t, secret))
	for range 2 {
		got, err := app.AcquireTokenByCredential(t.Context(), []string{all})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fake.Valid(got.AccessToken, entratest.Defender); err != nil {
			t.Error(err)
		}
	}
	if n := len(fake.Tokens()); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	_, err := newApplication(t, fake, secretCredential(t, "wrong")).AcquireTokenByCredential(t.Context(), []string{all})
	var refused msal.CallErr
	if !errors.As(err, &refused) || !strings.Contains(refused.Error(), "AADSTS7000215") {
		t.Errorf("wrong secret: %v", err)
	}
}

// TestMSALAssertions authenticates the app with a certificate, with and without its chain, and with a federated
// token.
func TestMSALAssertions(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	certificate, key := newCertificate(t)
	fake.AddApp(entratest.App{
		ClientID: clientID, Certificate: certificate, Federation: &entratest.Federation{Issuer: cluster, Subject: workload, Key: &key.PublicKey},
	})
	byCertificate, err := confidential.NewCredFromCert([]*x509.Certificate{certificate}, key)
	if err != nil {
		t.Fatal(err)
	}
	byToken := confidential.NewCredFromAssertionCallback(func(context.Context, confidential.AssertionRequestOptions) (string, error) {
		return signAssertion(t, key, map[string]any{"alg": "RS256"}, map[string]any{
			"iss": cluster, "sub": workload, "aud": "api://AzureADTokenExchange", "exp": 1e10,
		}), nil
	})
	for name, credential := range map[string]confidential.Credential{"certificate": byCertificate, "federated": byToken} {
		if _, err := newApplication(t, fake, credential).AcquireTokenByCredential(t.Context(), []string{all}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	chained, err := confidential.New(authorityURL(fake), clientID, byCertificate, confidential.WithX5C(),
		confidential.WithHTTPClient(fake.Client()), confidential.WithInstanceDiscovery(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chained.AcquireTokenByCredential(t.Context(), []string{all}); err != nil {
		t.Errorf("certificate with chain: %v", err)
	}
}

// TestMSALOnBehalfOf exchanges Ada's token. Once the new token has expired, MSAL uses the refresh token.
func TestMSALOnBehalfOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := startTenant(t, entratest.Options{InMemory: true})
		app := newApplication(t, fake, secretCredential(t, secret))
		mine := fake.UserToken(ada, clientID, []string{"Scans.Use"}, nil)
		for range 2 {
			got, err := app.AcquireTokenOnBehalfOf(t.Context(), mine, []string{write})
			if err != nil {
				t.Fatal(err)
			}
			wantClaims(t, decodeClaims(t, got.AccessToken), map[string]any{"upn": "ada@test.example", "scp": "Machine.ReadWrite"})
			time.Sleep(time.Hour)
		}
		log := fake.Tokens()
		if len(log) != 2 || log[0].Grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" || log[1].Grant != "refresh_token" || log[1].User != adaID {
			t.Errorf("requests %+v", log)
		}
	})
}

// TestMSALCode signs a user in with a browser, with PKCE.
func TestMSALCode(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.SignIn(adaID)
	code := returnedQuery(t, visitAuthorize(t, fake, "scope", "openid profile offline_access "+write)).Get("code")
	app := newApplication(t, fake, secretCredential(t, secret))
	got, err := app.AcquireTokenByAuthCode(t.Context(), code, callback, []string{write}, confidential.WithChallenge(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if got.IDToken.Oid != adaID || got.Account.HomeAccountID != adaID+"."+fake.Tenant() {
		t.Errorf("signed in %+v, %+v", got.IDToken.Oid, got.Account)
	}
}

// TestMSALDeviceCode polls until Ada has entered the code.
func TestMSALDeviceCode(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	client := newProgram(t, fake)
	waiting, err := client.AcquireTokenByDeviceCode(t.Context(), []string{resource + "/Scans.Use"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.Approve(waiting.Result.UserCode, adaID); err != nil {
		t.Fatal(err)
	}
	got, err := waiting.AuthenticationResult(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fake.Valid(got.AccessToken, clientID); err != nil || got.Account.PreferredUsername != "ada@test.example" {
		t.Errorf("signed in %+v: %v", got.Account, err)
	}
	if _, err := client.AcquireTokenSilent(t.Context(), []string{resource + "/Scans.Use"}, public.WithSilentAccount(got.Account)); err != nil {
		t.Errorf("silent: %v", err)
	}
}

// TestMSALInteractive acts as the browser that posts the form back to MSAL.
func TestMSALInteractive(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.SignIn(adaID)
	got, err := newProgram(t, fake).AcquireTokenInteractive(t.Context(), []string{resource + "/Scans.Use"},
		public.WithOpenURL(func(address string) error {
			go submitForm(t, get(t, fake, address).text)
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	wantClaims(t, decodeClaims(t, got.AccessToken), map[string]any{"aud": clientID, "oid": adaID, "azp": toolID})
}

var (
	action = regexp.MustCompile(`action="([^"]+)"`)
	field  = regexp.MustCompile(`name="([^"]+)" value="([^"]*)"`)
)

// submitForm posts the form on a page, as a browser does.
func submitForm(t testing.TB, page string) {
	to, values := action.FindStringSubmatch(page), url.Values{}
	for _, f := range field.FindAllStringSubmatch(page, -1) {
		values.Set(f[1], f[2])
	}
	if to == nil {
		t.Errorf("no form on the page: %s", page)
		return
	}
	resp, err := http.PostForm(to[1], values)
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// TestRerouted checks that a client that dials the fake for a production name gets answers under that name,
// cloud discovery included.
func TestRerouted(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(fake.CA()) {
		t.Fatal("CA is no PEM certificate")
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(fake.URL(), "https://"))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	app, err := confidential.New("https://login.microsoftonline.com/"+fake.Tenant(), clientID, secretCredential(t, secret),
		confidential.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := app.AcquireTokenByCredential(t.Context(), []string{clientID + "/.default"})
	if err != nil {
		t.Fatal(err)
	}
	wantClaims(t, decodeClaims(t, got.AccessToken), map[string]any{"iss": "https://login.microsoftonline.com/" + fake.Tenant() + "/v2.0"})
}

// TestCAFile checks the certificate for SSL_CERT_FILE. Clients without it must not trust the fake.
func TestCAFile(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	if _, err := http.Get(fake.URL()); err == nil {
		t.Error("a client that was given nothing trusts the fake")
	}
	block, _ := pem.Decode(fake.CA())
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !certificate.IsCA {
		t.Fatalf("CA: %v", err)
	}
	if _, rsaKey := certificate.PublicKey.(*rsa.PublicKey); rsaKey {
		t.Error("the authority signs tokens too")
	}
}
