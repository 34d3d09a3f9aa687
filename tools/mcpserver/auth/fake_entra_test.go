package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"scanwarden/tools/mcpserver/auth"
)

const (
	tenant   = "11111111-2222-3333-4444-555555555555"
	audience = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	ada      = "0ada0ada-0000-4000-8000-000000000001"
	client   = "c11e0000-0000-4000-8000-000000000001"
	resource = "https://scans.example.com/mcp"
)

// serverKey signs for the fake Entra, attackerKey for an attacker.
var (
	serverKey   = sync.OnceValue(newKey)
	attackerKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// fakeEntra serves the part of Entra that the package uses: a key document, over TLS.
type fakeEntra struct {
	*httptest.Server
	mu      sync.Mutex
	keys    map[string]*rsa.PrivateKey
	fetches int
	paths   []string
	scope   map[string]any                           // replaces fields of each RSA key; nil removes one
	answer  func(w http.ResponseWriter, keys []byte) // instead of the plain keys
	now     time.Time
}

func newAuthority(t testing.TB) *fakeEntra {
	t.Helper()
	a := &fakeEntra{keys: map[string]*rsa.PrivateKey{"first": serverKey()}, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	a.Server = httptest.NewTLSServer(a)
	t.Cleanup(a.Close)
	return a
}

// ServeHTTP answers with keys that have no "alg", as Entra does.
func (a *fakeEntra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fetches++
	a.paths = append(a.paths, r.URL.Path)
	keys := []map[string]any{{"kty": "EC", "kid": "of a new kind", "crv": "P-999", "x": "AA", "y": "AA"}}
	for kid, key := range a.keys {
		keys = append(keys, withChanges(jwt.MapClaims{
			"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "issuer": a.URL + "/{tenantid}/v2.0",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}, a.scope))
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	if a.answer == nil {
		a.answer = func(w http.ResponseWriter, keys []byte) { _, _ = w.Write(keys) }
	}
	a.answer(w, text)
}

func (a *fakeEntra) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (a *fakeEntra) fetched() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fetches
}

func (a *fakeEntra) currentTime() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *fakeEntra) advanceClock(d time.Duration) { a.change(func() { a.now = a.now.Add(d) }) }

func (a *fakeEntra) config() auth.EntraConfig {
	return auth.EntraConfig{
		TenantID: tenant, ClientID: audience, Authority: a.URL, Resource: resource, HTTP: a.Client(), Now: a.currentTime,
	}
}

func (a *fakeEntra) authenticator(t testing.TB, alter ...func(*auth.EntraConfig)) auth.Authenticator {
	t.Helper()
	cfg := a.config()
	for _, f := range alter {
		f(&cfg)
	}
	k, err := auth.Entra(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// personClaims returns the claims of ada's token as Entra v2 writes them. changes replaces claims; nil removes one.
func (a *fakeEntra) personClaims(changes jwt.MapClaims) jwt.MapClaims {
	now := a.currentTime()
	c := jwt.MapClaims{
		"iss": a.URL + "/" + tenant + "/v2.0", "aud": audience, "ver": "2.0", "tid": tenant, "oid": ada,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "azp": client, "azpacr": "0",
		"scp": "Scans.Use", "roles": []string{"Scans.Requester", "Scans.Approver"}, "sub": "pairwise", "name": "Ada",
		"preferred_username": "ada@example.com", "uti": "x", "rh": "0.A",
	}
	return withChanges(c, changes)
}

// applicationClaims returns the claims of an application's own token.
func (a *fakeEntra) applicationClaims(changes jwt.MapClaims) jwt.MapClaims {
	c := a.personClaims(jwt.MapClaims{"scp": nil, "name": nil, "preferred_username": nil, "idtyp": "app", "roles": []string{"Scans.Use.All"}})
	return withChanges(c, changes)
}

func withChanges(c, changes jwt.MapClaims) jwt.MapClaims {
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// signToken returns a token as Entra would sign it.
func signToken(t testing.TB, c jwt.MapClaims) string {
	return signTokenWith(t, serverKey(), "first", c)
}

func signTokenWith(t testing.TB, key *rsa.PrivateKey, kid string, c jwt.MapClaims) string {
	t.Helper()
	return signTokenAs(t, jwt.SigningMethodRS256, key, map[string]any{"kid": kid}, c)
}

func signTokenAs(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	for name, value := range header {
		token.Header[name] = value
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// authenticate authenticates a request with this token.
func authenticate(t testing.TB, k auth.Authenticator, token string) (auth.Caller, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return k.Authenticate(r, nil)
}
