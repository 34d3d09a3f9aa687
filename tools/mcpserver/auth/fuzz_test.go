package auth_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"scanwarden/tools/mcpserver/auth"
)

// For every Authorization header, only a token that our key has signed is accepted. The test checks the signature
// again with the standard library alone.
func FuzzOnlySignedTokensAreAdmitted(f *testing.F) {
	a := newAuthority(f)
	k := a.authenticator(f)
	for _, token := range []string{
		signToken(f, a.personClaims(nil)), signToken(f, a.applicationClaims(nil)), signTokenWith(f, attackerKey(), "first", a.personClaims(nil)),
		signTokenAs(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": "first"}, a.personClaims(nil)),
	} {
		part := strings.Split(token, ".")
		f.Add("Bearer", plainText(f, part[0]), plainText(f, part[1]), plainText(f, part[2]))
		f.Add("Basic", plainText(f, part[1]), plainText(f, part[0]), plainText(f, part[2]))
	}
	f.Add("Bearer", "null", "null", "")
	f.Add("Bearer", `{"alg":"RS256","kid":"first"}`, `{"exp":1e400,"aud":[null],"roles":{}}`, "x")
	f.Fuzz(func(t *testing.T, scheme, header, claims, signature string) {
		text := encodePart(header) + "." + encodePart(claims)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
		r.Header["Authorization"] = []string{scheme + " " + text + "." + encodePart(signature)}
		who, err := k.Authenticate(r, nil)
		sum := sha256.Sum256([]byte(text))
		if err == nil && rsa.VerifyPKCS1v15(&serverKey().PublicKey, crypto.SHA256, sum[:], []byte(signature)) != nil {
			t.Errorf("%s %s %s, which our key did not sign, was accepted as %+v", scheme, header, claims, who)
		}
		if err != nil && who.Principal != "" {
			t.Errorf("%s %s %s was refused, and named %s", scheme, header, claims, who.Principal)
		}
		r.Header["Authorization"] = []string{scheme + header}
		if who, err := k.Authenticate(r, nil); err == nil && !strings.Contains(header, ".") {
			t.Errorf("%s%s was accepted as %+v", scheme, header, who)
		}
	})
}

func encodePart(part string) string { return base64.RawURLEncoding.EncodeToString([]byte(part)) }

func plainText(f *testing.F, part string) string {
	f.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}

// For every body that Slack signed, the principal consists of two ids and is an agent. The same body without a valid
// signature is refused.
func FuzzOnlySignedBodiesAreAdmitted(f *testing.F) {
	f.Add(callBody(adaInSlack))
	f.Add(callBody(`{"slack":{"user_id":"U0","team_id":"T0","User_id":"U1"}}`))
	f.Add(`{"method":"tools/list"}`)
	f.Add(`[{"method":"tools/list"}]`)
	f.Add(`{"method":"tools/call","params":{"_meta":{"slack":{"user_id":"U0/T0","team_id":"T0"}}}}`)
	k := auth.SlackAssistant(slackConfig())
	f.Fuzz(func(t *testing.T, body string) {
		r := slackRequest(t, time.Now(), signingSecret, body)
		who, err := k.Authenticate(r, []byte(body))
		if err == nil && who.Principal != "" {
			team, user, _ := strings.Cut(strings.TrimPrefix(string(who.Principal), "slack:"), "/")
			ids := strings.Trim(team+user, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
			if ids != "" || team == "" || user == "" || !who.Agent || !strings.Contains(body, "tools/call") && !strings.Contains(body, `\`) {
				t.Errorf("%q names %+v", body, who)
			}
		}
		r.Header.Set("X-Slack-Signature", signature("another", r.Header.Get("X-Slack-Request-Timestamp"), body))
		if who, err := k.Authenticate(r, []byte(body)); err == nil {
			t.Errorf("%q, not signed by Slack, was accepted as %+v", body, who)
		}
	})
}
