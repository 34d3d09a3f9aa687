package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/entra/entratest"
)

// connectStdio returns a client of `scanwarden stdio` whose user confirms.
func (s *entraStack) connectStdio(t *testing.T, env ...string) *mcp.ClientSession {
	t.Helper()
	s.env = append(append(s.env, "SCANWARDEN_APPROVERS=", "SCANWARDEN_SELF_APPROVAL="), env...)
	transport, _ := overStdio(t, s.stack)
	return connectClient(t, transport, "modern", typeCode)
}

// checkReadAndWrite makes a read and a confirmed write, and checks on whose behalf Defender was called.
func (s *entraStack) checkReadAndWrite(t *testing.T, c *mcp.ClientSession, name string) {
	t.Helper()
	if got := callTool(t, c, "list_scans", nil); len(got.Scans) == 0 {
		t.Errorf("list_scans: %+v", got)
	}
	if got := callTool(t, c, "add_scan", documentedScan(t, "add.json")); got.Status != "applied" {
		t.Errorf("add_scan: %+v", got)
	}
	if got := s.writerNames(); len(got) != 1 || got[0] != name {
		t.Errorf("written in the names %q, want %q", got, name)
	}
}

// TestAnApplicationSignsIn without a client secret.
func TestAnApplicationSignsIn(t *testing.T) {
	t.Parallel()
	granted := []string{entratest.Defender + "/Machine.ReadWrite.All"}
	for name, prepare := range map[string]func(*testing.T, *entraStack) (setting string){
		"with a certificate": func(t *testing.T, s *entraStack) string {
			file, certificate := keyPair(t)
			s.entra.AddApp(entratest.App{ClientID: serverApp, Certificate: certificate, Roles: granted})
			return "AZURE_CLIENT_CERTIFICATE_PATH=" + file
		},
		"with a federated token": func(t *testing.T, s *entraStack) string {
			by := entratest.Federation{Issuer: "https://cluster.example.com", Subject: "system:serviceaccount:scans:scanwarden"}
			s.entra.AddApp(entratest.App{ClientID: serverApp, Federation: &by, Roles: granted})
			file := filepath.Join(t.TempDir(), "token")
			token := s.entra.Sign(map[string]any{
				"iss": by.Issuer, "sub": by.Subject, "aud": "api://AzureADTokenExchange", "exp": time.Now().Add(time.Hour).Unix(),
			})
			if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
				t.Fatal(err)
			}
			return "AZURE_FEDERATED_TOKEN_FILE=" + file
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newEntraStack(t, entratest.Defender)
			s.checkReadAndWrite(t, s.connectStdio(t, "AZURE_CLIENT_SECRET=", prepare(t, s)), "app")
			if asked := s.entra.Tokens(); len(asked) != 1 || asked[0].Proof != "assertion" {
				t.Errorf("asked for tokens with %+v, want one assertion", asked)
			}
		})
	}
}

// keyPair returns a file with an RSA key and its certificate.
func keyPair(t *testing.T) (file string, certificate *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	file = filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, certificate
}

// TestManagedIdentity: the machine's own endpoint issues the token, as App Service's does, and Entra ID is not called.
func TestManagedIdentity(t *testing.T) {
	t.Parallel()
	const header = "canary-identity-header"
	s := newEntraStack(t, entratest.Defender)
	var asked atomic.Int32
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("X-IDENTITY-HEADER") != header || r.FormValue("client_id") != otherApp || r.FormValue("resource") != entratest.Defender {
			t.Errorf("asked %s", r.URL)
		}
		claims := s.entra.AppClaims(otherApp, entratest.Defender, []string{"Machine.ReadWrite.All"})
		fmt.Fprintf(w, `{"access_token":%q,"expires_on":"%d","resource":%q,"token_type":"Bearer"}`,
			s.entra.Sign(claims), time.Now().Add(time.Hour).Unix(), entratest.Defender)
	}))
	t.Cleanup(endpoint.Close)
	c := s.connectStdio(t, "SCANWARDEN_AUTH=managed-identity", "IDENTITY_ENDPOINT="+endpoint.URL, "IDENTITY_HEADER="+header,
		"AZURE_TENANT_ID=", "AZURE_CLIENT_SECRET=", "AZURE_CLIENT_ID="+otherApp)
	s.checkReadAndWrite(t, c, "app")
	if asked.Load() != 1 || len(s.entra.Requests()) != 0 {
		t.Errorf("the machine was asked %d times, and Entra ID %v", asked.Load(), s.entra.Requests())
	}
}

// TestTheScopeIsTheCloudsOwn: a token is requested for the Defender that it is sent to.
func TestTheScopeIsTheCloudsOwn(t *testing.T) {
	t.Parallel()
	for setting, resource := range map[string]string{
		"SCANWARDEN_CLOUD=gcc-high":                                       "https://api-gov.securitycenter.microsoft.us",
		"SCANWARDEN_DEFENDER_SCOPE=https://defender.example.com/.default": "https://defender.example.com",
	} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			s := newEntraStack(t, resource)
			if got := callTool(t, s.connectStdio(t, setting), "list_scans", nil); len(got.Scans) == 0 {
				t.Errorf("list_scans: %+v", got)
			}
			if asked := s.entra.Tokens(); len(asked) != 1 || !slices.Contains(strings.Fields(asked[0].Scope), resource+"/.default") {
				t.Errorf("asked for %+v", asked)
			}
		})
	}
}

// TestAnotherApplicationWrites: the application that reads cannot write, and the one that writes does nothing else.
func TestAnotherApplicationWrites(t *testing.T) {
	t.Parallel()
	s := newEntraStack(t, entratest.Defender)
	s.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, Roles: []string{entratest.Defender + "/Machine.Read.All"}})
	s.entra.AddApp(entratest.App{ClientID: otherApp, Secret: "of the writer", Roles: []string{entratest.Defender + "/Machine.ReadWrite.All"}})
	c := s.connectStdio(t, "SCANWARDEN_WRITE_CLIENT_ID="+otherApp, "SCANWARDEN_WRITE_CLIENT_SECRET=of the writer")
	s.checkReadAndWrite(t, c, "app")
	for _, sent := range s.tenant.Calls() {
		claims, err := s.entra.Valid(bearerOf(sent.Header), entratest.Defender)
		if err != nil {
			t.Fatal(err)
		}
		want := serverApp
		if sent.Method != http.MethodGet {
			want = otherApp
		}
		if claims["appid"] != want {
			t.Errorf("%s %s came from %s", sent.Method, sent.Path, claims["appid"])
		}
	}
}

// TestReadOnlyNeedsNoWriter: in read-only mode the settings of the writer are not read, so that a mistake in them stops
// nothing.
func TestReadOnlyNeedsNoWriter(t *testing.T) {
	t.Parallel()
	s := newEntraStack(t, entratest.Defender)
	c := s.connectStdio(t, "SCANWARDEN_READ_ONLY=true", "SCANWARDEN_WRITE_CLIENT_ID="+otherApp, "SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH=/nowhere.pem")
	if got := callTool(t, c, "list_scans", nil); len(got.Scans) == 0 {
		t.Errorf("list_scans: %+v", got)
	}
}
