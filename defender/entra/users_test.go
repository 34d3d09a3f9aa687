package entra_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

func TestUsersAreNeverMixedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(time.Second)
		o := f.onBehalfOf(t, nil)
		asks := []entra.TokenRequest{{}, {Fresh: true}, {Claims: `{"a":1}`}, {Fresh: true, Claims: `{"a":1}`}}
		var callers sync.WaitGroup
		for i := range 20 {
			for name := range userIDs {
				callers.Go(func() {
					for range 5 {
						got, err := f.exchange(t.Context(), o, name, asks[i%len(asks)])
						if err != nil || !strings.HasPrefix(got, name+"-") {
							t.Errorf("%s got %q, %v", name, got, err)
						}
					}
				})
			}
		}
		callers.Wait()
	})
}

func TestManyCallsOfOneUserShareAnExchange(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(time.Second)
		o := f.onBehalfOf(t, nil)
		var callers sync.WaitGroup
		for range 20 {
			for name := range userIDs {
				callers.Go(func() {
					if _, err := f.exchange(t.Context(), o, name, entra.TokenRequest{}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		callers.Wait()
		wantTokenRequests(t, f, 2)
	})
}

func TestSpecialRequestsShareNoPlainExchange(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(time.Second)
		o := f.onBehalfOf(t, nil)
		var callers sync.WaitGroup
		for _, ask := range []entra.TokenRequest{{}, {Fresh: true}, {Claims: `{"a":1}`}, {Claims: `{"a":2}`}, {Fresh: true, Claims: `{"a":2}`}} {
			callers.Go(func() {
				if _, err := f.exchange(t.Context(), o, "ada", ask); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		wantTokenRequests(t, f, 5)
	})
}

func TestAFreshTokenOfAUserStaysWhenAnEarlyRefreshFails(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.refreshEarly()
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		time.Sleep(31 * time.Minute)
		fresh := fault{Body: `{"token_type":"Bearer","expires_in":3599,"access_token":"` + tokenCanary + `fresh"}`}
		f.setLatency(time.Second)
		f.failNext(fresh, status(http.StatusServiceUnavailable))
		var callers sync.WaitGroup
		callers.Go(func() { f.wantExchange(t, o, "ada", entra.TokenRequest{Fresh: true}, "fresh") })
		time.Sleep(time.Second / 2)
		callers.Go(func() { f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1") })
		callers.Wait()
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "fresh")
	})
}

func TestACanceledUserAffectsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.setLatency(5 * time.Second)
		o := f.onBehalfOf(t, nil)
		first, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := f.exchange(first, o, "ada", entra.TokenRequest{}); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled caller got %v", err)
			}
		})
		synctest.Wait() // the first caller has started the shared exchange
		callers.Go(func() {
			if got, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{}); err != nil || got != "ada-1" {
				t.Errorf("Get = %q, %v", got, err)
			}
		})
		time.Sleep(time.Second)
		cancel()
		callers.Wait()
		if _, err := f.exchange(first, o, "ada", entra.TokenRequest{}); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who had left got %v", err)
		}
		wantTokenRequests(t, f, 1)
	})
}

func TestAUsersTokenIsRenewedAfterTheirOwnHasExpired(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.assertionLife = time.Hour
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		for hour := range 5 {
			time.Sleep(time.Hour)
			f.wantExchange(t, o, "ada", entra.TokenRequest{}, fmt.Sprintf("ada-%d", hour+2))
		}
		if got := f.TokenForms()[5].Get("grant_type"); got != "refresh_token" {
			t.Errorf("renewed by %s", got)
		}
		f.wantExchange(t, o, "ada", entra.TokenRequest{Fresh: true}, "ada-7")
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-7")
	})
}

