package entratest

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// object is a JSON object.
type object = map[string]any

const (
	// Tenant is the GUID of the tenant unless [Options] has another.
	Tenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"

	// Defender is the resource that Microsoft Defender for Endpoint's API is, in the worldwide cloud.
	Defender = "https://api.securitycenter.microsoft.com"

	// KeyVault is the resource that Azure Key Vault is, in the worldwide cloud.
	KeyVault = "https://vault.azure.net"

	graph = "https://graph.microsoft.com" // the resource of scopes without one
)

// Server is one tenant of Entra ID. Make it with [New]; it is safe for concurrent use.
type Server struct {
	options Options
	server  *httptest.Server
	root    []byte // the certificate authority, PEM
	closed  chan struct{}

	mu            sync.Mutex // guards all fields below
	issued        int        // ids issued
	skew          time.Duration
	keys          []signingKey // published; the last one signs
	apps          map[string]App
	users         map[string]User
	browser       signInAnswer // to every browser
	deviceAnswer  signInAnswer // to every device code
	codes         map[string]*code
	devices       []*device
	refreshes     map[string]refreshGrant
	faults        []*Fault
	contexts      []string // the acrs of every ID token, if fixedContexts is set
	fixedContexts bool
	requests      []*Request
	forms         []url.Values // of the token endpoint
}

// New starts a tenant without apps and users, on a port of 127.0.0.1. Its certificate, of an authority of its
// own, is valid for 127.0.0.1, localhost and the production hosts, for a client that dials the fake instead of
// them.
func New(o Options) *Server {
	s := &Server{
		options: o.withDefaults(), closed: make(chan struct{}), keys: []signingKey{firstKey(o.SigningKey)},
		apps: map[string]App{}, users: map[string]User{}, codes: map[string]*code{}, refreshes: map[string]refreshGrant{},
	}
	root, certificate := newAuthority(o.Hosts)
	s.root = root
	pipe := NewPipe()
	if o.InMemory {
		s.server = &httptest.Server{Listener: pipe, Config: &http.Server{Handler: s.newHandler()}}
	} else {
		s.server = httptest.NewUnstartedServer(s.newHandler())
	}
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	s.server.StartTLS()
	if o.InMemory {
		s.server.Client().Transport.(*http.Transport).DialContext = pipe.DialContext
	}
	return s
}

func (s *Server) newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /common/discovery/instance", s.endpoint(s.handleInstance))
	mux.Handle("GET /{tenant}/v2.0/.well-known/openid-configuration", s.endpoint(s.handleConfiguration))
	mux.Handle("GET /{tenant}/discovery/v2.0/keys", s.endpoint(s.handleKeys))
	mux.Handle("POST /{tenant}/oauth2/v2.0/token", s.endpoint(s.handleToken))
	mux.Handle("POST /{tenant}/oauth2/v2.0/devicecode", s.endpoint(s.handleDeviceCode))
	mux.Handle("GET /{tenant}/oauth2/v2.0/authorize", s.endpoint(s.handleAuthorize))
	mux.Handle("/", s.endpoint(s.handleUnknown))
	return mux
}

// Close cuts the hanging requests and stops the server.
func (s *Server) Close() {
	close(s.closed)
	s.server.Close()
}

// URL returns the fake's address, https://127.0.0.1:PORT.
func (s *Server) URL() string { return s.server.URL }

// Authority returns [Server.URL], under the name that clients configure.
func (s *Server) Authority() string { return s.server.URL }

// Tenant returns the GUID of the only tenant.
func (s *Server) Tenant() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options.Tenant
}

// Issuer returns the iss of v2.0 tokens of a tenant, this one or another.
func (s *Server) Issuer(tenant string) string { return s.server.URL + "/" + tenant + "/v2.0" }

// Client returns an HTTP client that trusts the fake. Close ends its idle connections.
func (s *Server) Client() *http.Client { return s.server.Client() }

// CA returns the certificate of the fake's certificate authority as PEM.
func (s *Server) CA() []byte { return append([]byte(nil), s.root...) }

// CAFile writes CA to a temporary file of the test, for SSL_CERT_FILE, and returns its path.
func (s *Server) CAFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "entra-ca.pem")
	if err := os.WriteFile(path, s.root, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// SetSkew shifts Entra ID's clock by d: the Date of its answers and the times of its tokens.
func (s *Server) SetSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// currentTime returns Entra ID's time. The caller holds s.mu.
func (s *Server) currentTime() time.Time { return s.options.Now().Add(s.skew) }

// nextID returns a new id with this prefix. The caller holds s.mu.
func (s *Server) nextID(prefix string) string {
	s.issued++
	return fmt.Sprintf("%s%08d", prefix, s.issued)
}
