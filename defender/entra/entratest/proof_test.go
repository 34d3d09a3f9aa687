package entratest_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	cluster       = "https://oidc.cluster.example"
	workload      = "system:serviceaccount:scans:scanwarden"
)

// newCertificate returns a certificate for an app, with its key.
func newCertificate(t testing.TB) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// signAssertion returns a client assertion. alg is RS256 or PS256.
func signAssertion(t testing.TB, key *rsa.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	signed := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if header["alg"] == "PS256" {
		signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func requestWithAssertion(t testing.TB, fake *entratest.Server, assertion string) answer {
	t.Helper()
	return requestToken(t, fake, tokenForm("client_credentials", "client_secret", "-", "client_assertion", assertion, "client_assertion_type", assertionType))
}

// TestCertificate accepts only assertions of the app's own certificate.
func TestCertificate(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	certificate, key := newCertificate(t)
	_, otherKey := newCertificate(t)
	long, short := sha256.Sum256(certificate.Raw), sha1.Sum(certificate.Raw)
	named := map[string]any{"alg": "PS256", "x5t#S256": base64.RawURLEncoding.EncodeToString(long[:])}
	older := map[string]any{"alg": "RS256", "x5t": base64.RawURLEncoding.EncodeToString(short[:])}
	good := func(changes map[string]any) map[string]any {
		c := map[string]any{
			"iss": clientID, "sub": clientID, "aud": fake.Authority() + "/" + fake.Tenant() + "/oauth2/v2.0/token",
			"nbf": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "jti": "1",
		}
		for name, value := range changes {
			c[name] = value
		}
		return c
	}
	wantRefusal(t, requestWithAssertion(t, fake, signAssertion(t, key, named, good(nil))), 401, "invalid_client", 700027)
	fake.AddApp(entratest.App{ClientID: clientID, Certificate: certificate})
	for name, tt := range map[string]struct {
		assertion string
		code      int
	}{
		"PS256":          {signAssertion(t, key, named, good(nil)), 0},
		"RS256":          {signAssertion(t, key, older, good(nil)), 0},
		"to the issuer":  {signAssertion(t, key, named, good(map[string]any{"aud": fake.Issuer(fake.Tenant())})), 0},
		"other key":      {signAssertion(t, otherKey, named, good(nil)), 700027},
		"unnamed":        {signAssertion(t, key, map[string]any{"alg": "PS256"}, good(nil)), 700027},
		"other alg":      {signAssertion(t, key, map[string]any{"alg": "RS512", "x5t": older["x5t"]}, good(nil)), 700027},
		"other app":      {signAssertion(t, key, named, good(map[string]any{"iss": toolID})), 700021},
		"about another":  {signAssertion(t, key, named, good(map[string]any{"sub": toolID})), 700021},
		"other audience": {signAssertion(t, key, named, good(map[string]any{"aud": fake.Issuer("other")})), 700023},
		"expired":        {signAssertion(t, key, named, good(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})), 700024},
		"endless":        {signAssertion(t, key, named, good(map[string]any{"exp": nil})), 700024},
		"not yet":        {signAssertion(t, key, named, good(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()})), 700024},
		"no token":       {"junk", 50027},
	} {
		t.Run(name, func(t *testing.T) {
			a := requestWithAssertion(t, fake, tt.assertion)
			if tt.code == 0 && a.status != 200 {
				t.Error(a.text)
			}
			if tt.code != 0 {
				wantRefusal(t, a, 401, "invalid_client", tt.code)
			}
		})
	}
	a := requestToken(t, fake, tokenForm("client_credentials", "client_secret", "-", "client_assertion", signAssertion(t, key, named, good(nil))))
	wantRefusal(t, a, 400, "invalid_request", 90023)
}

// TestFederation accepts another issuer's token for the right workload only.
func TestFederation(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	_, key := newCertificate(t)
	_, otherKey := newCertificate(t)
	fake.AddApp(entratest.App{ClientID: clientID, Federation: &entratest.Federation{Issuer: cluster, Subject: workload, Key: &key.PublicKey}})
	good := func(changes map[string]any) map[string]any {
		c := map[string]any{"iss": cluster, "sub": workload, "aud": "api://AzureADTokenExchange", "exp": time.Now().Add(time.Minute).Unix()}
		for name, value := range changes {
			c[name] = value
		}
		return c
	}
	header := map[string]any{"alg": "RS256"}
	if a := requestWithAssertion(t, fake, signAssertion(t, key, header, good(nil))); a.status != 200 {
		t.Error(a.text)
	}
	for _, tt := range []struct {
		claim, value string
		code         int
	}{{"iss", "https://other.example", 700211}, {"aud", clientID, 700212}, {"sub", "system:other", 700213}} {
		wantRefusal(t, requestWithAssertion(t, fake, signAssertion(t, key, header, good(map[string]any{tt.claim: tt.value}))), 401, "invalid_client", tt.code)
	}
	forgery := signAssertion(t, otherKey, header, good(nil))
	wantRefusal(t, requestWithAssertion(t, fake, forgery), 401, "invalid_client", 50013)
	fake.AddApp(entratest.App{ClientID: clientID, Federation: &entratest.Federation{Issuer: cluster, Subject: workload}})
	if a := requestWithAssertion(t, fake, forgery); a.status != 200 {
		t.Errorf("without a key the signature is not looked at: %s", a.text)
	}
}
