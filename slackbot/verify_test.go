package slackbot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
)

func TestResolveUserReturnsOnlyFullMembers(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{"slack-group:S0SCANS"} }})
	s.slack.AddGroup("S0SCANS", eve)
	for user, want := range map[string]string{eve: "slack-group:S0SCANS", bob: ""} {
		if who, groups, err := s.bot.ResolveUser(t.Context(), team, user); err != nil || who != slackOf(user) || strings.Join(groups, " ") != want {
			t.Errorf("%s is %s in %v, %v; want %q", user, who, groups, err, want)
		}
	}
	for _, who := range []struct{ team, user, why string }{
		{team, guest, "guests cannot"}, {team, robot, "bots and apps cannot"}, {team, ghost, "deactivated"}, {team, other, "another workspace"},
		{"T0OTHER", bob, "another workspace"}, {"", bob, "named no person"}, {team, "", "named no person"}, {team, "U0 BOB", "named no person"},
		{team, "U0UNKNOWN", "did not say who you are"},
	} {
		principal, groups, err := s.bot.ResolveUser(t.Context(), who.team, who.user)
		if err == nil || principal != "" || groups != nil || !strings.Contains(err.Error(), who.why) || strings.Contains(err.Error(), "user_not_found") {
			t.Errorf("%s of %s is resolved with %v, %v; want %q", who.user, who.team, groups, err, who.why)
		}
	}
}

func TestResolveUserOmitsAGroupThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{policy: func(p *confirm.Policy) { p.Approvers = []string{"slack-group:S0SCANS"} }})
	s.slack.AddGroup("S0SCANS", eve)
	s.slack.Fail("usergroups.users.list", slacktest.Fault{Times: -1, Status: 500})
	if _, groups, err := s.bot.ResolveUser(t.Context(), team, eve); err != nil || len(groups) != 0 {
		t.Errorf("eve has the groups %v, %v", groups, err)
	}
}

func TestResolveUserLinksByEmail(t *testing.T) {
	t.Parallel()
	s := newStack(t, withEmailMatch(options{}))
	s.slack.AddUser(slacktest.User{ID: ada, Name: "ada", Email: "ada@example.com"})
	if _, _, err := s.bot.ResolveUser(t.Context(), team, ada); err != nil {
		t.Fatal(err)
	}
	s.wantLinked(t, entraAda, slackOf(ada))
}

func TestNewVerifierAcceptsOnlyWhatSlackSigned(t *testing.T) {
	t.Parallel()
	const secret = "signing-secret"
	body := []byte(`{"jsonrpc":"2.0"}`)
	sign := func(secret string, at time.Time, body []byte) http.Header {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
		return http.Header{"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}}
	}
	now := time.Now()
	verify := slackbot.NewVerifier(defender.NewSecret(secret))
	if err := verify(sign(secret, now, body), body); err != nil {
		t.Errorf("what Slack signed is refused: %v", err)
	}
	for name, err := range map[string]error{
		"unsigned":     verify(http.Header{}, body),
		"other secret": verify(sign("other", now, body), body),
		"stale":        verify(sign(secret, now.Add(-6*time.Minute), body), body),
		"early":        verify(sign(secret, now.Add(6*time.Minute), body), body),
		"other body":   verify(sign(secret, now, body), append(body, ' ')),
		"no secret":    slackbot.NewVerifier(defender.Secret{})(sign("", now, body), body),
	} {
		if err == nil || !strings.Contains(err.Error(), "not signed by Slack") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheManifestOffersTheMCPServerToSlacksAssistant(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.cfg.Assistant = "https://scans.example.com/mcp"
	for _, url := range []string{"https://scans.example.com", ""} { // signed HTTP, socket mode
		out, err := slackbot.Manifest(s.cfg, url)
		if err != nil || !containsAll(string(out), `"mcp:connect"`, `"mcp_servers"`, `"url": "https://scans.example.com/mcp"`, `"auth_type": "slack_identity_auth"`) {
			t.Errorf("%v: %s", err, out)
		}
	}
	s.cfg.Assistant = "http://127.0.0.1:8484/mcp"
	if out, err := slackbot.Manifest(s.cfg, ""); err == nil || !strings.Contains(err.Error(), "SCANWARDEN_PUBLIC_URL") {
		t.Errorf("without a public URL: %v %s", err, out)
	}
	s.cfg.Assistant = ""
	if out, err := slackbot.Manifest(s.cfg, "https://scans.example.com"); err != nil || containsAll(string(out), "mcp") {
		t.Errorf("an assistant that is not configured: %v %s", err, out)
	}
}

func TestDefenderIsReadOnBehalfOfTheUser(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	mustAck(t, s.slack.Command(ada, channel, "/scans", ""))
	s.waitReply(t, ada, "No scan matches")
	s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	callers := s.Callers()
	for _, user := range []string{ada, bob} {
		if !slices.Contains(callers, string(slackOf(user))) {
			t.Errorf("Defender was not read on behalf of %s", user)
		}
	}
	if slices.Contains(callers, "") {
		t.Error("Defender was read without a user")
	}
}
