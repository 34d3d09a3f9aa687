package mcpserver_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender/entra/entratest"
	"scanwarden/tools/mcpserver/auth"
)

const (
	tenantID = "11111111-2222-3333-4444-555555555555"
	clientID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	adaID    = "0ada0ada-0000-4000-8000-000000000001"
	bobID    = "0b0b0b0b-0000-4000-8000-000000000002"
	adaEntra = "entra:" + tenantID + "/" + adaID
)

// entraKey is the signing key of the fake Entra in all tests.
var entraKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// fakeEntra is the fake Entra ID with tokens for the tests of this package.
type fakeEntra struct{ *entratest.Server }

func newFakeEntra(t testing.TB) *fakeEntra {
	t.Helper()
	key, err := entraKey()
	if err != nil {
		t.Fatal(err)
	}
	a := &fakeEntra{entratest.New(entratest.Options{Tenant: tenantID, SigningKey: key})}
	t.Cleanup(a.Close)
	return a
}

func (a *fakeEntra) authenticator(t testing.TB) auth.Authenticator {
	t.Helper()
	k, err := auth.Entra(t.Context(), auth.EntraConfig{
		TenantID: tenantID, ClientID: clientID, Authority: a.Authority(), Resource: "https://scans.example.com/mcp", HTTP: a.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// token returns a user's access token with changed claims; nil removes a claim.
func (a *fakeEntra) token(t testing.TB, object string, changes map[string]any) string {
	t.Helper()
	roles := []string{"Scans.Approver", "Scans.Use.All"}
	claims := a.UserClaims(entratest.User{ObjectID: object, Name: "Ada"}, clientID, []string{"Scans.Use"}, roles)
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return a.Sign(claims)
}

const slackSecret = "8f742231b10e8888abcd99yyyzzz85a5"

// slackAuthenticator accepts requests that signSlack has signed, and resolves every user as a member of the
// workspace T1.
func slackAuthenticator() auth.Authenticator {
	return auth.SlackAssistant(auth.SlackConfig{
		Verify: func(h http.Header, body []byte) error {
			if !hmac.Equal([]byte(h.Get("X-Slack-Signature")), []byte(slackMAC(h.Get("X-Slack-Request-Timestamp"), string(body)))) {
				return errors.New("not signed")
			}
			return nil
		},
		ResolveUser: func(_ context.Context, team, user string) (confirm.Principal, []string, error) {
			return confirm.Principal("slack:" + team + "/" + user), nil, nil
		},
	})
}

func slackMAC(stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(slackSecret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// signSlack returns a function that signs a request as Slack does and removes the Authorization header.
func signSlack(body string) func(*http.Request) {
	return func(r *http.Request) {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		r.Header.Del("Authorization")
		r.Header.Set("X-Slack-Request-Timestamp", stamp)
		r.Header.Set("X-Slack-Signature", slackMAC(stamp, body))
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
