package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

const vaultHost = "contoso.vault.azure.net"

// fakeVault is Azure Key Vault as a program behind a company's proxy sees it. The proxy connects the vault's own name
// to the fake, which has a certificate for that name.
type fakeVault struct {
	entra     *entratest.Server
	forbidden bool

	value  string // of the secret edge
	claims string // JSON that each token for a value has to answer; "" for none
}

// ServeHTTP answers as Azure Key Vault's REST API does: 401 with a challenge, 403 without the role, else one secret.
func (v *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if _, err := v.entra.Valid(bearerOf(r.Header), entratest.KeyVault); err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/`+entratest.Tenant+`", resource="`+entratest.KeyVault+`"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	const id = "https://" + vaultHost + "/secrets/edge/0123456789abcdef0123456789abcdef"
	switch {
	case v.forbidden:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"code":"Forbidden","message":"Caller is not authorized to perform action on resource."}}`)
	case strings.TrimSuffix(r.URL.Path, "/") == "/secrets/edge" && !v.answered():
		w.Header().Set("WWW-Authenticate", `Bearer realm="", error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(v.claims))+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	case strings.TrimSuffix(r.URL.Path, "/") == "/secrets/edge":
		_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "value": v.value, "attributes": map[string]any{"enabled": true}})
	case strings.HasPrefix(r.URL.Path, "/secrets/edge/"):
		_, _ = io.WriteString(w, `{"value":[{"id":"`+id+`","attributes":{"enabled":true,"created":1700000000,"updated":1700000000}}]}`)
	default:
		_, _ = io.WriteString(w, `{"value":[]}`)
	}
}

// answered reports whether the last token for vaults was requested with the claims.
func (v *fakeVault) answered() bool {
	last := ""
	for _, r := range v.entra.Tokens() {
		if strings.HasPrefix(r.Scope, entratest.KeyVault) {
			last = r.Claims
		}
	}
	return v.claims == "" || strings.Contains(last, "acrs")
}

// behindProxy lets the stack's program reach v through a proxy.
func (w *doctorStack) behindProxy(v *fakeVault) {
	w.t.Helper()
	w.env["SSL_CERT_FILE"], w.env["HTTPS_PROXY"] = v.behindProxy(w.t)
	w.file += edgeInVault
}

const edgeInVault = "  edge-snmp: {type: CommunityString, communityString: {keyVault: \"https://" + vaultHost + "/secrets/edge\"}}\n"

// behindProxy serves v. It returns a file of certificate authorities to trust, Entra ID's too, and the proxy's URL.
func (v *fakeVault) behindProxy(t *testing.T) (roots, through string) {
	t.Helper()
	server := httptest.NewUnstartedServer(v)
	certificate, ca := certify(t, vaultHost)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != vaultHost+":443" {
			http.Error(out, "not through this proxy", http.StatusForbidden)
			return
		}
		tunnel(t, out, server.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, append(v.entra.CA(), ca...), 0o600); err != nil {
		t.Fatal(err)
	}
	return roots, proxy.URL
}

// tunnel connects the caller with address until either ends.
func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(there, here); there.Close() }()
	go func() { _, _ = io.Copy(here, there); here.Close() }()
}

// certify returns a self-signed certificate for host.
func certify(t *testing.T, host string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