func TestAUserWhoseSignInWasRevokedSignsInAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.assertionLife = time.Hour
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		f.Revoke(adaID)
		time.Sleep(time.Hour)
		_, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{})
		wantRefused(t, err, entra.Error{Code: "AADSTS500133", OAuth: "invalid_grant", Status: 400}, "the user's token has expired: sign in again")
		wantTokenRequests(t, f, 3)
		_, err = f.exchange(t.Context(), o, "ada", entra.TokenRequest{})
		wantRefused(t, err, entra.Error{Code: "AADSTS500133", OAuth: "invalid_grant", Status: 400}, "sign in again")
		wantTokenRequests(t, f, 4) // a refused renewal is not retried
	})
}

// The temporary failure of a renewal must not count as the end of the sign-in.
func TestAnOutageIsNotTheEndOfASignIn(t *testing.T) {
	busy := status(http.StatusServiceUnavailable)
	gone := refusal(http.StatusBadRequest, "invalid_grant", 500133)
	for name, c := range map[string]struct {
		answers []fault
		ok      bool
	}{
		"one":      {[]fault{busy, gone}, true},
		"two":      {[]fault{busy, gone, busy, gone}, true},
		"all":      {[]fault{busy, gone, busy, gone, busy, gone}, false},
		"wait":     {[]fault{throttled("3"), gone}, true},
		"too long": {[]fault{throttled("60"), gone}, false},
		"cut off":  {[]fault{{Cut: true, Body: "{"}, gone}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fakeTenant) {
				f.assertionLife = 90 * time.Minute
				o := f.onBehalfOf(t, nil)
				f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
				time.Sleep(time.Hour)
				f.failNext(c.answers...)
				_, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{})
				if (err == nil) != c.ok || err != nil && !asError(t, err).Temporary {
					t.Errorf("error %v, want success %v, or a passing failure", err, c.ok)
				}
				time.Sleep(time.Hour)
				// The assertion has expired meanwhile.
				if _, err := f.exchange(t.Context(), o, "ada", entra.TokenRequest{}); err != nil {
					t.Errorf("after the outage: %v", err)
				}
			})
		})
	}
}

func TestAUsersTokenOutlivesAnEarlyRefreshThatFails(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		f.refreshEarly()
		f.assertionLife = 30 * time.Minute
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		time.Sleep(31 * time.Minute) // the assertion has expired, and MSAL uses only that for an early refresh
		for range 5 {
			f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		}
		wantTokenRequests(t, f, 2)
	})
}

func TestARenewedSecretServesUsersToo(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		current := secret
		o := f.onBehalfOf(t, func(c *entra.Config) { c.ClientSecret = func() (string, error) { return current, nil } })
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		current = "canary~renewed"
		f.changeApp(func(a *entratest.App) { a.Secret = current })
		time.Sleep(time.Hour)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-4") // the renewal and the exchange before it had the old secret
	})
}

// A dropped user needs another exchange, so the number of exchanges shows how many are kept.
func TestNoMoreThanAThousandUsersAreKept(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		o := f.onBehalfOf(t, func(c *entra.Config) { c.NoInstanceDiscovery = true })
		for i := range 1000 {
			if _, err := f.exchange(t.Context(), o, fmt.Sprintf("bob-%d", i), entra.TokenRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		f.wantExchange(t, o, "bob-0", entra.TokenRequest{}, "bob-1")
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1001")
		f.wantExchange(t, o, "bob-0", entra.TokenRequest{}, "bob-1")    // used recently
		f.wantExchange(t, o, "bob-2", entra.TokenRequest{}, "bob-3")    // the second oldest
		f.wantExchange(t, o, "bob-1", entra.TokenRequest{}, "bob-1002") // the oldest, dropped
		wantTokenRequests(t, f, 1002)
	})
}

func TestAUserIsForgottenAfterHalfADay(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		o := f.onBehalfOf(t, nil)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-1")
		time.Sleep(12 * time.Hour)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-2")
		time.Sleep(12*time.Hour + time.Second)
		f.wantExchange(t, o, "ada", entra.TokenRequest{}, "ada-3")
		var grants []string
		for _, form := range f.TokenForms() {
			grants = append(grants, form.Get("grant_type"))
		}
		if grants[1] != "refresh_token" || grants[2] == "refresh_token" {
			t.Errorf("grants %v, want a renewal and then an exchange", grants)
		}
	})
}
