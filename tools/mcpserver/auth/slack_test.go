package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	slackgo "github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver/auth"
)

const signingSecret = "8f742231b10e8888abcd99yyyzzz85a5"

// errGuest is the error for users who are not full members.
var errGuest = errors.New("a guest")

// slackConfig verifies signatures with slack-go and resolves all users except guests.
func slackConfig() auth.SlackConfig {
	return auth.SlackConfig{
		Verify: func(h http.Header, body []byte) error {
			v, err := slackgo.NewSecretsVerifier(h, signingSecret)
			if err != nil {
				return err
			}
			if _, err := v.Write(body); err != nil {
				return err
			}
			return v.Ensure()
		},
		ResolveUser: func(_ context.Context, team, user string) (confirm.Principal, []string, error) {
			if team != "T024BE7LD" && team != "E024BE7LD" || user == "UGUEST" {
				return "", nil, errGuest
			}
			return confirm.Principal("slack:T024BE7LD/" + user), []string{"slack-group:S0614TZR7"}, nil
		},
	}
}

// signature returns Slack's v0 signature (docs.slack.dev, "Verifying requests from Slack").
func signature(secret, stamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

func slackRequest(t testing.TB, at time.Time, secret, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, resource, nil)
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", signature(secret, stamp, body))
	return r
}

// callBody returns a tools/call whose params have this _meta beside the tool's name and arguments.
func callBody(meta string) string {
	return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_scans","arguments":{},"_meta":` + meta + `}}`
}

const adaInSlack = `{"slack":{"user_id":"U024BE7LH","team_id":"T024BE7LD"}}`

