package main

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"scanwarden/defender"
)

// TestDoctorReadsAPersonsPermissions: a person's token has scopes, where an application's has roles.
func TestDoctorReadsAPersonsPermissions(t *testing.T) {
	token := func(claims string) TokenSource {
		return fixedTokenSource("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
	}
	p := &Checker{cfg: &Config{}}
	for claims, want := range map[string]struct {
		need         permissions
		status, says string
	}{
		`{"upn":"ada@example.com","tid":"t","scp":"openid Machine.ReadWrite"}`: {writePermissions, StatusOK, "writing: token of ada@example.com in tenant t, with openid, Machine.ReadWrite"},
		`{"upn":"ada@example.com","scp":"Machine.Read"}`:                       {readPermissions, StatusOK, "with Machine.Read"},
		`{"upn":"ada@example.com","scp":"Machine.Read","roles":["Machine.ReadWrite.All"]}`: {
			writePermissions, StatusProblem, "writing: the token of ada@example.com lacks Machine.ReadWrite; it has Machine.Read"},
		`{"appid":"a","roles":["Machine.Read"]}`: {readPermissions, StatusProblem, "the token of app a lacks Machine.Read.All or Machine.ReadWrite.All; it has Machine.Read"},
	} {
		got := p.checkToken(t.Context(), "writing", token(claims), AppRegistration{}, want.need)
		if len(got) != 1 || got[0].Status != want.status || !strings.Contains(got[0].Says, want.says) || (got[0].Next == "") != (want.status == StatusOK) {
			t.Errorf("%s: %+v", claims, got)
		}
	}
}

// fixedTokenSource always returns the token.
func fixedTokenSource(token string) TokenSource {
	return func(context.Context, defender.TokenRequest) (string, error) { return token, nil }
}
