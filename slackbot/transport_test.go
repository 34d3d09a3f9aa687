package slackbot_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/slackbot/slacktest"
)

// Slack signs requests to all endpoints with one secret, and some contain text that users wrote. A request for one
// endpoint must not be accepted by another.
func TestRequestsSignedForAnotherEndpointAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, withLinking(options{}))
	words := "&command=/scans&text=link+" + s.proof(t, entraEve, "Mallory's own account") +
		"&user_id=" + ada + "&team_id=" + team + "&channel_id=" + channel + "&trigger_id=1.2.3&x="
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"filter":"` + words + `"}}}`
	opened := `"type":"event_callback","team_id":"` + team + `","event":{"type":"app_home_opened","tab":"home","user":"` + ada + `"}`
	click := `payload={"type":"block_actions","user":{"id":"` + ada + `","team_id":"` + team + `"}}`
	command, interaction := s.urls[0], s.urls[1]
	for name, raw := range map[string]slacktest.RawRequest{
		"an assistant's call":             {URL: command, Body: call},
		"as a form":                       {URL: command, Body: call, ContentType: "application/x-www-form-urlencoded"},
		"a batch of them":                 {URL: command, Body: "[" + call + "]"},
		"after a blank":                   {URL: command, Body: "\n " + call},
		"a string":                        {URL: command, Body: `"` + words + `"`},
		"a field before the first":        {URL: command, Body: words[:len(words)-3]},
		"a field twice":                   {URL: command, Body: words[1:] + "&user_id=" + bob},
		"a click":                         {URL: command, Body: click},
		"JSON by its type":                {URL: command, Body: words[1:], ContentType: "application/json"},
		"of no type":                      {URL: command, Body: words[1:], ContentType: "x/"},
		"an assistant's call, as a click": {URL: interaction, Body: strings.Replace(call, words, "&"+click, 1), ContentType: "application/x-www-form-urlencoded"},
		"an assistant's call, an event":   {URL: interaction, Body: `{"jsonrpc":"2.0",` + opened + `}`},
		"in capitals":                     {URL: interaction, Body: `{"JSONRPC":null,` + opened + `}`},
		"an assistant's call, a probe":    {URL: interaction, Body: `{"jsonrpc":"2.0","type":"url_verification","challenge":"x"}`},
		"an event of no type":             {URL: interaction, Body: strings.Replace("{"+opened+"}", "event_callback", "tools/call", 1)},
		"an event as a form":              {URL: interaction, Body: "{" + opened + "}", ContentType: "application/x-www-form-urlencoded"},
		"a click in a command":            {URL: interaction, Body: "token=x&" + click},
		"a click, JSON by its type":       {URL: interaction, Body: click, ContentType: "application/json"},
	} {
		if a := s.slack.SendRaw(raw); a.Status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", name, a.Status, a.Body)
		}
	}
	s.bot.WaitIdle()
	s.wantLinked(t, slackOf(ada))
	for name, raw := range map[string]slacktest.RawRequest{
		"a command with a charset": {URL: command, Body: strings.Replace(words[1:], "link", "help", 1), ContentType: "application/x-www-form-urlencoded; charset=utf-8"},
		"an event":                 {URL: interaction, Body: "{" + opened + "}"},
		"a click":                  {URL: interaction, Body: click},
		"Slack's probe":            {URL: interaction, Body: "token=x&ssl_check=1"},
	} {
		if a := s.slack.SendRaw(raw); a.Status != http.StatusOK {
			t.Errorf("%s: answered %d %s", name, a.Status, a.Body)
		}
	}
}

// unreadable is a body that fails the test when it is read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("an unverified body is read")
	return 0, io.EOF
}

func TestABodyThatSlackCannotHaveSignedIsNotRead(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{noRun: true})
	stamp := func(ago time.Duration) string { return strconv.FormatInt(time.Now().Add(-ago).Unix(), 10) }
	mac := "v0=" + strings.Repeat("0", 64)
	for name, headers := range map[string][2]string{
		"unsigned": {}, "no signature": {stamp(0), ""}, "no timestamp": {"", mac}, "of no form": {stamp(0), "v0=x"},
		"stale": {stamp(6 * time.Minute), mac}, "early": {stamp(-6 * time.Minute), mac},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", unreadable{t})
		r.Header.Set("X-Slack-Request-Timestamp", headers[0])
		r.Header.Set("X-Slack-Signature", headers[1])
		w := httptest.NewRecorder()
		s.bot.Commands().ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s: answered %d", name, w.Code)
		}
	}
}
