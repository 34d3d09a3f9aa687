package auth_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/tools/mcpserver/auth"
)

// sendForgedTokens sends a thousand forged tokens, each with its own key id, and checks that each is answered with
// status.
func sendForgedTokens(t *testing.T, a *fakeEntra, k auth.Authenticator, status int) {
	t.Helper()
	_, rest, _ := strings.Cut(signTokenWith(t, attackerKey(), "forged", a.personClaims(nil)), ".")
	var all sync.WaitGroup
	for i := range 1000 {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","typ":"JWT","kid":"forged %d"}`, i))
		all.Go(func() {
			_, err := authenticate(t, k, header+"."+rest)
			if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != status {
				t.Errorf("%v, want %d", err, status)
			}
		})
	}
	all.Wait()
}

func (a *fakeEntra) wantFetches(t *testing.T, want int) {
	t.Helper()
	if got := a.fetched(); got != want {
		t.Errorf("the keys were fetched %d times, want %d", got, want)
	}
}

func TestForgedTokensFetchKeysOnceAMinute(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	sendForgedTokens(t, a, k, 401)
	a.wantFetches(t, 1)
	a.advanceClock(59 * time.Second)
	sendForgedTokens(t, a, k, 401)
	a.wantFetches(t, 1)
	a.advanceClock(time.Second)
	sendForgedTokens(t, a, k, 401)
	a.wantFetches(t, 2)
	if _, err := authenticate(t, k, signToken(t, a.personClaims(nil))); err != nil {
		t.Errorf("a valid token after the forged ones: %v", err)
	}
	a.wantFetches(t, 2)
}

func TestKeysRotate(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	before := func() string { return signToken(t, a.personClaims(nil)) }
	after := func() string { return signTokenWith(t, attackerKey(), "second", a.personClaims(nil)) }
	admits := func(token string, want bool) {
		t.Helper()
		if _, err := authenticate(t, k, token); (err == nil) != want {
			t.Errorf("accepted: %v, want %v (%v)", err == nil, want, err)
		}
	}
	admits(before(), true)
	a.change(func() { a.keys["second"] = attackerKey() })
	admits(after(), false) // the keys are younger than a minute
	a.advanceClock(time.Minute)
	admits(after(), true)
	a.wantFetches(t, 2)

	a.change(func() { a.keys = map[string]*rsa.PrivateKey{"second": attackerKey()} })
	a.advanceClock(59 * time.Minute)
	admits(before(), true) // the withdrawal is not known yet
	a.wantFetches(t, 2)
	a.advanceClock(time.Minute)
	admits(after(), true) // after an hour the keys are fetched again, although this one is known
	a.wantFetches(t, 3)
	admits(before(), false) // the withdrawn key is no longer accepted
}

func TestKeysThatCannotBeFetched(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, keys []byte){
		"an error": func(w http.ResponseWriter, keys []byte) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(keys)
		},
		"a page of a proxy":       func(w http.ResponseWriter, _ []byte) { fmt.Fprint(w, "<html>sign in to the network</html>") },
		"JSON of a proxy":         func(w http.ResponseWriter, _ []byte) { fmt.Fprint(w, `{"error":"no"}`) },
		"a document that is huge": func(w http.ResponseWriter, keys []byte) { fmt.Fprintf(w, "%s%s", strings.Repeat(" ", 1<<20), keys) },
		"a redirection elsewhere": func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Location", "/other")
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t)
			a.change(func() { a.answer = answer })
			k := a.authenticator(t)
			_, err := authenticate(t, k, signToken(t, a.personClaims(nil)))
			authErr, ok := errors.AsType[*auth.Error](err)
			if !ok || authErr.Status != 503 || authErr.Challenge != "" || authErr.Cause == nil {
				t.Fatalf("%+v, want 503 with a cause", err)
			}
			sendForgedTokens(t, a, k, 503)
			a.wantFetches(t, 1)
			_, err = authenticate(t, k, signToken(t, a.personClaims(nil)))
			if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Cause != nil {
				t.Error("one failure was logged twice")
			}
			a.change(func() { a.answer = nil })
			a.advanceClock(time.Minute)
			if _, err := authenticate(t, k, signToken(t, a.personClaims(nil))); err != nil {
				t.Errorf("after a minute: %v", err)
			}
		})
	}
}

// Known keys are used for a day of outage. An unknown key cannot be distinguished from a forged one meanwhile.
func TestAnOutageOfTheKeys(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	if _, err := authenticate(t, k, signToken(t, a.personClaims(nil))); err != nil {
		t.Fatal(err)
	}
	a.change(func() {
		a.answer = func(w http.ResponseWriter, _ []byte) { http.Error(w, "down", http.StatusBadGateway) }
	})
	for _, tt := range []struct {
		after  time.Duration
		kid    string
		status int
	}{
		{2 * time.Hour, "first", 0}, {0, "second", 503}, {21 * time.Hour, "first", 0}, {time.Hour, "first", 503},
	} {
		a.advanceClock(tt.after)
		_, err := authenticate(t, k, signTokenWith(t, serverKey(), tt.kid, a.personClaims(nil)))
		if authErr, _ := errors.AsType[*auth.Error](err); (tt.status != 0 || err != nil) && (authErr == nil || authErr.Status != tt.status) {
			t.Errorf("%v later, key %s: %v, want %d", tt.after, tt.kid, err, tt.status)
		}
	}
}

// A caller who disconnects stops waiting for the keys, and does not cancel the fetch for other callers.
func TestADisconnectedCallerDoesNotEndTheFetch(t *testing.T) {
	a := newAuthority(t)
	asked, hold, once := make(chan struct{}), make(chan struct{}), sync.Once{}
	a.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked); <-hold })
		a.ServeHTTP(w, r)
	})
	k, token := a.authenticator(t), signToken(t, a.personClaims(nil))
	ctx, leave := context.WithCancel(t.Context())
	admit := func(ctx context.Context) chan error {
		ended := make(chan error, 1)
		go func() {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, resource, nil)
			r.Header.Set("Authorization", "Bearer "+token)
			_, err := k.Authenticate(r, nil)
			ended <- err
		}()
		return ended
	}
	gone := admit(ctx)
	<-asked
	stays := admit(t.Context())
	leave()
	if err := <-gone; err == nil {
		t.Error("a disconnected caller was accepted")
	}
	close(hold)
	if err := <-stays; err != nil {
		t.Errorf("another caller: %v", err)
	}
	a.wantFetches(t, 1)
}

func TestServersEndTheirFetches(t *testing.T) {
	a := newAuthority(t)
	ctx, end := context.WithCancel(t.Context())
	k, err := auth.Entra(ctx, a.config())
	if err != nil {
		t.Fatal(err)
	}
	end()
	_, err = authenticate(t, k, signToken(t, a.personClaims(nil)))
	if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != 503 || !errors.Is(authErr.Cause, context.Canceled) {
		t.Errorf("%v, want 503", err)
	}
}
