package entratest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

// TestFaults strikes the requests it is ordered for, in order, and no more.
func TestFaults(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.FailNext(503, "7", "")
	fake.FailNext(200, "", "<html>portal</html>")
	fake.Fail(entratest.Fault{Code: 50076, SubError: "basic_action", Claims: `{"access_token":{}}`})
	fake.Fail(entratest.Fault{Path: "/keys", Status: 500, Times: -1})
	a := requestToken(t, fake, tokenForm("client_credentials"))
	wantRefusal(t, a, 503, "temporarily_unavailable", 90033)
	if a.header.Get("Retry-After") != "7" {
		t.Errorf("Retry-After = %q", a.header.Get("Retry-After"))
	}
	if a = requestToken(t, fake, tokenForm("client_credentials")); a.status != 200 || a.text != "<html>portal</html>" {
		t.Errorf("got %d %q", a.status, a.text)
	}
	a = requestToken(t, fake, tokenForm("client_credentials"))
	wantRefusal(t, a, 400, "invalid_grant", 50076)
	wantClaims(t, a.body, map[string]any{"suberror": "basic_action", "claims": `{"access_token":{}}`})
	if a = requestToken(t, fake, tokenForm("client_credentials")); a.status != 200 || a.field("access_token") == "" {
		t.Errorf("the fourth got %d %q", a.status, a.text)
	}
	keys := fake.Authority() + "/" + fake.Tenant() + "/discovery/v2.0/keys"
	for range 2 {
		if a := get(t, fake, keys); a.status != 500 {
			t.Errorf("keys: got %d", a.status)
		}
	}
	fake.ClearFaults()
	if a := get(t, fake, keys); a.status != 200 {
		t.Errorf("keys: got %d", a.status)
	}
}

// TestFaultsOfTime delays, hangs and cuts.
func TestFaultsOfTime(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.Fail(entratest.Fault{Delay: 50 * time.Millisecond})
	begun := time.Now()
	if a := requestToken(t, fake, tokenForm("client_credentials")); a.status != 200 || time.Since(begun) < 50*time.Millisecond {
		t.Errorf("got %d after %s, want the genuine answer after 50ms", a.status, time.Since(begun))
	}
	fake.Fail(entratest.Fault{Drop: true})
	if _, err := fake.Client().PostForm(fake.Authority()+"/"+fake.Tenant()+"/oauth2/v2.0/token", tokenForm("client_credentials")); err == nil {
		t.Error("an answer over a cut connection")
	}
	fake.Fail(entratest.Fault{Path: "/keys", Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", fake.Authority()+"/"+fake.Tenant()+"/discovery/v2.0/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fake.Client().Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging: %v", err)
	}
}

// TestCloseEndsHanging lets go of a request that hangs.
func TestCloseEndsHanging(t *testing.T) {
	fake := entratest.New(entratest.Options{})
	fake.Fail(entratest.Fault{Path: "/keys", Hang: true})
	done := make(chan error, 1)
	go func() {
		_, err := fake.Client().Get(fake.Authority() + "/" + fake.Tenant() + "/discovery/v2.0/keys")
		done <- err
	}()
	for fake.KeyFetches() == 0 {
		time.Sleep(time.Millisecond) // until the request is there
	}
	fake.Close()
	if err := <-done; err == nil {
		t.Error("an answer from a closed fake")
	}
}

// TestSkew sets the clock of answers and tokens off.
func TestSkew(t *testing.T) {
	clock := newClock()
	fake := startTenant(t, entratest.Options{Now: clock.Now})
	fake.SetSkew(-time.Hour)
	a := requestToken(t, fake, tokenForm("client_credentials"))
	behind := clock.Now().Add(-time.Hour)
	if got := a.header.Get("Date"); got != behind.UTC().Format(http.TimeFormat) {
		t.Errorf("Date = %q, want that of an hour ago", got)
	}
	wantClaims(t, decodeClaims(t, a.field("access_token")), map[string]any{"iat": behind.Unix()})
}

// TestRequests records what arrived, and no secret of it.
func TestRequests(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	requestToken(t, fake, tokenForm("client_credentials", "claims", `{"access_token":{"xms_cc":{"values":["CP1"]}}}`))
	requestToken(t, fake, tokenForm("client_credentials", "client_secret", "canary-wrong"))
	traded := onBehalfForm(fake, "scope", write+" offline_access")
	refresh := requestToken(t, fake, traded).field("refresh_token")
	requestToken(t, fake, tokenForm("refresh_token", "refresh_token", refresh, "scope", write))
	log := fake.Tokens()
	if len(log) != 4 || fake.Count("/token") != 4 || fake.Count("/keys") != 0 {
		t.Fatalf("recorded %+v", log)
	}
	if r := log[0]; r.Grant != "client_credentials" || r.Client != clientID || r.Scope != all || r.Proof != "secret" || r.Status != 200 || r.Claims == "" || r.User != "" {
		t.Errorf("recorded %+v", r)
	}
	if r := log[1]; r.Status != 401 || r.Code != 7000215 {
		t.Errorf("recorded %+v", r)
	}
	if r := log[3]; r.User != adaID || r.Code != 0 {
		t.Errorf("recorded %+v", r)
	}
	shown := fmt.Sprintf("%+v %#v", log, log)
	for _, hidden := range []string{secret, "canary", traded.Get("assertion"), refresh} {
		if strings.Contains(shown, hidden) {
			t.Errorf("the record shows %q", hidden)
		}
	}
}
