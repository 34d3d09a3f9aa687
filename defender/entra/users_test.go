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
)

func TestUsersAreNeverMixedUp(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		p.set(func(f *fakeEntra) { f.latency = time.Second })
		o := p.onBehalfOf(t, nil)
		asks := []entra.TokenRequest{{}, {Fresh: true}, {Claims: `{"a":1}`}, {Fresh: true, Claims: `{"a":1}`}}
		var callers sync.WaitGroup
		for i := range 20 {
			for name := range oids {
				callers.Go(func() {
					for range 5 {
						got, err := exchange(t.Context(), o, name, asks[i%len(asks)])
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
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		p.set(func(f *fakeEntra) { f.latency = time.Second })
		o := p.onBehalfOf(t, nil)
		var callers sync.WaitGroup
		for range 20 {
			for name := range oids {
				callers.Go(func() {
					if _, err := exchange(t.Context(), o, name, entra.TokenRequest{}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		callers.Wait()
		wantSignIns(t, p.fakeEntra, 2)
	})
}

func TestWhoAsksForMoreSharesNoPlainExchange(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		p.set(func(f *fakeEntra) { f.latency = time.Second })
		o := p.onBehalfOf(t, nil)
		var callers sync.WaitGroup
		for _, ask := range []entra.TokenRequest{{}, {Fresh: true}, {Claims: `{"a":1}`}, {Claims: `{"a":2}`}, {Fresh: true, Claims: `{"a":2}`}} {
			callers.Go(func() {
				if _, err := exchange(t.Context(), o, "ada", ask); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		wantSignIns(t, p.fakeEntra, 5)
	})
}

func TestAFreshTokenOfAUserStaysWhenAnEarlyRefreshFails(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		p.set(func(f *fakeEntra) { f.refreshIn = 1800 })
		o := p.onBehalfOf(t, nil)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		time.Sleep(31 * time.Minute)
		fresh := answer{body: `{"token_type":"Bearer","expires_in":3599,"access_token":"` + tokenCanary + `fresh"}`}
		p.set(func(f *fakeEntra) {
			f.latency, f.next = time.Second, []answer{fresh, {status: http.StatusServiceUnavailable}}
		})
		var callers sync.WaitGroup
		callers.Go(func() { wantTraded(t, o, "ada", entra.TokenRequest{Fresh: true}, "fresh") })
		time.Sleep(time.Second / 2)
		callers.Go(func() { wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1") })
		callers.Wait()
		wantTraded(t, o, "ada", entra.TokenRequest{}, "fresh")
	})
}

func TestACancelledUserHarmsNobody(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		p.set(func(f *fakeEntra) { f.latency = 5 * time.Second })
		o := p.onBehalfOf(t, nil)
		first, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := exchange(first, o, "ada", entra.TokenRequest{}); !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled caller got %v", err)
			}
		})
		synctest.Wait() // the exchange that both share is the first caller's
		callers.Go(func() {
			if got, err := exchange(t.Context(), o, "ada", entra.TokenRequest{}); err != nil || got != "ada-1" {
				t.Errorf("Get = %q, %v", got, err)
			}
		})
		time.Sleep(time.Second)
		cancel()
		callers.Wait()
		if _, err := exchange(first, o, "ada", entra.TokenRequest{}); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who had left got %v", err)
		}
		wantSignIns(t, p.fakeEntra, 1)
	})
}

func TestAUsersTokenIsRenewedAfterTheirOwnHasExpired(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		o := p.onBehalfOf(t, nil)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		p.expire(assertionCanary + "ada")
		for hour := range 5 {
			time.Sleep(time.Hour)
			wantTraded(t, o, "ada", entra.TokenRequest{}, fmt.Sprintf("ada-%d", hour+2))
		}
		if got := p.signIns()[5].Get("grant_type"); got != "refresh_token" {
			t.Errorf("renewed by %s", got)
		}
		wantTraded(t, o, "ada", entra.TokenRequest{Fresh: true}, "ada-7")
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-7")
	})
}

func TestAUserWhoseSignInWasRevokedSignsInAgain(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		o := p.onBehalfOf(t, nil)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		p.expire(assertionCanary + "ada")
		p.expire("canary-refresh-of-ada-1")
		time.Sleep(time.Hour)
		_, err := exchange(t.Context(), o, "ada", entra.TokenRequest{})
		wantRefused(t, err, entra.Error{Code: "AADSTS500133", OAuth: "invalid_grant", Status: 400}, "the user's token has expired: sign in again")
		wantSignIns(t, p.fakeEntra, 3)
		_, err = exchange(t.Context(), o, "ada", entra.TokenRequest{})
		wantRefused(t, err, entra.Error{Code: "AADSTS500133", OAuth: "invalid_grant", Status: 400}, "sign in again")
		wantSignIns(t, p.fakeEntra, 4) // what cannot be renewed is not tried again
	})
}

