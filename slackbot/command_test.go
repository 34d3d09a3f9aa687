package slackbot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/defender/defendertest"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
)

func TestASecretIsRefusedAndNeverRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	const secret = "hunter2-very-secret"
	for _, text := range []string{
		s.newScan("x") + " authPassword=" + secret,
		s.newScan("x") + " scanAuthenticationParams.privPassword=" + secret,
		"communityString=" + secret + " and a stray word",
	} {
		mustAck(t, s.slack.Command(bob, channel, "/add_scan", text))
		s.waitReply(t, bob, "is a secret and is not taken here", "rotate")
	}
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", "password: "+secret))
	s.waitReply(t, bob, "For example")
	for _, m := range s.slack.Messages(channel) {
		if strings.Contains(m.All(), secret) {
			t.Errorf("the secret is repeated: %s", m.All())
		}
	}
	if strings.Contains(s.log.String(), secret) {
		t.Error("the secret is in the log")
	}
}

func TestNoFormAsksForASecret(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", ""))
	form := s.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
	for _, in := range form.Inputs() {
		for _, word := range []string{"password", "community", "privatekey"} {
			if strings.Contains(strings.ToLower(in.BlockID), word) && in.Type != "static_select" {
				t.Errorf("the form asks for %s", in.BlockID)
			}
		}
		if in.ActionID != "value" {
			t.Errorf("%s has the action_id %s", in.BlockID, in.ActionID)
		}
		if strings.Contains(in.BlockID, "odata") {
			t.Errorf("the form asks for %s", in.BlockID)
		}
	}
}

func TestTextThatDoesNotParseGetsHelp(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for _, tt := range []struct{ command, text, want string }{
		{"/add_scan", "some words", "For example"},
		{"/add_scan", `scanName="open`, "quotation mark"},
		{"/add_scan", "scanName=a scanName=b", "given twice"},
		{"/add_scan", "nosuch=1", "nosuch"},
		{"/update_scan", "one two intervalInHours=4", "For example"},
		{"/delete_scans", "help", "For example"},
	} {
		before := len(s.slack.Messages(channel))
		mustAck(t, s.slack.Command(bob, channel, tt.command, tt.text))
		s.slack.Wait("an answer", func() bool { return len(s.slack.Messages(channel)) > before })
		all := s.slack.Messages(channel)
		if got := all[len(all)-1]; !got.Ephemeral || !strings.Contains(got.All(), tt.want) {
			t.Errorf("%s %s: %s", tt.command, tt.text, got.All())
		}
	}
	if n := len(s.Tenant.Calls()); n != 0 {
		t.Errorf("Defender was called %d times for what is not understood", n)
	}
}

func TestHelpGivesExamplesThatWork(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.addScan("Core switches")
	q := s.propose(t, bob, "/update_scan", `"Core switches" intervalInHours=8`)
	if !containsAll(q.All(), "intervalInHours\n  - 4\n  + 8") {
		t.Error(q.All())
	}
	q = s.propose(t, bob, "/update_scan", `“core switches” intervalInHours=9`) // as a phone writes quotation marks
	if !containsAll(q.All(), "intervalInHours\n  - 4\n  + 9") {
		t.Error(q.All())
	}
}

func TestScansAreListedWithTheirHistory(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	id := s.addScan("Core switches")
	s.addScan("Printers")
	s.Tenant.FinishScan(id, "Success", time.Now())
	mustAck(t, s.slack.Command(bob, channel, "/scans", "core"))
	if m := s.waitReply(t, bob, "Core switches", "10.1.2.3"); strings.Contains(m.All(), "Printers") {
		t.Errorf("the filter is not heeded: %s", m.All())
	}
	mustAck(t, s.slack.Command(bob, channel, "/scans", "history Core switches"))
	s.waitReply(t, bob, "targets")
	mustAck(t, s.slack.Command(bob, channel, "/scans", "changes"))
	s.waitReply(t, bob, "no open changes")
}

// More scans than the 64 of this length that a reply holds: it says how many are not shown, of how many.
func TestScansThatAreNotShownAreCounted(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for i := range 65 {
		s.addScan(fmt.Sprintf("Site %03d", i))
	}
	mustAck(t, s.slack.Command(bob, channel, "/scans", ""))
	s.waitReply(t, bob, "Not shown: 1 of 65 scans; narrow it down with a filter.")
}

