package entra_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/entra"
)

const (
	codeInstruction = "open " + codePage + " in a browser and enter the code " + userCode
	prompted        = "To sign in to Entra ID, " + codeInstruction + "."
	waiting         = "Entra ID waits for a person to sign in: " + codeInstruction + ", then call again"
	vault           = "https://vault.azure.net/.default"
)

func TestADeviceCodeSignsAPersonIn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.guest.slow = true })
		s := f.people(t, &told, nil)
		time.AfterFunc(20*time.Second, func() { f.set(func(f *fakeEntra) { f.guest.slow = false }) })
		token, err := s.Get(t.Context(), entra.TokenRequest{})
		if err != nil || !strings.HasPrefix(token.Text, tokenCanary) {
			t.Fatalf("Get = %v, %v", token, err)
		}
		if left := time.Until(token.Expires); left < 59*time.Minute || left > time.Hour {
			t.Errorf("the token ends in %v", left)
		}
		told.want(t, prompted)
		n := len(f.signIns())
		wantToken(t, s, false, strings.TrimPrefix(token.Text, tokenCanary))
		wantSignIns(t, f, n)

		time.Sleep(time.Hour) // the person is not asked again
		if again, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil || again.Text == token.Text {
			t.Errorf("after an hour: %v, %v", again, err)
		}
		if form := f.signIns()[n]; form.Get("grant_type") != "refresh_token" || form.Has("client_secret") {
			t.Errorf("renewed with %v", form)
		}
		told.want(t, prompted)
		synctest.Wait()
		wantClean(t, s)
	})
}

func TestAPersonIsWaitedForALimitedTime(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.guest.slow = true })
		s := f.people(t, &told, nil)
		for range 2 {
			start := time.Now()
			problem := wantError(t, s, entra.Error{OAuth: "authorization_pending", Temporary: true})
			if problem.Error() != waiting {
				t.Errorf("got  %s\nwant %s", problem, waiting)
			}
			if took := time.Since(start); took != 50*time.Second {
				t.Errorf("waited %v, want 50s", took)
			}
		}
		f.set(func(f *fakeEntra) { f.guest.slow = false })
		if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Error(err)
		}
		if n := f.requests("/devicecode"); n != 1 {
			t.Errorf("%d codes for one sign-in", n)
		}
		told.want(t, prompted, prompted, prompted)
	})
}

func TestPatienceCanBeSet(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.guest.slow = true })
		s := f.people(t, &told, func(c *entra.Config) { c.SignInWait = 3 * time.Second })
		start := time.Now()
		wantError(t, s, entra.Error{OAuth: "authorization_pending", Temporary: true})
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("waited %v, want 3s", took)
		}
	})
}

func TestOneSignInServesAllCallersAndScopes(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.guest.slow = true })
		s := f.people(t, &told, nil)
		secrets := s.For(vault)
		leaver, leave := context.WithCancel(t.Context())
		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := s.Get(leaver, entra.TokenRequest{}); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("who left got %v after %v", err, time.Since(start))
			}
		})
		synctest.Wait() // the sign-in is begun by who will leave
		texts := make(chan string, 20)
		for i := range 20 {
			source := s
			if i%2 == 1 {
				source = secrets
			}
			callers.Go(func() {
				token, err := source.Get(t.Context(), entra.TokenRequest{})
				if err != nil {
					t.Error(err)
				}
				texts <- token.Text
			})
		}
		time.Sleep(time.Second)
		leave()
		time.Sleep(10 * time.Second)
		f.set(func(f *fakeEntra) { f.guest.slow = false })
		callers.Wait()
		different := map[string]bool{}
		for range 20 {
			different[<-texts] = true
		}
		if len(different) != 2 || f.requests("/devicecode") != 1 {
			t.Errorf("%d tokens and %d codes for two scopes", len(different), f.requests("/devicecode"))
		}
		forms := f.signIns()
		if last := forms[len(forms)-1]; last.Get("grant_type") != "refresh_token" || !strings.HasPrefix(last.Get("scope"), vault) {
			t.Errorf("the second scope came by %v", last)
		}
	})
}

func TestCloseEndsASignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.guest.slow = true })
		s := f.people(t, &told, nil)
		time.AfterFunc(10*time.Second, s.For(vault).Close)
		start := time.Now()
		wantHint(t, wantError(t, s, entra.Error{}), "the program is ending")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("ended after %v", took)
		}
		wantHint(t, wantError(t, s, entra.Error{}), "the program is ending")
		if n := f.requests("/devicecode"); n != 1 {
			t.Errorf("%d codes", n)
		}
	})
}

func TestAGoodTokenOfAPersonOutlivesAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.refreshIn = 1800 })
		s := f.people(t, &told, nil)
		wantToken(t, s, false, "1")
		time.Sleep(31 * time.Minute)
		f.answerNext(answer{status: http.StatusServiceUnavailable})
		wantToken(t, s, false, "1")
		time.Sleep(2 * time.Minute)
		wantToken(t, s, false, "3")
	})
}

func TestARevokedSignInIsAskedForAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		s := f.people(t, &told, nil)
		wantToken(t, s, false, "1")
		f.set(func(f *fakeEntra) { f.guest.revoked = true })
		time.Sleep(time.Hour)
		wantToken(t, s, false, "3") // after the refusal
		told.want(t, prompted, prompted)
	})
}

func TestAFreshTokenOfAPersonIsRenewed(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		s := f.people(t, &told, nil)
		wantToken(t, s, true, "1") // the sign-in itself is fresh
		wantToken(t, s, true, "2")
		wantToken(t, s, false, "2")
		told.want(t, prompted)
	})
}

func TestAChallengeThatNeedsThePerson(t *testing.T) {
	const challenge = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		s := f.people(t, &told, nil)
		wantToken(t, s, false, "1")
		f.answerNext(errorResponse(400, "interaction_required", 50076))
		token, err := s.Get(t.Context(), entra.TokenRequest{Claims: challenge})
		if err != nil || token.Text != tokenCanary+"3" {
			t.Fatalf("Get = %v, %v", token, err)
		}
		told.want(t, prompted, prompted)
		for _, form := range f.signIns()[1:] {
			if claims := form.Get("claims"); !strings.Contains(claims, `"acrs"`) || !strings.Contains(claims, "CP1") {
				t.Errorf("%s with the claims %s", form.Get("grant_type"), claims)
			}
		}
		wantToken(t, s, false, "3")
		wantSignIns(t, f, 3)
	})
}

// A caller with a challenge of their own is not served with what somebody else's sign-in happens to bring.
func TestAJoinedSignInAnswersNoOthersChallenge(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeEntra) {
		var told prompts
		f.set(func(f *fakeEntra) { f.guest.slow = true })
		s := f.people(t, &told, nil)
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		callers.Go(func() {
			if _, err := s.Get(t.Context(), entra.TokenRequest{Claims: `{"access_token":{"acrs":{"value":"c1"}}}`}); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		f.set(func(f *fakeEntra) { f.guest.slow = false })
		callers.Wait()
		forms := f.signIns()
		if last := forms[len(forms)-1]; last.Get("grant_type") != "refresh_token" || !strings.Contains(last.Get("claims"), "acrs") {
			t.Errorf("the challenge was answered by %v", last)
		}
	})
}
