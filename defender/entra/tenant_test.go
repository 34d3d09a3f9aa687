package entra_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

const (
	tenant      = entratest.Tenant
	otherTenant = "99999999-604b-40ac-a9d7-9fd97c0b779f"
	clientID    = "11112222-bbbb-3333-cccc-4444dddd5555"
	secret      = "canary~secret-Value_8Q"
	tokenCanary = "canary-access-token-"
	scope       = entratest.Defender + "/.default"
	delegated   = entratest.Defender + "/Machine.ReadWrite"
	vault       = entratest.KeyVault + "/.default"
	production  = "login.microsoftonline.com"
	callback    = "https://scans.example.com/link/callback"
	correlation = "1b5d6e4a-0f7c-4d7e-9a51-0a2f1d3c5b7e"

	adaID = "aaaaaaaa-1111-4111-8111-111111111111"
	bobID = "bbbbbbbb-2222-4222-8222-222222222222"
)

// userIDs maps the names that tests use to the tenant's users.
var userIDs = map[string]string{"ada": adaID, "bob": bobID}

// fault is a failure that a test queues.
type fault = entratest.Fault

// refusal returns an error of Entra ID. Its description repeats the secret, to check that it is never shown.
func refusal(status int, word string, code int) fault {
	description := fmt.Sprintf("%s was sent to https://%s/%s.", secret, production, tenant)
	return fault{Status: status, Error: word, Code: code, Description: description}
}

// status returns an empty response, as a proxy may send it.
func status(code int) fault { return fault{Status: code, EmptyBody: true} }

func throttled(retryAfter string) fault {
	return fault{Status: http.StatusTooManyRequests, RetryAfter: retryAfter, EmptyBody: true}
}

// signingKey is the tenant's key in all tests, because keys are slow to make. It is short, because no test here
// verifies it.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return key
})

// fakeTenant is a tenant with one app and the users Ada and Bob. Ada enters every device code and signs in with
// every browser at once. Inside a synctest bubble the fake and MSAL use the bubble's clock, so an hour passes
// at once.
type fakeTenant struct {
	*entratest.Server
	app entratest.App

	mu            sync.Mutex
	assertionLife time.Duration     // lifetime of the assertions made from now on
	assertions    map[string]string // by name of the user
}

func startTenant(t testing.TB) *fakeTenant {
	t.Helper()
	f := &fakeTenant{assertionLife: 72 * time.Hour, assertions: map[string]string{}}
	f.app = entratest.App{
		ClientID: clientID, Secret: secret, Certificate: identities()[0].parse(t), Public: true, RedirectURIs: []string{callback, "http://localhost"},
		Federation: &entratest.Federation{Issuer: federationIssuer, Subject: federationSubject},
	}
	resources := []string{
		entratest.Defender, entratest.KeyVault, "https://api-gov.securitycenter.microsoft.us", "https://api.securitycenter.example.cn",
	}
	for i := range services {
		resources = append(resources, serviceResource(i))
	}
	for _, resource := range resources {
		f.app.Consented = append(f.app.Consented, resource+"/Machine.ReadWrite")
	}
	f.Server = entratest.New(entratest.Options{
		InMemory: true, Hosts: []string{"login.private.example"}, SigningKey: signingKey(),
		CorrelationID: correlation, Resources: resources, AccessToken: nameToken,
	})
	t.Cleanup(f.Close)
	f.AddApp(f.app)
	f.AddUser(entratest.User{ObjectID: adaID, Name: "Ada Lovelace", Username: "ada@canary.example"})
	f.AddUser(entratest.User{ObjectID: bobID, Name: "Bob", Username: "bob@canary.example"})
	f.SignIn(adaID)
	f.AutoApprove(adaID)
	return f
}

// services is the number of additional resources, see serviceResource.
const services = 8

func serviceResource(i int) string { return fmt.Sprintf("https://service%d.example", i) }

// nameToken returns an access token that contains the number of the token request, and the user's name if the
// app authenticated.
func nameToken(n int, r entratest.Request) string {
	for name, id := range userIDs {
		if r.User == id && r.Proof != "" {
			return fmt.Sprintf("%s%s-%d", tokenCanary, name, n)
		}
	}
	return fmt.Sprint(tokenCanary, n)
}

// inBubble runs story against a tenant, on a clock that jumps whenever all goroutines wait. A sign-in that its
// callers have left must end by itself within a minute: the bubble fails if a goroutine remains.
func inBubble(t *testing.T, story func(t *testing.T, f *fakeTenant)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := startTenant(t)
		t.Cleanup(func() { time.Sleep(time.Minute) })
		story(t, f)
	})
}

