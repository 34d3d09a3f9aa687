package doctor

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender"
)

// TestDoctorReadsAPersonsPermissions: a person's token has scopes, where an application's has roles.
func TestDoctorReadsAPersonsPermissions(t *testing.T) {
	t.Parallel()
	token := func(claims string) server.TokenSource {
		return fixedTokenSource("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
	}
	p := &Checker{cfg: &config.Config{}}
	for claims, want := range map[string]struct {
		need         permissions
		status, says string
	}{
		`{"upn":"ada@example.com","tid":"t","scp":"openid Machine.ReadWrite"}`: {writePermissions, config.StatusOK, "writing: token of ada@example.com in tenant t, with openid, Machine.ReadWrite"},
		`{"upn":"ada@example.com","scp":"Machine.Read"}`:                       {readPermissions, config.StatusOK, "with Machine.Read"},
		`{"upn":"ada@example.com","scp":"Machine.Read","roles":["Machine.ReadWrite.All"]}`: {
			writePermissions, config.StatusProblem, "writing: the token of ada@example.com lacks Machine.ReadWrite; it has Machine.Read"},
		`{"appid":"a","roles":["Machine.Read"]}`: {readPermissions, config.StatusProblem, "the token of app a lacks Machine.Read.All or Machine.ReadWrite.All; it has Machine.Read"},
	} {
		got := p.checkToken(t.Context(), tokenUse{name: "writing", source: token(claims), need: want.need})
		if len(got) != 1 || got[0].Status != want.status || !strings.Contains(got[0].Says, want.says) || (got[0].Next == "") != (want.status == config.StatusOK) {
			t.Errorf("%s: %+v", claims, got)
		}
	}
}

// fixedTokenSource always returns the token.
func fixedTokenSource(token string) server.TokenSource {
	return func(context.Context, defender.TokenRequest) (string, error) { return token, nil }
}
