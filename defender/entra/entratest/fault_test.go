package entratest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra/entratest"
)

// TestFaults checks that faults apply to the requests they are queued for, in order.
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

// TestFaultsOfTime covers delays, hanging requests and cut connections.
func TestFaultsOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := startTenant(t, entratest.Options{InMemory: true})
		fake.Fail(entratest.Fault{Delay: time.Minute})
		begun := time.Now()
		if a := requestToken(t, fake, tokenForm("client_credentials")); a.status != 200 || time.Since(begun) != time.Minute {
			t.Errorf("got %d after %s, want the normal answer after a minute", a.status, time.Since(begun))
		}
		fake.Fail(entratest.Fault{Drop: true})
		if _, err := fake.Client().PostForm(fake.Authority()+"/"+fake.Tenant()+"/oauth2/v2.0/token", tokenForm("client_credentials")); err == nil {
			t.Error("an answer over a cut connection")
		}
		fake.Fail(entratest.Fault{Path: "/keys", Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", fake.Authority()+"/"+fake.Tenant()+"/discovery/v2.0/keys", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fake.Client().Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hanging: %v", err)
		}
	})
}

// TestCloseEndsHanging checks that Close ends a hanging request.
func TestCloseEndsHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := entratest.New(entratest.Options{InMemory: true, SigningKey: signingKey()})
		fake.Fail(entratest.Fault{Path: "/keys", Hang: true})
		done := make(chan error, 1)
		go func() {
			_, err := fake.Client().Get(fake.Authority() + "/" + fake.Tenant() + "/discovery/v2.0/keys")
			done <- err
		}()
		synctest.Wait()
		if fake.KeyFetches() != 1 || len(done) != 0 {
			t.Fatal("the request does not hang")
		}
		fake.Close()
		if err := <-done; err == nil {
			t.Error("an answer from a closed fake")
		}
	})
}

// TestRawAnswers covers what a proxy or a portal may send in Entra ID's place.
func TestRawAnswers(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	fake.Fail(entratest.Fault{Status: 503, EmptyBody: true, RetryAfter: "7"})
	fake.Fail(entratest.Fault{Status: 302, EmptyBody: true, Location: "https://portal.example/"})
	fake.Fail(entratest.Fault{Body: `{"access_token":"`, Cut: true})
	fake.Fail(entratest.Fault{Status: 400, Code: 1, Error: "invalid_request", Description: "words of the test"})
	if a := requestToken(t, fake, tokenForm("client_credentials")); a.status != 503 || a.text != "" || a.header.Get("Retry-After") != "7" {
		t.Errorf("got %d %q", a.status, a.text)
	}
	address := fake.Authority() + "/" + fake.Tenant() + "/oauth2/v2.0/token"
	client := *fake.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.PostForm(address, tokenForm("client_credentials"))
	if a := readAnswer(t, resp, err); a.status != 302 || a.header.Get("Location") != "https://portal.example/" {
		t.Errorf("got %d to %q", a.status, a.header.Get("Location"))
	}
	resp, err = client.PostForm(address, tokenForm("client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading a cut answer: %v", err)
	}
	resp.Body.Close()
	a := requestToken(t, fake, tokenForm("client_credentials"))
	wantRefusal(t, a, 400, "invalid_request", 1)
	if !strings.HasPrefix(a.field("error_description"), "AADSTS1: words of the test") {
		t.Errorf("error_description = %q", a.field("error_description"))
	}
}

// TestSkew shifts the clock of answers and tokens.
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

// TestRequests checks the record of requests, which must contain no secret.
func TestRequests(t *testing.T) {
	fake := startTenant(t, entratest.Options{})
	requestToken(t, fake, tokenForm("client_credentials", "claims", `{"access_token":{"xms_cc":{"values":["CP1"]}}}`))
	requestToken(t, fake, tokenForm("client_credentials", "client_secret", "canary-wrong"))
	form := onBehalfForm(fake, "scope", write+" offline_access")
	refresh := requestToken(t, fake, form).field("refresh_token")
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
	for _, hidden := range []string{secret, "canary", form.Get("assertion"), refresh} {
		if strings.Contains(shown, hidden) {
			t.Errorf("the record shows %q", hidden)
		}
	}
}
