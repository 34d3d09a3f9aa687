package slackbot_test

import (
	"strings"
	"testing"
	"time"

	"scanwarden/slackbot/slacktest"
)

func TestUnsignedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	first := mustAck(t, s.slack.Command(bob, channel, "/scans", "help"))
	s.waitReply(t, bob, "lists the scans")
	for name, raw := range map[string]slacktest.RawRequest{
		"unsigned":     {Unsigned: true},
		"other secret": {Secret: "guessed"},
		"stale":        {Timestamp: time.Now().Add(-6 * time.Minute)},
		"early":        {Timestamp: time.Now().Add(6 * time.Minute)},
		"tampered":     {Signature: "v0=" + strings.Repeat("0", 64)},
	} {
		t.Run(name, func(t *testing.T) {
			raw.URL, raw.Body = first.Sent.URL, strings.Replace(first.Sent.Body, "help", "other", 1)
			if a := s.slack.SendRaw(raw); a.Status != 401 {
				t.Errorf("answered %d %s", a.Status, a.Body)
			}
		})
	}
}

func TestSignedRequestsThatDoNotParseAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	url := mustAck(t, s.slack.Command(bob, channel, "/scans", "help")).Sent.URL
	for name, want := range map[string]struct {
		body   string
		status int
	}{
		"probe":      {"ssl_check=1", 200},
		"empty":      {"", 400},
		"no user":    {"command=/scans&team_id=T01TEST", 400},
		"no team":    {"command=/scans&user_id=U0BOB", 400},
		"no command": {"team_id=T01TEST&user_id=U0BOB", 400},
		"too large":  {"text=" + strings.Repeat("x", 1<<20), 413},
	} {
		t.Run(name, func(t *testing.T) {
			if a := s.slack.SendRaw(slacktest.RawRequest{URL: url, Body: want.body}); a.Status != want.status {
				t.Errorf("answered %d %s, want %d", a.Status, a.Body, want.status)
			}
		})
	}
}

func TestACommandFromAnotherWorkspaceIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	first := mustAck(t, s.slack.Command(bob, channel, "/scans", "help"))
	s.waitReply(t, bob, "lists the scans")
	moved := strings.NewReplacer("team_id="+team, "team_id=T0OTHER", "trigger_id=", "trigger_id=9").Replace(first.Sent.Body)
	mustAck(t, s.slack.SendRaw(slacktest.RawRequest{URL: first.Sent.URL, Body: moved}))
	s.waitReply(t, bob, "another workspace")
	posing := strings.NewReplacer("user_id="+bob, "user_id="+other, "trigger_id=", "trigger_id=8").Replace(first.Sent.Body)
	mustAck(t, s.slack.SendRaw(slacktest.RawRequest{URL: first.Sent.URL, Body: posing}))
	s.slack.Wait("the second answer", func() bool {
		n := 0
		for _, m := range s.slack.Messages(channel) {
			if containsAll(m.All(), "another workspace") {
				n++
			}
		}
		return n == 2
	})
}

func TestAReplayedRequestHasNoEffect(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	a := mustAck(t, s.slack.Command(bob, channel, "/add_scan", s.newScan("Core switches")))
	s.slack.Wait("the confirmation message", func() bool { return len(s.confirmations()) == 1 })
	mustAck(t, s.slack.Replay(a))
	s.bot.WaitIdle()
	s.wantOpen(t, bob, 1)
}

func TestADuplicateDeliveryHasNoEffect(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{sockets: true})
	s.slack.DeliverTwice(true)
	q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
	s.bot.WaitIdle()
	s.wantOpen(t, bob, 1)
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "applied")
	s.wantWrites(t, 1)
}

func TestASocketThatEndsLosesNothing(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		reason string
		warn   bool
	}{{"warning", true}, {"refresh_requested", false}, {"", false}} {
		t.Run("reason "+how.reason, func(t *testing.T) {
			s := newStack(t, options{sockets: true})
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			s.slack.DisconnectSockets(how.reason, how.warn)
			s.slack.WaitSockets(2)
			mustAck(t, s.slack.Click(ada, q, "approve_change"))
			s.waitUpdate(t, q, "applied")
		})
	}
}

func TestTokensThatSlackNeverAcceptsEndTheBot(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"invalid_auth", "account_inactive", "not_authed", "token_revoked", "not_allowed_token_type", "missing_scope",
		"token_expired", "no_permission", "team_access_not_granted", "link_disabled",
	} {
		for method, sockets := range map[string]bool{"apps.connections.open": true, "auth.test": false} {
			t.Run(method+" "+code, func(t *testing.T) {
				s := newStack(t, options{sockets: sockets, noRun: true})
				s.slack.Fail(method, slacktest.Fault{Times: -1, Error: code})
				ended := make(chan error, 1)
				go func() { ended <- s.bot.Run(t.Context()) }()
				select {
				case err := <-ended:
					if err == nil || !strings.Contains(err.Error(), code) {
						t.Errorf("Run ended with %v", err)
					}
				case <-time.After(time.Minute):
					t.Error("Run goes on with tokens that Slack never takes")
				}
			})
		}
	}
}
