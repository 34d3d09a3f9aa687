package keyvault_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/defender/keyvault"
)

const (
	tenant      = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
	otherTenant = "11112222-bbbb-3333-cccc-4444dddd5555"
	canary      = "canary-7f3a9c51-do-not-leak"
	tokenCanary = "canary-access-token-"
	coreID      = "https://snmp.vault.azure.net/secrets/core"
	version     = "0123456789abcdef0123456789abcdef"
)

// fakeVaults serves every vault, over real HTTP and TLS on connections in memory. In a synctest bubble, its clock and the
// SDK's are the bubble's.
type fakeVaults struct {
	*httptest.Server
	listener pipeListener

	mu            sync.Mutex
	secrets       map[string]secret // by HOST/NAME
	challenge     string            // "" means the usual one of the host's cloud
	queued        []response        // for the next authorized requests, instead of the secrets
	requests      []request
	tokenRequests []string // tokens that were requested, as "SCOPE CLAIMS"
	signInError   error    // returned by the token source
}

// secret is one secret in a vault. nil fields are left out of its responses.
type secret struct {
	value      any
	attributes map[string]any
	versions   []map[string]any // as they are listed; nil means one with these attributes
	page       int              // how many versions a page has; 0 means all
}

// response is one raw answer.
type response struct {
	status int
	header map[string]string
	body   string
	hang   bool
	cut    bool
	flood  bool // the body never ends
}

type request struct{ host, path, token, agent string }

func startFake(t testing.TB) *fakeVaults {
	t.Helper()
	a := &fakeVaults{listener: newPipeListener(), secrets: map[string]secret{
		"snmp.vault.azure.net/core":         {value: canary},
		"edge.vault.azure.net/core":         {value: canary + "-edge"},
		"gov.vault.usgovcloudapi.net/core":  {value: canary + "-gov"},
		"china-1.vault.azure.cn/core":       {value: canary + "-china"},
		"snmp.vault.azure.net/with-version": {value: canary + "-version"},
	}}
	a.Server = &httptest.Server{
		Listener: a.listener,
		TLS:      &tls.Config{Certificates: []tls.Certificate{serverCertificate(t)}},
		Config:   &http.Server{Handler: a, ErrorLog: log.New(io.Discard, "", 0)},
	}
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

// newClient returns a Client that reaches the fake under every host name, and trusts it.
func (a *fakeVaults) newClient(t testing.TB) *keyvault.Client {
	t.Helper()
	v, err := keyvault.New(keyvault.Config{TenantID: tenant, Token: a.token, HTTP: a.httpClient(t)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (a *fakeVaults) httpClient(t testing.TB) *http.Client {
	transport := a.Server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = a.listener.dial
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// token implements Config.Token. No two tokens are the same.
func (a *fakeVaults) token(_ context.Context, scope, claims string) (string, time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokenRequests = append(a.tokenRequests, strings.TrimSpace(scope+" "+claims))
	if a.signInError != nil {
		return "", time.Time{}, a.signInError
	}
	return fmt.Sprint(tokenCanary, len(a.tokenRequests)), time.Now().Add(time.Hour), nil
}

func (a *fakeVaults) answerNext(answers ...response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queued = append(a.queued, answers...)
}

// received returns the requests so far.
func (a *fakeVaults) received() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

func (a *fakeVaults) wantTokenRequests(t testing.TB, want ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.tokenRequests, want) {
		t.Errorf("tokens were requested for %q, want %q", a.tokenRequests, want)
	}
}

func (a *fakeVaults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.requests = append(a.requests, request{r.Host, r.URL.Path, token, r.UserAgent()})
	challenge := a.challenge
	if challenge == "" {
		_, cloud, _ := strings.Cut(r.Host, ".")
		challenge = fmt.Sprintf(`Bearer authorization="https://login.microsoftonline.com/%s", resource="https://%s"`, tenant, cloud)
	}
	var own *response
	if token != "" && len(a.queued) > 0 {
		own, a.queued = &a.queued[0], a.queued[1:]
	}
	a.mu.Unlock()
	switch {
	case token == "":
		w.Header().Set("WWW-Authenticate", challenge)
		writeError(w, 401, "Unauthorized", "")
	case own != nil:
		own.write(w, r)
	default:
		a.serveSecret(w, r)
	}
}

func (a response) write(w http.ResponseWriter, r *http.Request) {
	if a.hang {
		<-r.Context().Done()
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
	for a.flood {
		if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
			return
		}
	}
}

func (a *fakeVaults) serveSecret(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // secrets, NAME, VERSION or versions
	s, ok := a.secrets[r.Host+"/"+parts[1]]
	if !ok {
		writeError(w, 404, "SecretNotFound", "")
		return
	}
	if len(parts) > 2 && parts[2] == "versions" {
		s.list(w, r)
		return
	}
	out := map[string]any{"id": "https://" + r.Host + r.URL.Path, "attributes": s.attributes, "value": s.value}
	json.NewEncoder(w).Encode(out)
}

func (s secret) list(w http.ResponseWriter, r *http.Request) {
	all := s.versions
	if all == nil {
		all = []map[string]any{{"id": "https://" + r.Host + "/secrets/core/" + version, "attributes": s.attributes}}
	}
	var from int
	fmt.Sscan(r.URL.Query().Get("from"), &from)
	to := len(all)
	out := map[string]any{}
	if s.page > 0 && from+s.page < len(all) {
		to = from + s.page
		out["nextLink"] = "https://" + r.Host + r.URL.Path + "?" + url.Values{"from": {fmt.Sprint(to)}}.Encode()
	}
	out["value"] = all[from:to]
	json.NewEncoder(w).Encode(out)
}

// writeError responds with an error in Key Vault's own form. Its message contains a secret, which must not be shown.
func writeError(w http.ResponseWriter, status int, code, inner string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, errorJSON(code, inner))
}

func errorJSON(code, inner string) string {
	e := map[string]any{"code": code, "message": "the value is " + canary}
	if inner != "" {
		e["innererror"] = map[string]any{"code": inner, "message": canary}
	}
	text, _ := json.Marshal(map[string]any{"error": e})
	return string(text)
}

// serverCertificate returns a certificate for the hosts in the tests. It is valid in a bubble's year 2000, too.
func serverCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames:     []string{"*.vault.azure.net", "*.vault.usgovcloudapi.net", "*.vault.azure.cn", "evil.example"},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// pipeListener is a listener of in-memory connections, so that synctest sees when all goroutines are blocked.
type pipeListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     *sync.Once
}

func newPipeListener() pipeListener {
	return pipeListener{make(chan net.Conn), make(chan struct{}), new(sync.Once)}
}

func (l pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.accepted <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }
