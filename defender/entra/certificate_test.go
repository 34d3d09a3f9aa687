package entra_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

// identity is a key with its self-signed certificate.
type identity struct {
	key  *rsa.PrivateKey
	cert []byte // DER
}

// identities are made once, because RSA keys are slow to make under the race detector.
var identities = sync.OnceValue(func() [2]identity {
	var made [2]identity
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i) + 1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			panic(err)
		}
		made[i] = identity{key, der}
	}
	return made
})

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (id identity) certificate() string { return pemBlock("CERTIFICATE", id.cert) }
func (id identity) parse(t testing.TB) *x509.Certificate {
	t.Helper()
	certificate, err := x509.ParseCertificate(id.cert)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
func (id identity) pkcs1() string {
	return pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(id.key))
}
func (id identity) pkcs8() string { return pkcs8(id.key) }

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pemBlock("PRIVATE KEY", der)
}

func TestCertificateSignsTheAssertion(t *testing.T) {
	ours, other := identities()[0], identities()[1]
	file := filepath.Join(t.TempDir(), "app.pem")
	for name, content := range map[string]string{
		"key first":              "a comment\n" + ours.pkcs8() + ours.certificate(),
		"key last":               ours.certificate() + ours.pkcs1(),
		"with a byte order mark": "\ufeff" + ours.pkcs8() + ours.certificate(),
		"with chain":             other.certificate() + ours.certificate() + ours.pkcs8(),
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, file, content)
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				s := f.source(t, func(c *entra.Config) { c.ClientSecret, c.CertificatePath = nil, file })
				wantToken(t, s, false, "1")
				form := f.TokenForms()[0]
				if got, want := len(certificateChain(t, form.Get("client_assertion"))), strings.Count(name, "chain")*2; got != want {
					t.Errorf("%d certificates were sent along, want %d", got, want)
				}
				if form.Get("client_assertion_type") != assertionType || form.Has("client_secret") {
					t.Errorf("form %v", form)
				}
				verifyAssertion(t, form.Get("client_assertion"), ours)
			})
		})
	}
}

func TestRenewedCertificateIsPickedUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.pem")
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		writeFile(t, file, identities()[0].pkcs8()+identities()[0].certificate())
		s := f.source(t, func(c *entra.Config) { c.ClientSecret, c.CertificatePath = nil, file })
		wantToken(t, s, false, "1")
		writeFile(t, file, identities()[1].pkcs8()+identities()[1].certificate())
		f.changeApp(func(a *entratest.App) { a.Certificate = identities()[1].parse(t) })
		wantToken(t, s, true, "2")
		verifyAssertion(t, f.TokenForms()[1].Get("client_assertion"), identities()[1])

		writeFile(t, file, "gone")
		if token, err := getText(t.Context(), s, true); err == nil {
			t.Errorf("Token = %q without a certificate", token)
		} else {
			wantHint(t, err, "AZURE_CLIENT_CERTIFICATE_PATH")
		}
	})
}

// verifyAssertion checks an assertion as Entra ID does (RFC 7523; MSAL signs with PS256).
func verifyAssertion(t *testing.T, assertion string, signer identity) {
	t.Helper()
	part := strings.Split(assertion, ".")
	if len(part) != 3 {
		t.Fatalf("assertion %q has %d parts", assertion, len(part))
	}
	digest := sha256.Sum256([]byte(part[0] + "." + part[1]))
	if err := rsa.VerifyPSS(&signer.key.PublicKey, crypto.SHA256, digest[:], decodeBase64(t, part[2]), nil); err != nil {
		t.Error(err)
	}
	var header, claims map[string]any
	if json.Unmarshal(decodeBase64(t, part[0]), &header) != nil || json.Unmarshal(decodeBase64(t, part[1]), &claims) != nil {
		t.Fatalf("assertion %q is not JSON", assertion)
	}
	thumbprint := sha256.Sum256(signer.cert)
	if header["alg"] != "PS256" || header["x5t#S256"] != base64.StdEncoding.EncodeToString(thumbprint[:]) {
		t.Errorf("header %v", header)
	}
	if claims["aud"] != "https://"+production+"/"+tenant+"/oauth2/v2.0/token" || claims["iss"] != clientID || claims["sub"] != clientID {
		t.Errorf("claims %v", claims)
	}
	if exp, _ := claims["exp"].(float64); time.Until(time.Unix(int64(exp), 0)) <= 0 {
		t.Errorf("expired: %v", claims)
	}
}

// certificateChain returns the certificates in the assertion's header. They are sent if the file has more than
// one, for an app that trusts a subject name and an issuer.
func certificateChain(t *testing.T, assertion string) []any {
	t.Helper()
	var header struct {
		X5C []any `json:"x5c"`
	}
	if err := json.Unmarshal(decodeBase64(t, strings.Split(assertion, ".")[0]), &header); err != nil {
		t.Fatal(err)
	}
	return header.X5C
}

func decodeBase64(t *testing.T, s string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCertificateFilesThatCannotBeUsed(t *testing.T) {
	ours, other := identities()[0], identities()[1]
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := x509.MarshalECPrivateKey(elliptic)
	if err != nil {
		t.Fatal(err)
	}
	legacy := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY",
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("canary")}))
	file := filepath.Join(t.TempDir(), "app.pem")
	for name, c := range map[string]struct{ content, want string }{
		"encrypted":           {ours.certificate() + pemBlock("ENCRYPTED PRIVATE KEY", []byte("canary")), "holds an encrypted key"},
		"encrypted long ago":  {ours.certificate() + legacy, "holds an encrypted key"},
		"no key":              {ours.certificate(), "holds no private key"},
		"no certificate":      {ours.pkcs8(), "holds no certificate"},
		"two keys":            {ours.certificate() + ours.pkcs8() + ours.pkcs1(), "more than one private key"},
		"another's key":       {ours.certificate() + other.pkcs8(), "belongs to none of its certificates"},
		"elliptic":            {ours.certificate() + pkcs8(elliptic), "not RSA"},
		"elliptic, old form":  {ours.certificate() + pemBlock("EC PRIVATE KEY", ecKey), "not RSA"},
		"damaged key":         {ours.certificate() + pemBlock("PRIVATE KEY", []byte("canary")), "damaged private key"},
		"damaged old key":     {ours.certificate() + pemBlock("RSA PRIVATE KEY", []byte("canary")), "damaged private key"},
		"damaged certificate": {ours.pkcs8() + pemBlock("CERTIFICATE", []byte("canary")), "damaged certificate"},
		"UTF-16":              {"\xff\xfe-\x00-\x00-\x00-\x00-\x00B\x00E\x00G\x00I\x00N\x00 \x00canary", "is UTF-16 text: save it as UTF-8"},
		"PKCS12":              {"\x30\x82canary", "is not PEM"},
		"too large":           {strings.Repeat("#\n", 1<<20), "too large"},
		"a directory":         {"", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file
			if c.content == "" {
				path = t.TempDir()
			} else {
				writeFile(t, file, c.content)
			}
			_, err := entra.New(entra.Config{TenantID: tenant, ClientID: clientID, CertificatePath: path})
			if err == nil {
				t.Fatal("accepted")
			}
			wantHint(t, err, c.want)
			wantHint(t, err, "AZURE_CLIENT_CERTIFICATE_PATH")
			wantHint(t, err, path)
			wantNoSecrets(t, err)
		})
	}
}