func TestSlackNamesTheUserOfACall(t *testing.T) {
	k := auth.SlackAssistant(slackConfig())
	for _, meta := range []string{
		adaInSlack,
		`{"slack":{"user_id":"U024BE7LH","team_id":"T024BE7LD","enterprise_id":"E024BE7LD"}}`,
		`{"slack":{"user_id":"U024BE7LH","team_id":"E024BE7LD"}}`, // the same user, named by the organization
		`{"slack":{"user_id":"U024BE7LH","team_id":"T024BE7LD","enterprise_id":null,"channel_id":"C1"},"progressToken":1}`,
	} {
		body := callBody(meta)
		got, err := k.Authenticate(slackRequest(t, time.Now(), signingSecret, body), []byte(body))
		want := auth.Caller{
			Principal: "slack:T024BE7LD/U024BE7LH", Groups: []string{"slack-group:S0614TZR7"}, Agent: true, Session: "slack-app",
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestSlackDiscoversWithoutAPrincipal(t *testing.T) {
	k := auth.SlackAssistant(slackConfig())
	for _, method := range []string{"initialize", "notifications/initialized", "ping", "tools/list"} {
		body := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{"_meta":` + adaInSlack + `}}`
		for range 2 { // Slack may repeat a request
			got, err := k.Authenticate(slackRequest(t, time.Now(), signingSecret, body), []byte(body))
			if diff := cmp.Diff(auth.Caller{Session: "slack-app"}, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", method, err, diff)
			}
		}
	}
}

func TestWhatSlackDidNotSign(t *testing.T) {
	k := auth.SlackAssistant(slackConfig())
	body := callBody(adaInSlack)
	for name, alter := range map[string]func(*http.Request){
		"no signature":            func(r *http.Request) { r.Header.Del("X-Slack-Signature") },
		"no timestamp":            func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") },
		"another body's":          func(r *http.Request) { *r = *slackRequest(t, time.Now(), signingSecret, body+" ") },
		"another secret":          func(r *http.Request) { *r = *slackRequest(t, time.Now(), "another", body) },
		"an empty secret":         func(r *http.Request) { *r = *slackRequest(t, time.Now(), "", body) },
		"six minutes old":         func(r *http.Request) { *r = *slackRequest(t, time.Now().Add(-6*time.Minute), signingSecret, body) },
		"six minutes from now":    func(r *http.Request) { *r = *slackRequest(t, time.Now().Add(6*time.Minute), signingSecret, body) },
		"a fresh timestamp on it": func(r *http.Request) { r.Header.Set("X-Slack-Request-Timestamp", "1") },
		"two signatures":          func(r *http.Request) { r.Header.Add("X-Slack-Signature", "v0=00") },
		"two timestamps":          func(r *http.Request) { r.Header.Add("X-Slack-Request-Timestamp", "1") },
		"a bearer token instead": func(r *http.Request) {
			r.Header = http.Header{"Authorization": {"Bearer " + signingSecret}}
		},
	} {
		r := slackRequest(t, time.Now(), signingSecret, body)
		alter(r)
		_, err := k.Authenticate(r, []byte(body))
		if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != 401 {
			t.Errorf("%s: %v, want 401", name, err)
		}
	}
}

// Signed requests that do not name one user beyond doubt.
func TestSignedCallsThatNameNoUserAreRefused(t *testing.T) {
	cfg := slackConfig()
	resolve := cfg.ResolveUser
	cfg.ResolveUser = func(ctx context.Context, team, user string) (confirm.Principal, []string, error) {
		if team != "T024BE7LD" && team != "T0OTHER" || user != "UGUEST" && user != "U024BE7LH" {
			t.Errorf("ResolveUser was called with %q in %q", user, team)
		}
		return resolve(ctx, team, user)
	}
	k := auth.SlackAssistant(cfg)
	for name, tt := range map[string]struct {
		body   string
		status int
	}{
		"no params":                 {`{"jsonrpc":"2.0","id":7,"method":"tools/call"}`, 403},
		"params that are a list":    {`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[{"_meta":` + adaInSlack + `}]}`, 403},
		"no _meta":                  {`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_scans"}}`, 403},
		"no slack":                  {callBody(`{}`), 403},
		"slack is null":             {callBody(`{"slack":null}`), 403},
		"no team":                   {callBody(`{"slack":{"user_id":"U024BE7LH"}}`), 403},
		"a team that is null":       {callBody(`{"slack":{"user_id":"U024BE7LH","team_id":null,"enterprise_id":"E024BE7LD"}}`), 403},
		"no user":                   {callBody(`{"slack":{"team_id":"T024BE7LD"}}`), 403},
		"a user that is a number":   {callBody(`{"slack":{"user_id":7,"team_id":"T024BE7LD"}}`), 403},
		"a user with a slash":       {callBody(`{"slack":{"user_id":"U/024BE7","team_id":"T024BE7LD"}}`), 403},
		"a user in small letters":   {callBody(`{"slack":{"user_id":"u024be7lh","team_id":"T024BE7LD"}}`), 403},
		"a bot":                     {callBody(`{"slack":{"user_id":"B024BE7LH","team_id":"T024BE7LD"}}`), 403},
		"a user of one letter":      {callBody(`{"slack":{"user_id":"U","team_id":"T024BE7LD"}}`), 403},
		"a user that is too long":   {callBody(`{"slack":{"user_id":"U` + strings.Repeat("0", 20) + `","team_id":"T024BE7LD"}}`), 403},
		"a team that is a channel":  {callBody(`{"slack":{"user_id":"U024BE7LH","team_id":"C024BE7LD"}}`), 403},
		"an enterprise of no form":  {callBody(`{"slack":{"user_id":"U024BE7LH","team_id":"T024BE7LD","enterprise_id":"x"}}`), 403},
		"two users":                 {callBody(`{"slack":{"user_id":"U0000","user_id":"U024BE7LH","team_id":"T024BE7LD"}}`), 403},
		"two users but for case":    {callBody(`{"slack":{"user_id":"U024BE7LH","USER_ID":"U0000","team_id":"T024BE7LD"}}`), 403},
		"a user under another case": {callBody(`{"slack":{"User_Id":"U024BE7LH","team_id":"T024BE7LD"}}`), 403},
		"two slacks":                {callBody(`{"slack":{"user_id":"U0000","team_id":"T024BE7LD"},"slack":{"user_id":"U024BE7LH","team_id":"T024BE7LD"}}`), 403},
		"two slacks but for case":   {callBody(`{"slack":{"user_id":"U024BE7LH","team_id":"T024BE7LD"},"\u017flack":{}}`), 403},
		"two _metas":                {`{"jsonrpc":"2.0","method":"tools/call","params":{"_meta":{},"_meta":` + adaInSlack + `}}`, 403},
		"two _metas but for case":   {`{"jsonrpc":"2.0","method":"tools/call","params":{"_META":{},"_meta":` + adaInSlack + `}}`, 403},
		"two params":                {`{"jsonrpc":"2.0","method":"tools/call","params":{},"params":{"_meta":` + adaInSlack + `}}`, 400},
		"two params but for case":   {`{"jsonrpc":"2.0","method":"tools/call","params":{"_meta":` + adaInSlack + `},"Params":{}}`, 400},
		"two methods":               {`{"jsonrpc":"2.0","method":"ping","method":"tools/call","params":{"_meta":` + adaInSlack + `}}`, 400},
		"two methods but for case":  {`{"jsonrpc":"2.0","method":"ping","Method":"tools/call"}`, 400},
		"a method in another case":  {`{"jsonrpc":"2.0","Method":"tools/call","params":{"_meta":` + adaInSlack + `}}`, 400},
		"an answer to a question":   {`{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}`, 400},
		"a batch":                   {`[` + callBody(adaInSlack) + `]`, 400},
		"two messages":              {callBody(adaInSlack) + callBody(adaInSlack), 400},
		"a comma too many":          {`{"jsonrpc":"2.0","method":"tools/call",}`, 400},
		"nothing":                   {``, 400},
		"an empty method":           {`{"jsonrpc":"2.0","method":"","params":{"_meta":` + adaInSlack + `}}`, 400},
		"a method that is null":     {`{"jsonrpc":"2.0","method":null,"params":{"_meta":` + adaInSlack + `}}`, 400},
		"a method that is a number": {`{"jsonrpc":"2.0","method":7,"params":{"_meta":` + adaInSlack + `}}`, 400},
		"no protocol":               {`{"id":7,"method":"tools/call","params":{"_meta":` + adaInSlack + `}}`, 400},
		"another protocol":          {`{"jsonrpc":"1.0","method":"tools/call","params":{"_meta":` + adaInSlack + `}}`, 400},
		"a protocol by number":      {`{"jsonrpc":2.0,"method":"tools/call","params":{"_meta":` + adaInSlack + `}}`, 400},
		"a discovery without one":   {`{"method":"tools/list"}`, 400},
		"an event":                  {`{"type":"event_callback","event":{"type":"app_home_opened"}}`, 400},
		"a click":                   {`payload=%7B%22jsonrpc%22%3A%222.0%22%7D`, 400},
		"a guest":                   {callBody(`{"slack":{"user_id":"UGUEST","team_id":"T024BE7LD"}}`), 403},
		"another workspace":         {callBody(`{"slack":{"user_id":"U024BE7LH","team_id":"T0OTHER"}}`), 403},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := k.Authenticate(slackRequest(t, time.Now(), signingSecret, tt.body), []byte(tt.body))
			if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != tt.status {
				t.Errorf("%+v, %v, want %d", got, err, tt.status)
			}
		})
	}
}

