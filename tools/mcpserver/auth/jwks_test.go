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

// flood sends a thousand forged tokens, each with a key of its own name, and wants each answered with status.
func flood(t *testing.T, a *authority, k auth.Authenticator, status int) {
	t.Helper()
	_, rest, _ := strings.Cut(signedBy(t, theirs(), "forged", a.person(nil)), ".")
	var all sync.WaitGroup
	for i := range 1000 {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","typ":"JWT","kid":"forged %d"}`, i))
		all.Go(func() {
			_, err := knock(t, k, header+"."+rest)
			if denial, ok := errors.AsType[*auth.Error](err); !ok || denial.Status != status {
				t.Errorf("%v, want %d", err, status)
			}
		})
	}
	all.Wait()
}

func (a *authority) wantFetches(t *testing.T, want int) {
	t.Helper()
	if got := a.fetched(); got != want {
		t.Errorf("the keys were fetched %d times, want %d", got, want)
	}
}

func TestForgedTokensFetchKeysOnceAMinute(t *testing.T) {
	a := newAuthority(t)
	k := a.keeper(t)
	flood(t, a, k, 401)
	a.wantFetches(t, 1)
	a.pass(59 * time.Second)
	flood(t, a, k, 401)
	a.wantFetches(t, 1)
	a.pass(time.Second)
	flood(t, a, k, 401)
	a.wantFetches(t, 2)
	if _, err := knock(t, k, signed(t, a.person(nil))); err != nil {
		t.Errorf("a true token after the flood: %v", err)
	}
	a.wantFetches(t, 2)
}

func TestKeysRotate(t *testing.T) {
	a := newAuthority(t)
	k := a.keeper(t)
	before := func() string { return signed(t, a.person(nil)) }
	after := func() string { return signedBy(t, theirs(), "second", a.person(nil)) }
	admits := func(token string, want bool) {
		t.Helper()
		if _, err := knock(t, k, token); (err == nil) != want {
			t.Errorf("let in: %v, want %v (%v)", err == nil, want, err)
		}
	}
	admits(before(), true)
	a.alter(func() { a.keys["second"] = theirs() })
	admits(after(), false) // the keys are not a minute old
	a.pass(time.Minute)
	admits(after(), true)
	a.wantFetches(t, 2)

	a.alter(func() { a.keys = map[string]*rsa.PrivateKey{"second": theirs()} })
	a.pass(59 * time.Minute)
	admits(before(), true) // nobody has told us yet
	a.wantFetches(t, 2)
	a.pass(time.Minute)
	admits(after(), true) // an hour has passed: the keys are looked at again, though this one is known
	a.wantFetches(t, 3)
	admits(before(), false) // and the withdrawn one is gone
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
			a.alter(func() { a.answer = answer })
			k := a.keeper(t)
			_, err := knock(t, k, signed(t, a.person(nil)))
			denial, ok := errors.AsType[*auth.Error](err)
			if !ok || denial.Status != 503 || denial.Challenge != "" || denial.Cause == nil {
				t.Fatalf("%+v, want 503 with a cause", err)
			}
			flood(t, a, k, 503)
			a.wantFetches(t, 1)
			_, err = knock(t, k, signed(t, a.person(nil)))
			if denial, ok := errors.AsType[*auth.Error](err); !ok || denial.Cause != nil {
				t.Error("one failure is told to the log twice")
			}
			a.alter(func() { a.answer = nil })
			a.pass(time.Minute)
			if _, err := knock(t, k, signed(t, a.person(nil))); err != nil {
				t.Errorf("after a minute: %v", err)
			}
		})
	}
}

// Known keys outlive an outage for a day; an unknown one cannot be told from a forged one meanwhile.
func TestAnOutageOfTheKeys(t *testing.T) {
	a := newAuthority(t)
	k := a.keeper(t)
	if _, err := knock(t, k, signed(t, a.person(nil))); err != nil {
		t.Fatal(err)
	}
	a.alter(func() {
		a.answer = func(w http.ResponseWriter, _ []byte) { http.Error(w, "down", http.StatusBadGateway) }
	})
	for _, tt := range []struct {
		after  time.Duration
		kid    string
		status int
	}{
		{2 * time.Hour, "first", 0}, {0, "second", 503}, {21 * time.Hour, "first", 0}, {time.Hour, "first", 503},
	} {
		a.pass(tt.after)
		_, err := knock(t, k, signedBy(t, ours(), tt.kid, a.person(nil)))
		if denial, _ := errors.AsType[*auth.Error](err); (tt.status != 0 || err != nil) && (denial == nil || denial.Status != tt.status) {
			t.Errorf("%v later, key %s: %v, want %d", tt.after, tt.kid, err, tt.status)
		}
	}
}

// A caller who goes away does not wait for the keys, and does not take them from those who stay.
func TestACallerWhoLeavesDoesNotEndTheFetch(t *testing.T) {
	a := newAuthority(t)
	asked, hold, once := make(chan struct{}), make(chan struct{}), sync.Once{}
	a.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked); <-hold })
		a.ServeHTTP(w, r)
	})
	k, token := a.keeper(t), signed(t, a.person(nil))
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
		t.Error("a caller who left was let in")
	}
	close(hold)
	if err := <-stays; err != nil {
		t.Errorf("a caller who stayed: %v", err)
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
	_, err = knock(t, k, signed(t, a.person(nil)))
	if denial, ok := errors.AsType[*auth.Error](err); !ok || denial.Status != 503 || !errors.Is(denial.Cause, context.Canceled) {
		t.Errorf("%v, want 503", err)
	}
}
