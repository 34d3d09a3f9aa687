package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"scanwarden/tools/mcpserver/auth"
)

// Claims decide whether a caller is accepted, is an agent, and which roles count.
func TestClaimsDecideWhichCallersAreAccepted(t *testing.T) {
	a := newAuthority(t)
	k := a.authenticator(t)
	const requester, approver, all = "entra-role:Scans.Requester", "entra-role:Scans.Approver", "entra-role:Scans.Use.All"
	every := []string{"Scans.Requester", "Scans.Approver", "Scans.Use.All", "Other"}
	for name, tt := range map[string]struct {
		claims jwt.MapClaims
		status int // 0 means accepted
		agent  bool
		groups []string
	}{
		"a person":                               {a.personClaims(nil), 0, false, []string{requester, approver}},
		"a person with more scopes":              {a.personClaims(jwt.MapClaims{"scp": "openid Scans.Use profile"}), 0, false, []string{requester, approver}},
		"a person without roles":                 {a.personClaims(jwt.MapClaims{"roles": nil}), 0, false, nil},
		"a person who says so":                   {a.personClaims(jwt.MapClaims{"idtyp": "user"}), 0, false, []string{requester, approver}},
		"an actor that is no agent":              {a.personClaims(jwt.MapClaims{"xms_act_fct": "9 3", "xms_sub_fct": "3"}), 0, false, []string{requester, approver}},
		"a facet that only looks like it":        {a.personClaims(jwt.MapClaims{"xms_act_fct": "110 211", "xms_sub_fct": "131"}), 0, false, []string{requester, approver}},
		"a person without the scope":             {a.personClaims(jwt.MapClaims{"scp": "openid"}), 403, false, nil},
		"a person with a longer scope":           {a.personClaims(jwt.MapClaims{"scp": "Scans.Use.All Scans.User"}), 403, false, nil},
		"a person with roles only":               {a.personClaims(jwt.MapClaims{"scp": "openid", "roles": every}), 403, false, nil},
		"an application":                         {a.applicationClaims(nil), 0, true, []string{all}},
		"an application without idtyp":           {a.applicationClaims(jwt.MapClaims{"idtyp": nil}), 0, true, []string{all}},
		"an application whose scope is /":        {a.applicationClaims(jwt.MapClaims{"scp": "/"}), 0, true, []string{all}},
		"an application with every role":         {a.applicationClaims(jwt.MapClaims{"roles": every}), 0, true, []string{requester, all}},
		"an application without the role":        {a.applicationClaims(jwt.MapClaims{"roles": []string{"Scans.Requester", "Scans.Approver"}}), 403, false, nil},
		"an application without roles":           {a.applicationClaims(jwt.MapClaims{"roles": nil}), 403, false, nil},
		"an application that claims a scope":     {a.applicationClaims(jwt.MapClaims{"scp": "Scans.Use"}), 403, false, nil},
		"a user who has no scope":                {a.applicationClaims(jwt.MapClaims{"idtyp": "user"}), 403, false, nil},
		"an agent for a person":                  {a.personClaims(jwt.MapClaims{"xms_act_fct": "11", "roles": every}), 0, true, []string{requester, all}},
		"an agent for a person, among facets":    {a.personClaims(jwt.MapClaims{"xms_act_fct": "3 11 9"}), 0, true, []string{requester}},
		"an agent in a comma list":               {a.personClaims(jwt.MapClaims{"xms_act_fct": "3,11,9"}), 0, true, []string{requester}},
		"an agent in a list of other separators": {a.personClaims(jwt.MapClaims{"xms_act_fct": "3;11|9"}), 0, true, []string{requester}},
		"an agent's own user in a comma list":    {a.personClaims(jwt.MapClaims{"xms_sub_fct": "3, 13"}), 0, true, []string{requester}},
		"an agent's own user":                    {a.personClaims(jwt.MapClaims{"xms_sub_fct": "13"}), 0, true, []string{requester}},
		"an agent itself":                        {a.personClaims(jwt.MapClaims{"xms_sub_fct": "11"}), 0, true, []string{requester}},
		"an agent without the scope":             {a.personClaims(jwt.MapClaims{"xms_act_fct": "11", "scp": "openid"}), 403, false, nil},
		"facets that are no string fail closed":  {a.personClaims(jwt.MapClaims{"xms_act_fct": []int{11}}), 401, false, nil},
		"an object id in capitals is one person": {a.personClaims(jwt.MapClaims{"oid": strings.ToUpper(ada), "tid": strings.ToUpper(tenant)}), 0, false, []string{requester, approver}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := authenticate(t, k, signToken(t, tt.claims))
			if tt.status != 0 {
				authErr, ok := errors.AsType[*auth.Error](err)
				if !ok || authErr.Status != tt.status {
					t.Fatalf("%v, want %d", err, tt.status)
				}
				if tt.status == 403 && !strings.Contains(authErr.Challenge, `error="insufficient_scope"`) {
					t.Errorf("challenge %s", authErr.Challenge)
				}
				return
			}
			want := auth.Caller{Principal: "entra:" + tenant + "/" + ada, Agent: tt.agent, Groups: tt.groups}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// Verified receives only users' tokens, and only accepted ones.
func TestOnlyTheTokensOfUsersArePassedToVerified(t *testing.T) {
	a := newAuthority(t)
	type handed struct {
		Caller  auth.Caller
		Token   string
		Expires time.Time
	}
	var got []handed
	k := a.authenticator(t, func(cfg *auth.EntraConfig) {
		cfg.Verified = func(c auth.Caller, token string, expires time.Time) { got = append(got, handed{c, token, expires}) }
	})
	token := signToken(t, a.personClaims(nil))
	for _, other := range []string{
		signToken(t, a.applicationClaims(nil)), signToken(t, a.personClaims(jwt.MapClaims{"xms_act_fct": "11"})),
		signToken(t, a.personClaims(jwt.MapClaims{"scp": "openid"})), signTokenWith(t, attackerKey(), "first", a.personClaims(nil)), token,
	} {
		_, _ = authenticate(t, k, other)
	}
	want := []handed{{
		auth.Caller{Principal: "entra:" + tenant + "/" + ada, Groups: []string{"entra-role:Scans.Requester", "entra-role:Scans.Approver"}},
		token, a.currentTime().Add(time.Hour),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
