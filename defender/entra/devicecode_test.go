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

const codePage = "https://microsoft.com/devicelogin"

// instruction returns what the user is shown for the nth device code.
func instruction(n int) string {
	return fmt.Sprintf("open %s in a browser and enter the code C%08d", codePage, n)
}

func prompted(n int) string { return "To sign in to Entra ID, " + instruction(n) + "." }

func TestADeviceCodeSignsAUserIn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.AutoApprove("")
		s := f.userSource(t, &shown, nil)
		time.AfterFunc(20*time.Second, func() { f.AutoApprove(adaID) })
		token, err := s.Get(t.Context(), entra.TokenRequest{})
		if err != nil || !strings.HasPrefix(token.Text, tokenCanary) {
			t.Fatalf("Get = %v, %v", token, err)
		}
		if left := time.Until(token.Expires); left < 59*time.Minute || left > time.Hour {
			t.Errorf("the token ends in %v", left)
		}
		shown.want(t, prompted(1))
		n := len(f.TokenForms())
		wantToken(t, s, false, strings.TrimPrefix(token.Text, tokenCanary))
		wantTokenRequests(t, f, n)

		time.Sleep(time.Hour) // the user is not asked again
		if again, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil || again.Text == token.Text {
			t.Errorf("after an hour: %v, %v", again, err)
		}
		if form := f.TokenForms()[n]; form.Get("grant_type") != "refresh_token" || form.Has("client_secret") {
			t.Errorf("renewed with %v", form)
		}
		shown.want(t, prompted(1))
		synctest.Wait()
		wantNoSecrets(t, s)
	})
}

func TestTheWaitForAUserIsLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.AutoApprove("")
		s := f.userSource(t, &shown, nil)
		for range 2 {
			start := time.Now()
			problem := wantSignInError(t, s, entra.Error{OAuth: "authorization_pending", Temporary: true})
			if want := "Entra ID waits for a person to sign in: " + instruction(1) + ", then call again"; problem.Error() != want {
				t.Errorf("got  %s\nwant %s", problem, want)
			}
			if took := time.Since(start); took != 50*time.Second {
				t.Errorf("waited %v, want 50s", took)
			}
		}
		f.AutoApprove(adaID)
		if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Error(err)
		}
		if n := f.Count("/devicecode"); n != 1 {
			t.Errorf("%d codes for one sign-in", n)
		}
		shown.want(t, prompted(1), prompted(1), prompted(1))
	})
}

func TestTheWaitCanBeConfigured(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.AutoApprove("")
		s := f.userSource(t, &shown, func(c *entra.Config) { c.SignInWait = 3 * time.Second })
		start := time.Now()
		wantSignInError(t, s, entra.Error{OAuth: "authorization_pending", Temporary: true})
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("waited %v, want 3s", took)
		}
	})
}

func TestOneSignInServesAllCallersAndScopes(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.AutoApprove("")
		s := f.userSource(t, &shown, nil)
		secrets := s.For(vault)
		leaver, leave := context.WithCancel(t.Context())
		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := s.Get(leaver, entra.TokenRequest{}); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("who left got %v after %v", err, time.Since(start))
			}
		})
		synctest.Wait() // the caller that will leave has started the sign-in
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
		f.AutoApprove(adaID)
		callers.Wait()
		different := map[string]bool{}
		for range 20 {
			different[<-texts] = true
		}
		if len(different) != 2 || f.Count("/devicecode") != 1 {
			t.Errorf("%d tokens and %d codes for two scopes", len(different), f.Count("/devicecode"))
		}
		forms := f.TokenForms()
		if last := forms[len(forms)-1]; last.Get("grant_type") != "refresh_token" || !strings.HasPrefix(last.Get("scope"), vault) {
			t.Errorf("the second scope came by %v", last)
		}
	})
}

func TestCloseEndsASignIn(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.AutoApprove("")
		s := f.userSource(t, &shown, nil)
		time.AfterFunc(10*time.Second, s.For(vault).Close)
		start := time.Now()
		wantHint(t, wantSignInError(t, s, entra.Error{}), "the program is ending")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("ended after %v", took)
		}
		wantHint(t, wantSignInError(t, s, entra.Error{}), "the program is ending")
		if n := f.Count("/devicecode"); n != 1 {
			t.Errorf("%d codes", n)
		}
	})
}

func TestAValidTokenOfASignedInUserOutlivesAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.refreshEarly()
		s := f.userSource(t, &shown, nil)
		wantToken(t, s, false, "1")
		time.Sleep(31 * time.Minute)
		f.failNext(status(http.StatusServiceUnavailable))
		wantToken(t, s, false, "1")
		time.Sleep(2 * time.Minute)
		wantToken(t, s, false, "3")
	})
}

func TestARevokedSignInIsAskedForAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		s := f.userSource(t, &shown, nil)
		wantToken(t, s, false, "1")
		f.Revoke(adaID)
		time.Sleep(time.Hour)
		wantToken(t, s, false, "3") // after the refusal
		shown.want(t, prompted(1), prompted(2))
	})
}

func TestAFreshTokenOfASignedInUserIsRenewed(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		s := f.userSource(t, &shown, nil)
		wantToken(t, s, true, "1") // the sign-in itself brings a fresh token
		wantToken(t, s, true, "2")
		wantToken(t, s, false, "2")
		shown.want(t, prompted(1))
	})
}

func TestAChallengeThatNeedsTheUser(t *testing.T) {
	const challenge = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		s := f.userSource(t, &shown, nil)
		wantToken(t, s, false, "1")
		f.failNext(refusal(400, "interaction_required", 50076))
		token, err := s.Get(t.Context(), entra.TokenRequest{Claims: challenge})
		if err != nil || token.Text != tokenCanary+"3" {
			t.Fatalf("Get = %v, %v", token, err)
		}
		shown.want(t, prompted(1), prompted(2))
		for _, form := range f.TokenForms()[1:] {
			if claims := form.Get("claims"); !strings.Contains(claims, `"acrs"`) || !strings.Contains(claims, "CP1") {
				t.Errorf("%s with the claims %s", form.Get("grant_type"), claims)
			}
		}
		wantToken(t, s, false, "3")
		wantTokenRequests(t, f, 3)
	})
}

// A caller with a claims challenge does not get the token that another caller's sign-in brings.
func TestAJoinedSignInAnswersNoOthersChallenge(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fakeTenant) {
		var shown prompts
		f.AutoApprove("")
		s := f.userSource(t, &shown, nil)
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
		f.AutoApprove(adaID)
		callers.Wait()
		forms := f.TokenForms()
		if last := forms[len(forms)-1]; last.Get("grant_type") != "refresh_token" || !strings.Contains(last.Get("claims"), "acrs") {
			t.Errorf("the challenge was answered by %v", last)
		}
	})
}
