package entra_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

func TestNewMakesNoCall(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.source(t, nil)
		synctest.Wait()
		if n := f.Count(""); n != 0 {
			t.Fatalf("New made %d requests", n)
		}
	})
}

func TestTokenIsCachedUntilItExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(50 * time.Minute)
		wantToken(t, s, false, "1")
		time.Sleep(5 * time.Minute) // MSAL drops a token five minutes early
		wantToken(t, s, false, "2")
		wantTokenRequests(t, f, 2)
		if n := f.Count("openid-configuration"); n != 1 {
			t.Errorf("%d discoveries, want 1", n)
		}
	})
}

func TestTokenIsRefreshedWhenEntraAsksForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.refreshEarly()
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(29 * time.Minute)
		wantToken(t, s, false, "1")
		time.Sleep(time.Minute + time.Second)
		wantToken(t, s, false, "2")
	})
}

func TestAGoodTokenOutlivesAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.refreshEarly()
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		time.Sleep(31 * time.Minute)
		f.hang()
		wantToken(t, s, false, "1")
		start := time.Now()
		wantToken(t, s, false, "1")
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v again for a refresh that had just failed", took)
		}
		f.ClearFaults()
		time.Sleep(time.Minute)
		wantToken(t, s, false, "3")
		wantTokenRequests(t, f, 3)
	})
}

func TestShortTokenIsNotKept(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setExpiresIn(302 * time.Second)
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		wantToken(t, s, false, "1")
		time.Sleep(3 * time.Second)
		wantToken(t, s, false, "2")
	})
}

func TestManyCallersShareOneSignIn(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			f.setLatency(time.Second)
			s := f.source(t, nil)
			var callers sync.WaitGroup
			for range 20 {
				callers.Go(func() {
					if got, err := getText(t.Context(), s, fresh); err != nil || got != tokenCanary+"1" {
						t.Errorf("Get = %q, %v", got, err)
					}
				})
			}
			callers.Wait()
			wantTokenRequests(t, f, 1)
		})
	}
}

func TestACanceledCallerAffectsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(5 * time.Second)
		f.failNext(status(http.StatusServiceUnavailable))
		s := f.source(t, nil)
		start := time.Now()
		first, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			_, err := getText(first, s, false)
			if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("the cancelled caller got %v after %v", err, time.Since(start))
			}
		})
		synctest.Wait() // the first caller has started the shared sign-in
		for range 19 {
			callers.Go(func() {
				if got, err := getText(t.Context(), s, false); err != nil || got != tokenCanary+"2" {
					t.Errorf("Get = %q, %v", got, err)
				}
			})
		}
		time.Sleep(time.Second)
		cancel()
		callers.Wait()
		wantTokenRequests(t, f, 2)
	})
}

func TestACallersOwnDeadlineStaysVisible(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.hang()
		s := f.source(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := getText(ctx, s, false)
		var refused *entra.Error
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &refused) {
			t.Errorf("Get = %v, want the caller's own deadline", err)
		}
	})
}

func TestNoSignInForACallerThatHasLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := getText(ctx, f.source(t, nil), false); !errors.Is(err, context.Canceled) {
			t.Errorf("Get = %v, want the caller's own end", err)
		}
		time.Sleep(time.Minute)
		wantTokenRequests(t, f, 0)
	})
}

func TestFreshTokenIsNotSharedWithPlainCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(time.Second)
		s := f.source(t, nil)
		var callers sync.WaitGroup
		for _, fresh := range []bool{false, true} {
			callers.Go(func() {
				if _, err := getText(t.Context(), s, fresh); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		wantTokenRequests(t, f, 2)
	})
}

func TestFreshTokenTakesTheCachedOnesPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		wantToken(t, s, true, "2")
		wantToken(t, s, false, "2")
		wantTokenRequests(t, f, 2)
	})
}

func TestFreshTokenStaysWhenAnEarlyRefreshFails(t *testing.T) {
	busy := status(http.StatusServiceUnavailable)
	granted := fault{Body: `{"token_type":"Bearer","expires_in":3599,"access_token":"` + tokenCanary + `fresh"}`}
	for freshFirst, answers := range map[bool][]fault{true: {granted, busy}, false: {busy, granted}} {
		inBubble(t, func(t *testing.T, f *fakeTenant) {
			f.refreshEarly()
			s := f.source(t, nil)
			wantToken(t, s, false, "1")
			time.Sleep(31 * time.Minute)
			f.setLatency(time.Second)
			f.failNext(answers...)
			var callers sync.WaitGroup
			callers.Go(func() { _, _ = getText(t.Context(), s, freshFirst) })
			time.Sleep(time.Second / 2)
			callers.Go(func() { _, _ = getText(t.Context(), s, !freshFirst) })
			callers.Wait()
			wantToken(t, s, false, "fresh")
			wantTokenRequests(t, f, 3)
		})
	}
}

func TestARefusedFreshTokenLeavesTheCachedOne(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, nil)
		wantToken(t, s, false, "1")
		f.failNext(refusal(http.StatusUnauthorized, "invalid_client", 7000222))
		if _, err := getText(t.Context(), s, true); err == nil {
			t.Fatal("a refused sign-in gave a token")
		}
		wantToken(t, s, false, "1")
		wantTokenRequests(t, f, 2)
	})
}

func TestARenewedSecretIsPickedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		current := secret
		s := f.source(t, func(c *entra.Config) {
			c.ClientSecret = func() (string, error) { return current, nil }
		})
		wantToken(t, s, false, "1")
		current = "canary~renewed"
		f.changeApp(func(a *entratest.App) { a.Secret = current })
		time.Sleep(time.Hour)
		wantToken(t, s, false, "3") // the second request still had the old secret
		wantToken(t, s, false, "3")
	})
}

func TestPrivateAuthorityIsNotLookedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		s := f.source(t, func(c *entra.Config) {
			c.Authority, c.NoInstanceDiscovery = "https://login.private.example/", true
		})
		wantToken(t, s, false, "1")
		if n := f.Count("/instance"); n != 0 {
			t.Errorf("%d look-ups of a private authority", n)
		}
	})
}

func TestEnvironmentDoesNotRedirectTheSignIn(t *testing.T) {
	t.Setenv("MSAL_FORCE_REGION", "westeurope")
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		wantToken(t, f.source(t, nil), false, "1")
	})
}