// failNext queues one fault for each of the next token requests.
func (f *fakeTenant) failNext(faults ...fault) {
	for _, next := range faults {
		f.Fail(next)
	}
}

// failDiscovery makes all discovery requests fail.
func (f *fakeTenant) failDiscovery(always fault) {
	always.Path, always.Times = "/openid-configuration", -1
	f.Fail(always)
}

// hang keeps all token requests unanswered until ClearFaults.
func (f *fakeTenant) hang() { f.Fail(fault{Hang: true, Times: -1}) }

func (f *fakeTenant) setLatency(d time.Duration) {
	f.Change(func(o *entratest.Options) { o.Latency = d })
}

func (f *fakeTenant) setExpiresIn(d time.Duration) {
	f.Change(func(o *entratest.Options) { o.ExpiresIn = d })
}

// refreshEarly makes Entra ID request the renewal of each token after half an hour.
func (f *fakeTenant) refreshEarly() {
	f.Change(func(o *entratest.Options) { o.RefreshIn = 30 * time.Minute })
}

// setClaims changes the claims of ID tokens from now on; nil leaves them.
func (f *fakeTenant) setClaims(change func(claims map[string]any)) {
	f.Change(func(o *entratest.Options) { o.IDToken = change })
}

// changeApp registers the app again after change has edited it.
func (f *fakeTenant) changeApp(change func(*entratest.App)) {
	change(&f.app)
	f.AddApp(f.app)
}

// config returns a configuration with the secret and the production authority's name, discovery included.
func (f *fakeTenant) config(t testing.TB) entra.Config {
	return entra.Config{
		TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
		Authority: "https://" + production, Scope: scope, HTTP: f.client(t),
	}
}

// client returns a client that dials the fake for every host, and trusts it.
func (f *fakeTenant) client(t testing.TB) *http.Client {
	transport := f.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (f *fakeTenant) source(t testing.TB, edit func(*entra.Config)) *entra.Source {
	t.Helper()
	cfg := f.config(t)
	if edit != nil {
		edit(&cfg)
	}
	source, err := entra.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// userSource returns a source for a user with a device code. It records the prompts in shown.
func (f *fakeTenant) userSource(t testing.TB, shown *prompts, edit func(*entra.Config)) *entra.Source {
	t.Helper()
	s := f.source(t, func(c *entra.Config) {
		c.Mode, c.ClientSecret, c.Prompt = entra.DeviceCode, nil, shown.add
		if edit != nil {
			edit(c)
		}
	})
	t.Cleanup(s.Close)
	return s
}

func (f *fakeTenant) onBehalfOf(t testing.TB, edit func(*entra.Config)) *entra.OnBehalfOf {
	t.Helper()
	cfg := f.config(t)
	cfg.Scope = delegated
	if edit != nil {
		edit(&cfg)
	}
	o, err := entra.NewOnBehalfOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// assertion returns the access token that a user calls with, always the same for a name. Names such as "bob-2"
// are further tokens of Bob.
func (f *fakeTenant) assertion(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.assertions[name] == "" {
		first, _, _ := strings.Cut(name, "-")
		claims := f.UserClaims(entratest.User{ObjectID: userIDs[first]}, clientID, []string{"Scans.Use"}, nil)
		claims["exp"] = time.Now().Add(f.assertionLife).Unix()
		f.assertions[name] = f.Sign(claims)
	}
	return f.assertions[name]
}

// exchange returns the token on behalf of a user, without tokenCanary.
func (f *fakeTenant) exchange(ctx context.Context, o *entra.OnBehalfOf, name string, req entra.TokenRequest) (string, error) {
	token, err := o.Get(ctx, f.assertion(name), req)
	return strings.TrimPrefix(token.Text, tokenCanary), err
}

func (f *fakeTenant) wantExchange(t *testing.T, o *entra.OnBehalfOf, name string, req entra.TokenRequest, want string) {
	t.Helper()
	if got, err := f.exchange(t.Context(), o, name, req); err != nil || got != want {
		t.Fatalf("Get(%s, %+v) = %q, %v; want token %s", name, req, got, err, want)
	}
}

// visit opens an address in a browser, in which the user of [entratest.Server.SignIn] signs in, and returns the
// query that the browser takes back to the app.
func (f *fakeTenant) visit(t testing.TB, address string) url.Values {
	t.Helper()
	browser := f.client(t)
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil || !strings.HasPrefix(back.String(), callback+"?") {
		t.Fatalf("the browser was sent to %v, %v", back, err)
	}
	return back.Query()
}
