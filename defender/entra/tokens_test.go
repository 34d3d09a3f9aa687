package entra_test

import (
	"context"
	"slices"
	"testing"

	"scanwarden/defender/entra"
)

func getText(ctx context.Context, s *entra.Source, fresh bool) (string, error) {
	token, err := s.Get(ctx, entra.TokenRequest{Fresh: fresh})
	return token.Text, err
}

// wantToken checks that the token is that of a token request, such as "1" for the first.
func wantToken(t *testing.T, s *entra.Source, fresh bool, want string) {
	t.Helper()
	got, err := getText(t.Context(), s, fresh)
	if err != nil || got != tokenCanary+want {
		t.Fatalf("Get(fresh %v) = %q, %v; want token %s", fresh, got, err, want)
	}
}

// wantTokenRequests checks the number of token requests so far.
func wantTokenRequests(t *testing.T, f *fakeTenant, want int) {
	t.Helper()
	if got := len(f.TokenForms()); got != want {
		t.Fatalf("%d token requests, want %d", got, want)
	}
}

// wantGrants checks the grant types of the token requests so far.
func wantGrants(t *testing.T, f *fakeTenant, want ...string) {
	t.Helper()
	var got []string
	for _, form := range f.TokenForms() {
		got = append(got, form.Get("grant_type"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("grants %v, want %v", got, want)
	}
}
