package entra_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"scanwarden/defender/entra"
)

func TestEmulatedApplication(t *testing.T) {
	e := emulate(t, appRegistration())
	s, err := entra.New(e.config())
	if err != nil {
		t.Fatal(err)
	}
	first := emulatedToken(t, s, entra.TokenRequest{})
	if again := emulatedToken(t, s, entra.TokenRequest{}); again != first {
		t.Errorf("the token was not cached: %q, then %q", first, again)
	}
	if fresh := emulatedToken(t, s, entra.TokenRequest{Fresh: true}); fresh == first {
		t.Errorf("the fresh token is the old one, %q", fresh)
	}
	answered := emulatedToken(t, s, entra.TokenRequest{Fresh: true, Claims: `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`})
	if now := emulatedToken(t, s, entra.TokenRequest{}); now != answered {
		t.Errorf("the token that answered the challenge was not kept: %q, then %q", answered, now)
	}
}

func emulatedToken(t *testing.T, s *entra.Source, ask entra.TokenRequest) string {
	t.Helper()
	token, err := s.Get(t.Context(), ask)
	if err != nil || !strings.HasPrefix(token.Text, "microsoft_") {
		t.Fatalf("Get(%+v) = %q, %v", ask, token.Text, err)
	}
	return token.Text
}

func TestEmulatedApplicationWithAWrongSecret(t *testing.T) {
	e := emulate(t, appRegistration())
	cfg := e.config()
	cfg.ClientSecret = func() (string, error) { return "canary~wrong", nil }
	s, err := entra.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Get(t.Context(), entra.TokenRequest{})
	wantRefused(t, err, entra.Error{OAuth: "invalid_client", Status: 401}, "the credential") // the emulator sends no AADSTS codes
}

// The emulator does not support the grant.
func TestEmulatedOnBehalfOf(t *testing.T) {
	e := emulate(t, appRegistration())
	o, err := entra.NewOnBehalfOf(e.config())
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Get(t.Context(), "canary-assertion", entra.TokenRequest{})
	wantRefused(t, err, entra.Error{OAuth: "unsupported_grant_type", Status: 400}, "check AZURE_TENANT_ID")
}

func TestEmulatedWeb(t *testing.T) {
	e := emulate(t, appRegistration())
	w, err := entra.NewWebSignIn(entra.WebSignInConfig{Config: e.config(), RedirectURL: callback})
	if err != nil {
		t.Fatal(err)
	}
	finish := func(who, nonce, verifier string) (entra.User, error) {
		address, err := w.Begin(t.Context(), state, "canary-nonce", strings.Repeat("v", 43))
		if err != nil {
			t.Fatal(err)
		}
		back, err := e.signIn(address, who)
		if err != nil || back.Get("state") != state {
			t.Fatalf("the browser came back with %v, %v", back, err)
		}
		return w.Finish(t.Context(), back.Get("code"), nonce, verifier)
	}
	verifier := strings.Repeat("v", 43)
	user, err := finish(emulatedUser, "canary-nonce", verifier)
	if err != nil || user.TenantID != tenant || user.Name != "Ada Lovelace" || len(user.ObjectID) != 36 {
		t.Errorf("Finish = %+v, %v", user, err)
	}
	_, err = finish(emulatedForeigner, "canary-nonce", verifier)
	wantRefused(t, err, entra.Error{}, "belongs to another tenant")
	_, err = finish(emulatedUser, "canary-other", verifier)
	wantRefused(t, err, entra.Error{}, "start again")
	_, err = finish(emulatedUser, "canary-nonce", verifier+"w")
	wantRefused(t, err, entra.Error{OAuth: "invalid_grant", Status: 400}, "check AZURE_TENANT_ID")
}

// The browser returns the code in a form, and a fresh token comes from the refresh token.
func TestEmulatedUser(t *testing.T) {
	e := emulate(t)
	cfg := e.config()
	cfg.Mode, cfg.ClientSecret = entra.Interactive, nil
	var signIns atomic.Int32
	cfg.OpenURL = func(address string) error {
		signIns.Add(1)
		_, err := e.signIn(address, emulatedUser)
		return err
	}
	s, err := entra.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	first := emulatedToken(t, s, entra.TokenRequest{})
	if fresh := emulatedToken(t, s, entra.TokenRequest{Fresh: true}); fresh == first || signIns.Load() != 1 {
		t.Errorf("the tokens are %q and %q after %d sign-ins", first, fresh, signIns.Load())
	}
}
