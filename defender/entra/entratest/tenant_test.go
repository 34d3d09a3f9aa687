package entratest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

const (
	clientID = "11112222-bbbb-3333-cccc-4444dddd5555" // the server's app: a client of Defender, and a resource
	toolID   = "22223333-cccc-4444-dddd-5555eeee6666" // a user's program: a public client of the server
	adaID    = "aaaaaaaa-0000-0000-0000-000000000001"
	secret   = "canary~secret-Value_8Q"
	resource = "https://scans.example.com/mcp"
	callback = "https://scans.example.com/link/callback"
	all      = entratest.Defender + "/.default"
	write    = entratest.Defender + "/Machine.ReadWrite"
)

var ada = entratest.User{ObjectID: adaID, Name: "Ada Lovelace", Roles: []string{"Scans.Approver"}}

// clock is a clock that a test advances.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// signingKey is the first key of all tenants here, because keys are slow to make.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// startTenant starts a tenant with the server's app, a user's program, and Ada.
func startTenant(t testing.TB, o entratest.Options) *entratest.Server {
	t.Helper()
	if o.SigningKey == nil {
		o.SigningKey = signingKey()
	}
	fake := entratest.New(o)
	t.Cleanup(fake.Close)
	fake.AddApp(entratest.App{
		ClientID: clientID, URIs: []string{resource}, Secret: secret, RedirectURIs: []string{callback},
		Roles:     []string{entratest.Defender + "/Machine.Read.All", entratest.KeyVault + "/Other"},
		Consented: []string{write, entratest.Defender + "/Machine.Read"},
	})
	fake.AddApp(entratest.App{
		ClientID: toolID, Public: true, RedirectURIs: []string{"http://localhost"}, Consented: []string{resource + "/Scans.Use"},
	})
	fake.AddUser(ada)
	return fake
}

// answer is a decoded response of the fake.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (a answer) code() int {
	codes, _ := a.body["error_codes"].([]any)
	if len(codes) == 0 {
		return 0
	}
	return int(codes[0].(float64))
}

func (a answer) field(name string) string {
	text, _ := a.body[name].(string)
	return text
}

// post sends a form to an endpoint of the tenant, such as "oauth2/v2.0/token".
func post(t testing.TB, fake *entratest.Server, path string, form url.Values) answer {
	t.Helper()
	resp, err := fake.Client().PostForm(fake.Authority()+"/"+fake.Tenant()+"/"+path, form)
	return readAnswer(t, resp, err)
}

func get(t testing.TB, fake *entratest.Server, address string) answer {
	t.Helper()
	client := *fake.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Get(address)
	return readAnswer(t, resp, err)
}

func readAnswer(t testing.TB, resp *http.Response, err error) answer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(body)}
	_ = json.Unmarshal(body, &a.body) // a page is not JSON
	return a
}

// tokenForm returns a token request of the server's app. changes are name, value pairs; the value "-" removes a
// name.
func tokenForm(grant string, changes ...string) url.Values {
	f := url.Values{"grant_type": {grant}, "client_id": {clientID}, "client_secret": {secret}, "scope": {all}}
	for i := 0; i < len(changes); i += 2 {
		f.Set(changes[i], changes[i+1])
		if changes[i+1] == "-" {
			f.Del(changes[i])
		}
	}
	return f
}

func requestToken(t testing.TB, fake *entratest.Server, form url.Values) answer {
	t.Helper()
	return post(t, fake, "oauth2/v2.0/token", form)
}

// decodeClaims returns the claims without verifying the token.
func decodeClaims(t testing.TB, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	var read map[string]any
	if err != nil || json.Unmarshal(data, &read) != nil {
		t.Fatalf("%q has no claims", token)
	}
	return read
}

// wantClaims compares the claims in want; nil means that a claim must be absent.
func wantClaims(t testing.TB, got, want map[string]any) {
	t.Helper()
	for name := range maps.Keys(want) {
		gotText, _ := json.Marshal(got[name])
		wantText, _ := json.Marshal(want[name])
		if string(gotText) != string(wantText) {
			t.Errorf("claim %s = %s, want %s", name, gotText, wantText)
		}
	}
}

// wantRefusal checks a refusal in Entra ID's form.
func wantRefusal(t testing.TB, a answer, status int, word string, code int) {
	t.Helper()
	if a.status != status || a.field("error") != word || a.code() != code {
		t.Errorf("got %d %s %d, want %d %s %d\n%s", a.status, a.field("error"), a.code(), status, word, code, a.text)
	}
}
