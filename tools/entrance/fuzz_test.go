package entrance_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"scanwarden/tools/entrance"
)

// Whatever the Authorization header holds, nobody gets in but by one of the tokens that were signed.
func FuzzOnlySignedTokensAreAdmitted(f *testing.F) {
	a := newAuthority(f)
	k := a.keeper(f)
	good := map[string]bool{signed(f, a.person(nil)): true, signed(f, a.application(nil)): true}
	for token := range good {
		f.Add("Bearer " + token)
		part := strings.Split(token, ".")
		f.Add("Bearer " + part[0] + "." + part[1] + ".")
		f.Add("Bearer " + part[2] + "." + part[1] + "." + part[0])
	}
	f.Add("Bearer " + signedBy(f, theirs(), "first", a.person(nil)))
	f.Add("Bearer " + sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": "first"}, a.person(nil)))
	f.Add("Bearer bnVsbA.bnVsbA.bnVsbA")
	f.Add("Basic YWRhOmFkYQ==")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
		r.Header["Authorization"] = []string{header}
		who, err := k.Admit(r, nil)
		_, token, _ := strings.Cut(header, " ")
		if err == nil && !good[strings.TrimSpace(token)] {
			t.Errorf("%q was let in as %+v", header, who)
		}
		if err != nil && who.Principal != "" {
			t.Errorf("%q was refused, and named %s", header, who.Principal)
		}
	})
}

// Whatever a body that Slack signed says, a principal that comes of it is made of two ids and nothing else, and is
// an agent; and the same body unsigned names nobody.
func FuzzOnlySignedBodiesAreAdmitted(f *testing.F) {
	f.Add(callBody(adaInSlack))
	f.Add(callBody(`{"slack":{"user_id":"U0","team_id":"T0","User_id":"U1"}}`))
	f.Add(`{"method":"tools/list"}`)
	f.Add(`[{"method":"tools/list"}]`)
	f.Add(`{"method":"tools/call","params":{"_meta":{"slack":{"user_id":"U0/T0","team_id":"T0"}}}}`)
	k := entrance.Slack(workspace())
	f.Fuzz(func(t *testing.T, body string) {
		r := slackRequest(t, time.Now(), signingSecret, body)
		who, err := k.Admit(r, []byte(body))
		if err == nil && who.Principal != "" {
			team, user, _ := strings.Cut(strings.TrimPrefix(string(who.Principal), "slack:"), "/")
			ids := strings.Trim(team+user, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
			if ids != "" || team == "" || user == "" || !who.Agent || !strings.Contains(body, "tools/call") && !strings.Contains(body, `\`) {
				t.Errorf("%q names %+v", body, who)
			}
		}
		r.Header.Set("X-Slack-Signature", signature("another", r.Header.Get("X-Slack-Request-Timestamp"), body))
		if who, err := k.Admit(r, []byte(body)); err == nil {
			t.Errorf("%q, not signed by Slack, was let in as %+v", body, who)
		}
	})
}