// The failure of a renewal that would pass must not be taken for the end of the sign-in.
func TestAnOutageIsNotTheEndOfASignIn(t *testing.T) {
	busy := answer{status: http.StatusServiceUnavailable}
	gone := errorResponse(http.StatusBadRequest, "invalid_grant", 500133)
	for name, c := range map[string]struct {
		answers []answer
		ok      bool
	}{
		"one":      {[]answer{busy, gone}, true},
		"two":      {[]answer{busy, gone, busy, gone}, true},
		"all":      {[]answer{busy, gone, busy, gone, busy, gone}, false},
		"told":     {[]answer{{status: 429, retryAfter: "3"}, gone}, true},
		"too long": {[]answer{{status: 429, retryAfter: "60"}, gone}, false},
		"cut off":  {[]answer{{breaks: true, body: "{"}, gone}, true},
	} {
		t.Run(name, func(t *testing.T) {
			amongPeople(t, func(t *testing.T, p *fakePeople) {
				o := p.onBehalfOf(t, nil)
				wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
				time.Sleep(time.Hour)
				p.answerNext(c.answers...)
				_, err := exchange(t.Context(), o, "ada", entra.TokenRequest{})
				if (err == nil) != c.ok || err != nil && !asRefusal(t, err).Temporary {
					t.Errorf("error %v, want success %v, or a passing failure", err, c.ok)
				}
				time.Sleep(time.Hour)
				p.expire(assertionCanary + "ada")
				if _, err := exchange(t.Context(), o, "ada", entra.TokenRequest{}); err != nil {
					t.Errorf("after the outage: %v", err)
				}
			})
		})
	}
}

func TestAUsersTokenOutlivesAnEarlyRefreshThatFails(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		p.set(func(f *fakeEntra) { f.refreshIn = 1800 })
		o := p.onBehalfOf(t, nil)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		p.expire(assertionCanary + "ada") // MSAL refreshes early by the user's own token alone
		time.Sleep(31 * time.Minute)
		for range 5 {
			wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		}
		wantSignIns(t, p.fakeEntra, 2)
	})
}

func TestARenewedSecretServesUsersToo(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		current := secret
		o := p.onBehalfOf(t, func(c *entra.Config) { c.ClientSecret = func() (string, error) { return current, nil } })
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		current = "canary~renewed"
		p.set(func(f *fakeEntra) { f.secret = current })
		time.Sleep(time.Hour)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-4") // the renewal and the exchange before it had the old secret
	})
}

// Whoever is dropped is exchanged anew: so the number of exchanges tells how many are kept.
func TestNoMoreThanAThousandUsersAreKept(t *testing.T) {
	t.Parallel()
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		o := p.onBehalfOf(t, func(c *entra.Config) { c.NoInstanceDiscovery = true })
		for i := range 1000 {
			if _, err := exchange(t.Context(), o, fmt.Sprintf("bob-%d", i), entra.TokenRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		wantTraded(t, o, "bob-0", entra.TokenRequest{}, "bob-1")
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1001")
		wantTraded(t, o, "bob-0", entra.TokenRequest{}, "bob-1")    // seen of late
		wantTraded(t, o, "bob-2", entra.TokenRequest{}, "bob-3")    // the oldest but one
		wantTraded(t, o, "bob-1", entra.TokenRequest{}, "bob-1002") // the oldest, and dropped
		wantSignIns(t, p.fakeEntra, 1002)
	})
}

func TestAUserIsForgottenAfterHalfADay(t *testing.T) {
	amongPeople(t, func(t *testing.T, p *fakePeople) {
		o := p.onBehalfOf(t, nil)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-1")
		time.Sleep(12 * time.Hour)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-2")
		time.Sleep(12*time.Hour + time.Second)
		wantTraded(t, o, "ada", entra.TokenRequest{}, "ada-3")
		var grants []string
		for _, form := range p.signIns() {
			grants = append(grants, form.Get("grant_type"))
		}
		if grants[1] != "refresh_token" || grants[2] == "refresh_token" {
			t.Errorf("grants %v, want a renewal and then an exchange", grants)
		}
	})
}