func TestMoreScannersThanAMenuHoldsAreFoundByTyping(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for i := range 120 {
		s.Tenant.AddScanner(fmt.Sprintf("branch-%03d.example.com", i), time.Now())
	}
	mustAck(t, s.slack.Command(bob, channel, "/add_scan", ""))
	form := s.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
	found := mustAck(t, s.slack.Suggest(bob, form, "scannerAgent.machineId", "branch-117")).Options()
	if len(found) != 1 || !strings.Contains(found[0].Text, "branch-117") {
		t.Errorf("found %+v", found)
	}
}

func TestSlackIsAnsweredAtOnceWhileDefenderHangs(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		s.bot.SetPrefillWait(10 * time.Millisecond)
		s.Tenant.Fail(defendertest.Fault{Hang: true, Times: -1})
		for _, text := range []string{s.newScan("x"), "", s.newScan("y")} {
			mustAck(t, s.slack.Command(bob, channel, "/add_scan", text))
		}
		// The form opens in time, and is filled in when Defender answers.
		s.slack.WaitView(bob, func(v slacktest.View) bool {
			return v.CallbackID == "add_scan" && containsAll(v.All(), "Asking Defender")
		})
		s.Tenant.ClearFaults()
		s.Tenant.Release()
		s.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 || containsAll(v.All(), "Not done") })
	})
}

func TestAPanicCostsOneAnswer(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		var broken atomic.Bool
		p.bot = func(cfg *slackbot.Config) {
			whole := cfg.Backend
			cfg.Backend = func(ctx context.Context) (*slackbot.Backend, error) {
				if broken.Load() {
					panic("a bug")
				}
				return whole(ctx)
			}
		}
		s := newStack(t, p)
		broken.Store(true)
		mustAck(t, s.slack.Command(bob, channel, "/scans", ""))
		s.waitReply(t, bob, "failed inside")
		broken.Store(false)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "applied")
	})
}

func TestTheManifestHasWhatIsUsedAndNoMore(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for _, tt := range []struct{ url, scopes string }{
		{"", "commands chat:write im:write users:read"}, {"https://scans.example.com/", "commands chat:write im:write users:read usergroups:read"},
	} {
		cfg := slackbot.Config{Operations: s.cfg.Operations, Approvers: []string{"slack:T/U"}, Commands: map[string]string{"scans": "/defender-scans"}}
		if tt.url != "" {
			cfg.Approvers = append(cfg.Approvers, "slack-group:S0SCANS")
		}
		out, err := slackbot.Manifest(cfg, tt.url)
		if err != nil {
			t.Fatal(err)
		}
		saveShape(t, "manifest", out)
		var m struct {
			Features struct {
				Commands []struct {
					Command, URL, Description string
					Hint                      string `json:"usage_hint"`
					Escape                    bool   `json:"should_escape"`
				} `json:"slash_commands"`
			}
			OAuth struct {
				Scopes struct{ Bot []string }
			} `json:"oauth_config"`
			Settings struct {
				Socket        bool `json:"socket_mode_enabled"`
				Interactivity struct {
					URL string `json:"request_url"`
				}
			}
		}
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(m.OAuth.Scopes.Bot, " "); got != tt.scopes {
			t.Errorf("scopes are %q, want %q", got, tt.scopes)
		}
		if m.Settings.Socket != (tt.url == "") || strings.HasSuffix(m.Settings.Interactivity.URL, ".com/slack/interaction") == m.Settings.Socket {
			t.Errorf("socket mode %v with interactions at %q", m.Settings.Socket, m.Settings.Interactivity.URL)
		}
		var names []string
		for _, c := range m.Features.Commands {
			names = append(names, c.Command)
			if !c.Escape || len(c.Description) > 2000 || len(c.Hint) > 1000 || strings.HasSuffix(c.URL, ".com/slack/command") == m.Settings.Socket {
				t.Errorf("%+v", c)
			}
		}
		if got := strings.Join(names, " "); got != "/defender-scans /add_scan /update_scan /delete_scans" {
			t.Errorf("commands are %s", got)
		}
	}
}

func TestCommandNamesThatSlackRejectsAreRejected(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for _, name := range []string{"/status", "/Add", "/" + strings.Repeat("x", 32), "/a b", "/scans"} {
		cfg := s.cfg
		cfg.Commands = map[string]string{"add_scan": name}
		if _, err := slackbot.New(cfg); err == nil {
			t.Errorf("%q is taken for a command", name)
		}
	}
}
