package auth_test

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

func TestASignatureSelectsTheAuthenticator(t *testing.T) {
	sums := map[confirm.Principal][sha256.Size]byte{"token:ada": sha256.Sum256([]byte("a-long-enough-token"))}
	k := auth.BySignature(auth.SlackAssistant(slackConfig()), auth.BearerTokens(sums))
	body := callBody(adaInSlack)
	bearer := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
	bearer.Header.Set("Authorization", "Bearer a-long-enough-token")
	signedOne := slackRequest(t, time.Now(), signingSecret, body)
	both := slackRequest(t, time.Now().Add(time.Second), "another", body)
	both.Header.Set("Authorization", "Bearer a-long-enough-token")
	halves := bearer.Clone(t.Context())
	halves.Header.Set("X-Slack-Signature", "")
	for name, tt := range map[string]struct {
		r         *http.Request
		principal confirm.Principal // "" means refused
		needsBody bool
	}{
		"a token": {bearer, "token:ada", false}, "a signature": {signedOne, "slack:T024BE7LD/U024BE7LH", true},
		"a bad signature and a token": {both, "", true}, "an empty signature and a token": {halves, "", false},
	} {
		if got := k.NeedsBody(tt.r); got != tt.needsBody {
			t.Errorf("%s: needs the body: %v", name, got)
		}
		got, err := k.Authenticate(tt.r, []byte(body))
		if got.Principal != tt.principal || (err == nil) != (tt.principal != "") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// For other requests the body is read only after authentication.
func TestOnlyABodyThatSlackMayHaveSignedIsReadFirst(t *testing.T) {
	a := newAuthority(t)
	for name, stamp := range map[string]string{
		"six minutes old": strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10), "no number": "now",
		"six minutes from now": strconv.FormatInt(time.Now().Add(6*time.Minute).Unix(), 10), "too large a number": "9223372036854775807", "too small a number": "-9223372036854775808",
	} {
		r := slackRequest(t, time.Now(), signingSecret, "")
		r.Header.Set("X-Slack-Request-Timestamp", stamp)
		if auth.SlackAssistant(slackConfig()).NeedsBody(r) {
			t.Errorf("%s: the body is read", name)
		}
	}
	r := slackRequest(t, time.Now(), signingSecret, "")
	for name, tt := range map[string]struct {
		k    auth.Authenticator
		want bool
	}{
		"Entra": {a.authenticator(t), false}, "tokens": {auth.BearerTokens(nil), false}, "anyone": {auth.Anonymous("local:ada"), false},
		"Slack":               {auth.SlackAssistant(slackConfig()), true},
		"Slack beside tokens": {auth.BySignature(auth.SlackAssistant(slackConfig()), auth.BearerTokens(nil)), true},
	} {
		if got := tt.k.NeedsBody(r); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A sum that differs in one bit, at any position, belongs to another token.
func TestATokenIsComparedToItsLastByte(t *testing.T) {
	const token = "a-long-enough-token"
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	sum := sha256.Sum256([]byte(token))
	sums := map[confirm.Principal][sha256.Size]byte{}
	for i := range sum {
		near := sum
		near[i] ^= 1
		sums[confirm.Principal("token:"+strconv.Itoa(i))] = near
	}
	if got, err := auth.BearerTokens(sums).Authenticate(r, nil); err == nil || got.Principal != "" {
		t.Errorf("authenticated as %s", got.Principal)
	}
	sums["token:ada"] = sum
	if got, err := auth.BearerTokens(sums).Authenticate(r, nil); err != nil || got.Principal != "token:ada" {
		t.Errorf("authenticated as %q, %v", got.Principal, err)
	}
}

// The error for a caller without a valid token depends on what was sent, and on whether there are tokens.
func TestATokenThatIsMissingOrWrong(t *testing.T) {
	some := auth.BearerTokens(map[confirm.Principal][sha256.Size]byte{"token:ada": sha256.Sum256([]byte("a-long-enough-token"))})
	for name, tt := range map[string]struct {
		k             auth.Authenticator
		authorization string
		reason        string
		challenge     string
	}{
		"nothing":            {some, "", "send a token", `Bearer realm="scanwarden"`},
		"another scheme":     {some, "Basic a-long-enough-token", "send a token", `Bearer realm="scanwarden"`},
		"a wrong token":      {some, "Bearer another-long-token", "did not issue the token", `Bearer realm="scanwarden", error="invalid_token", error_description="`},
		"no tokens at all":   {auth.BearerTokens(nil), "Bearer another-long-token", "accepts no calls over HTTP", ""},
		"the token, in full": {some, "bearer  a-long-enough-token", "", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
		r.Header.Set("Authorization", tt.authorization)
		_, err := tt.k.Authenticate(r, nil)
		authErr, isAuthErr := errors.AsType[*auth.Error](err)
		if isAuthErr != (tt.reason != "") {
			t.Fatalf("%s: %v", name, err)
		}
		if isAuthErr && (!strings.Contains(authErr.Reason, tt.reason) || !strings.HasPrefix(authErr.Challenge, tt.challenge) || (tt.challenge == "") != (authErr.Challenge == "")) {
			t.Errorf("%s: %+v", name, authErr)
		}
		if isAuthErr && name != "a wrong token" && strings.Contains(authErr.Challenge, "error") {
			t.Errorf("%s: a request without a token got an error code: %s", name, authErr.Challenge)
		}
	}
}

// A proxy may check one of several Authorization headers, so a request with two is refused, whichever is valid.
func TestATokenIsReadFromTheOnlyAuthorizationHeader(t *testing.T) {
	const token = "a-long-enough-token"
	k := auth.BearerTokens(map[confirm.Principal][sha256.Size]byte{"token:ada": sha256.Sum256([]byte(token))})
	for _, headers := range [][]string{{"Bearer " + token, "Bearer x"}, {"Bearer x", "Bearer " + token}, {"Bearer " + token, "Bearer " + token}} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
		r.Header["Authorization"] = headers
		got, err := k.Authenticate(r, nil)
		if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != 400 || got.Principal != "" {
			t.Errorf("%q: %+v, %v", headers, got, err)
		}
	}
}

// Only the callers with an agent's token are marked as agents.
func TestAgentTokens(t *testing.T) {
	t.Parallel()
	sums := map[confirm.Principal][sha256.Size]byte{"token:ada": sha256.Sum256([]byte("the-token-of-ada")), "token:robot": sha256.Sum256([]byte("the-token-of-robot"))}
	k := auth.BearerTokens(sums, "token:robot")
	for name, agent := range map[string]bool{"ada": false, "robot": true} {
		r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
		r.Header.Set("Authorization", "Bearer the-token-of-"+name)
		if got, err := k.Authenticate(r, nil); err != nil || got.Agent != agent || got.Principal != confirm.Principal("token:"+name) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