func TestASignedCallCountsOnce(t *testing.T) {
	k := auth.SlackAssistant(slackConfig())
	body := callBody(adaInSlack)
	r := slackRequest(t, time.Now(), signingSecret, body)
	if _, err := k.Authenticate(r, []byte(body)); err != nil {
		t.Fatal(err)
	}
	_, err := k.Authenticate(r, []byte(body))
	refusedAgain := func(err error) {
		t.Helper()
		if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != 403 || !strings.Contains(authErr.Reason, "came before") {
			t.Errorf("a repeat: %v", err)
		}
	}
	refusedAgain(err)
	mac := strings.TrimPrefix(r.Header.Get("X-Slack-Signature"), "v0=")
	r.Header.Set("X-Slack-Signature", "v0="+strings.ToUpper(mac)) // the same signature in upper case
	_, err = k.Authenticate(r, []byte(body))
	refusedAgain(err)
	if _, err := k.Authenticate(slackRequest(t, time.Now().Add(time.Second), signingSecret, body), []byte(body)); err != nil {
		t.Errorf("signed again: %v", err)
	}
}

// The replay cache is bounded: it forgets expired requests, and refuses new ones while nothing has expired.
func TestTheReplayCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := auth.SlackAssistant(slackConfig())
		send := func(n int) error {
			body := strings.Replace(callBody(adaInSlack), `"id":7`, `"id":`+strconv.Itoa(n), 1)
			_, err := k.Authenticate(slackRequest(t, time.Now(), signingSecret, body), []byte(body))
			return err
		}
		for n := range 4096 {
			if err := send(n); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(6 * time.Minute)
		for n := range 4096 {
			if err := send(5000 + n); err != nil {
				t.Fatalf("an expired request is still remembered: %v", err)
			}
		}
		err := send(10000)
		if authErr, ok := errors.AsType[*auth.Error](err); !ok || authErr.Status != 503 {
			t.Errorf("a full cache: %v, want 503", err)
		}
	})
}
