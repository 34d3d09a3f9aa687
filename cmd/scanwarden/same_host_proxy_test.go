package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/slackbot/slacktest"
)

// TestAProxyOnTheSameHost: a TLS proxy or sidecar on the machine of scanwarden connects over loopback and keeps the Host
// header that callers send. SCANWARDEN_PUBLIC_URL alone makes MCP, Slack and the pages work behind it.
func TestAProxyOnTheSameHost(t *testing.T) {
	t.Parallel()
	slack := newSlack(t, slacktest.Options{SigningSecret: "signing-secret-of-the-test", BotToken: "xoxb-test", Team: "T01TEST"})
	s := newServingEntraStack(t, "SLACK_API_URL="+slack.API(), "SLACK_BOT_TOKEN=xoxb-test", "SLACK_SIGNING_SECRET=signing-secret-of-the-test",
		"SCANWARDEN_SLACK_LINK_ACCOUNTS=true", "SCANWARDEN_PUBLIC_URL=https://scans.example.com", "SCANWARDEN_CONFIRM_WITH=client",
		"SCANWARDEN_HTTP_AUTH=entra,slack")
	origin := strings.TrimSuffix(s.url, "/mcp")
	command := url.Values{"command": {"/scans"}, "team_id": {"T01TEST"}, "user_id": {"U0ADA"}, "text": {"help"}}.Encode()
	token := s.userToken(s.ada, nil, "Scans.Requester")
	for host, refused := range map[string]bool{
		"scans.example.com": false, "SCANS.example.com:443": false, "scans.example.com.": false, "evil.example": true,
	} {
		send := func(method, path, body string, headers map[string]string) (int, string) {
			r, err := http.NewRequestWithContext(t.Context(), method, origin+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			for name, value := range headers {
				r.Header.Set(name, value)
			}
			return doRequest(t, r)
		}
		want := map[bool]int{false: http.StatusOK, true: http.StatusMisdirectedRequest}[refused]
		if got, text := send("POST", "/mcp", initializeLine, map[string]string{
			"Authorization": "Bearer " + token, "Content-Type": "application/json",
			"Accept": "application/json, text/event-stream", "Origin": "https://" + host,
		}); got != want {
			t.Errorf("%s: /mcp answers %d, want %d: %s", host, got, want, text)
		}
		if got, text := send("GET", "/link", "", nil); got != want {
			t.Errorf("%s: /link answers %d, want %d: %s", host, got, want, text)
		}
		if got, text := send("POST", "/slack/command", command, signSlack(command)); got != http.StatusOK {
			t.Errorf("%s: /slack/command answers %d: %s", host, got, text)
		}
	}
	if log := s.logs.String(); !strings.Contains(log, "a request was refused because of its Host header") ||
		!strings.Contains(log, "a page was refused because of its Host header") {
		t.Errorf("the log does not name what to set: %s", log)
	}
}

// doRequest returns status and body of the answer to r.
func doRequest(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// signSlack returns the headers of a command that Slack sends.
func signSlack(body string) map[string]string {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("signing-secret-of-the-test"))
	mac.Write([]byte("v0:" + now + ":" + body))
	return map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "X-Slack-Request-Timestamp": now,
		"X-Slack-Signature": "v0=" + hex.EncodeToString(mac.Sum(nil)),
	}
}
