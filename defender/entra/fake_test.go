package entra_test

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/defender/entra"
)

const (
	tenant      = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
	clientID    = "11112222-bbbb-3333-cccc-4444dddd5555"
	secret      = "canary~secret-Value_8Q"
	tokenCanary = "canary-access-token-"
	scope       = "https://api.securitycenter.microsoft.com/.default"
	production  = "login.microsoftonline.com"
	correlation = "1b5d6e4a-0f7c-4d7e-9a51-0a2f1d3c5b7e"
)

// fakeEntra answers as login.microsoftonline.com does, over real HTTP and TLS on connections in memory.
// In a synctest bubble its clock, and that of MSAL, is the bubble's: an hour passes at once.
type fakeEntra struct {
	*httptest.Server
	wire wire

	mu        sync.Mutex
	secret    string                         // what the app registration has
	lifetime  int                            // expires_in of the tokens
	refreshIn int                            // refresh_in; 0 leaves it out
	latency   time.Duration                  // of the token endpoint
	hang      bool                           // the token endpoint never answers
	config    func(http.ResponseWriter) bool // takes over openid-configuration when it says so
	skew      time.Duration                  // of its clock
	guest     userSignIn                     // who signs in
	next      []answer                       // of the token endpoint, before it answers by itself
	paths     []string                       // of all requests
	hosts     []string                       // of all requests
	forms     []url.Values                   // received by the token endpoint
	arrived   []time.Time                    // when
}

// answer is one answer of the token endpoint.
type answer struct {
	status     int
	retryAfter string
	location   string
	body       string
	breaks     bool // the connection is cut after the body
}

// errorResponse is an error in Entra ID's own form; its description repeats the secret, as none should.
func errorResponse(status int, word string, code int) answer {
	body, _ := json.Marshal(map[string]any{
		"error":             word,
		"error_description": fmt.Sprintf("AADSTS%d: %s was sent to https://%s/%s.", code, secret, production, tenant),
		"error_codes":       []int{code},
		"correlation_id":    correlation,
		"trace_id":          correlation,
		"timestamp":         "2026-11-21 10:00:00Z",
	})
	return answer{status: status, body: string(body)}
}

func startFake(t testing.TB) *fakeEntra {
	t.Helper()
	f := &fakeEntra{wire: newWire(), secret: secret, lifetime: 3599, guest: ada}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /common/discovery/instance", f.instance)
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", f.openID)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", f.token)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/devicecode", f.deviceCode)
	f.Server = &httptest.Server{
		Listener: f.wire,
		TLS:      &tls.Config{Certificates: []tls.Certificate{serverCertificate(t)}},
		Config:   &http.Server{Handler: f.recorded(mux)},
	}
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

// source signs in with the secret, through the production authority's name, discovery included.
func (f *fakeEntra) source(t testing.TB, edit func(*entra.Config)) *entra.Source {
	t.Helper()
	cfg := entra.Config{
		TenantID:     tenant,
		ClientID:     clientID,
		ClientSecret: func() (string, error) { return secret, nil },
		Authority:    "https://" + production,
		Scope:        scope,
		HTTP:         f.client(t),
	}
	if edit != nil {
		edit(&cfg)
	}
	source, err := entra.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// client dials the fake whatever the host, and trusts it.
func (f *fakeEntra) client(t testing.TB) *http.Client {
	transport := f.Server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = f.wire.dial
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (f *fakeEntra) set(change func(*fakeEntra)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeEntra) answerNext(answers ...answer) {
	f.set(func(f *fakeEntra) { f.next = append(f.next, answers...) })
}

// signIns are the forms the token endpoint has received.
func (f *fakeEntra) signIns() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]url.Values(nil), f.forms...)
}

// requests counts the requests whose path ends so.
func (f *fakeEntra) requests(suffix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, path := range f.paths {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

func (f *fakeEntra) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.set(func(f *fakeEntra) {
			f.paths, f.hosts = append(f.paths, r.URL.Path), append(f.hosts, r.Host)
			w.Header().Set("Date", time.Now().Add(f.skew).UTC().Format(http.TimeFormat))
		})
		next.ServeHTTP(w, r)
	})
}

func (f *fakeEntra) instance(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": "https://" + r.Host + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host},
		}},
	})
}

func (f *fakeEntra) openID(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	config := f.config
	f.mu.Unlock()
	if config != nil && config(w) {
		return
	}
	if name := r.PathValue("tenant"); name != tenant {
		write(w, errorResponse(http.StatusBadRequest, "invalid_tenant", 90002))
		return
	}
	base := "https://" + r.Host + "/" + tenant
	reply(w, http.StatusOK, map[string]any{
		"issuer":                 base + "/v2.0",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize",
		"token_endpoint":         base + "/oauth2/v2.0/token",
		"jwks_uri":               base + "/discovery/v2.0/keys",
	})
}

func (f *fakeEntra) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	f.mu.Lock()
	f.forms, f.arrived = append(f.forms, r.PostForm), append(f.arrived, time.Now())
	serial, latency, hang, body := len(f.forms), f.latency, f.hang, f.grant(r.PostForm)
	if len(f.next) > 0 {
		body, f.next = f.next[0], f.next[1:]
	}
	f.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return
	}
	time.Sleep(latency)
	body.body = strings.ReplaceAll(body.body, "SERIAL", fmt.Sprint(serial))
	write(w, body)
}

// grant judges a form by itself: a wrong secret is refused, an assertion is left to the test.
func (f *fakeEntra) grant(form url.Values) answer {
	if form.Get("grant_type") != "client_credentials" {
		return f.grantPerson(form)
	}
	if form.Get("client_assertion") == "" && form.Get("client_secret") != f.secret {
		return errorResponse(http.StatusUnauthorized, "invalid_client", 7000215)
	}
	granted := map[string]any{
		"token_type": "Bearer", "expires_in": f.lifetime, "access_token": tokenCanary + "SERIAL",
	}
	if f.refreshIn > 0 {
		granted["refresh_in"] = f.refreshIn
	}
	body, _ := json.Marshal(granted)
	return answer{status: http.StatusOK, body: string(body)}
}

func reply(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v)
	write(w, answer{status: status, body: string(body)})
}

func write(w http.ResponseWriter, a answer) {
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	w.WriteHeader(cmp.Or(a.status, http.StatusOK))
	_, _ = w.Write([]byte(a.body))
	if a.breaks {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}
