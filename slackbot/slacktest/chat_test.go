package slacktest_test

import (
	"testing"

	"scanwarden/slackbot/slacktest"
)

func TestCallsAreRefusedAsSlackDoes(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{AppToken: "xapp-test"})
	s.AddChannel("C9", "U1")
	s.Leave("C9", s.BotUser())
	s.AddUser(slacktest.User{ID: "U8", Deleted: true})
	s.AddUser(slacktest.User{ID: "U9", Team: "T9", Stranger: true})
	tests := []struct {
		name, method, want string
		args               []string
	}{
		{"no token", "auth.test", "not_authed", []string{"token", ""}},
		{"wrong token", "auth.test", "invalid_auth", []string{"token", "xoxb-other"}},
		{"app token", "auth.test", "not_allowed_token_type", []string{"token", "xapp-test"}},
		{"bot token", "apps.connections.open", "not_allowed_token_type", nil},
		{"method", "chat.shout", "unknown_method", nil},
		{"channel", "chat.postMessage", "channel_not_found", []string{"channel", "C7", "text", "x"}},
		{"channel's name", "chat.postMessage", "channel_not_found", []string{"channel", "#channel-c1", "text", "x"}},
		{"not a member", "chat.postMessage", "not_in_channel", []string{"channel", "C9", "text", "x"}},
		{"no text", "chat.postMessage", "no_text", []string{"channel", "C1"}},
		{"empty blocks", "chat.postMessage", "no_text", []string{"channel", "C1", "blocks", "[]"}},
		{"no JSON", "chat.postMessage", "invalid_blocks_format", []string{"channel", "C1", "blocks", "[{"}},
		{"long text", "chat.postMessage", "msg_too_long", []string{"channel", "C1", "text", repeatX(40_001)}},
		{"thread", "chat.postMessage", "thread_not_found", []string{"channel", "C1", "text", "x", "thread_ts", "1.1"}},
		{"ephemeral to an outsider", "chat.postEphemeral", "user_not_in_channel", []string{"channel", "C1", "user", "U9", "text", "x"}},
		{"no such message", "chat.update", "message_not_found", []string{"channel", "C1", "ts", "1.1", "text", "x"}},
		{"update by user id", "chat.update", "channel_not_found", []string{"channel", "U1", "ts", "1.1", "text", "x"}},
		{"delete nothing", "chat.delete", "message_not_found", []string{"channel", "C1", "ts", "1.1"}},
		{"link to nothing", "chat.getPermalink", "message_not_found", []string{"channel", "C1", "message_ts", "1.1"}},
		{"DM to an unknown user", "conversations.open", "user_not_found", []string{"users", "U7"}},
		{"DM to the deleted", "conversations.open", "user_disabled", []string{"users", "U8"}},
		{"DM to a stranger", "conversations.open", "user_not_visible", []string{"users", "U9"}},
		{"DM to itself", "conversations.open", "cannot_dm_bot", []string{"users", "U01BOT"}},
		{"user", "users.info", "user_not_found", []string{"user", "U7"}},
		{"e-mail", "users.lookupByEmail", "users_not_found", []string{"email", "x@example.com"}},
		{"group", "usergroups.users.list", "no_such_subteam", []string{"usergroup", "S7"}},
		{"trigger", "views.open", "invalid_trigger_id", []string{"trigger_id", "1.2.x", "view", modal(section)}},
		{"view to update", "views.update", "not_found", []string{"view_id", "V7", "view", modal(section)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if a := call(t, s, test.method, test.args...); a.OK || a.Error != test.want {
				t.Errorf("%s answered %q, want %q", test.method, a.Error, test.want)
			}
		})
	}
}

func TestScopesAreNeeded(t *testing.T) {
	s := workspace(t, slacktest.Options{Scopes: []string{"users:read"}})
	if a := call(t, s, "chat.postMessage", "channel", "C1", "text", "x"); a.Error != "missing_scope" || a.Needed != "chat:write" {
		t.Errorf("posting without chat:write answered %q, needing %q", a.Error, a.Needed)
	}
	if a := call(t, s, "users.info", "user", "U1"); !a.OK {
		t.Errorf("users.info with users:read answered %q", a.Error)
	}
	if ada, err := client(s).GetUserInfo("U1"); err != nil || ada.Profile.Email != "" {
		t.Errorf("without users:read.email: %q, %v", ada.Profile.Email, err)
	}
	if a := call(t, s, "views.publish", "user_id", "U1", "view", `{"type":"home","blocks":[`+section+`]}`); !a.OK {
		t.Errorf("views.publish, which needs no scope, answered %q", a.Error)
	}
}

func TestAnUpdateWithTextAloneTakesTheBlocksAway(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	ts := call(t, s, "chat.postMessage", "channel", "C1", "text", "one", "blocks", "["+section+"]").TS
	update := func(args ...string) slacktest.Message {
		t.Helper()
		call(t, s, "chat.update", append([]string{"channel", "C1", "ts", ts}, args...)...)
		return s.Messages("C1")[0]
	}
	if m := update("blocks", "["+actions(button("a"))+"]"); m.Text != "one" || len(m.Buttons()) != 1 {
		t.Errorf("after blocks alone: %q with %d buttons, want the old text and 1", m.Text, len(m.Buttons()))
	}
	if m := update("text", "two"); m.Text != "two" || m.Blocks != nil {
		t.Errorf("after text alone: %q with blocks %s, want none", m.Text, m.Blocks)
	}
	if a := call(t, s, "chat.update", "channel", "C1", "ts", ts); a.Error != "no_text" {
		t.Errorf("an update with neither answered %q, want no_text", a.Error)
	}
	if m := s.Messages("C1")[0]; m.Edited != 2 {
		t.Errorf("edited %d times, want 2", m.Edited)
	}
}

func TestAnEphemeralMessageCannotBeUpdated(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	call(t, s, "chat.postEphemeral", "channel", "C1", "user", "U1", "text", "psst")
	m := s.WaitEphemeral("U1", nil)
	if a := call(t, s, "chat.update", "channel", "C1", "ts", m.TS, "text", "x"); a.Error != "cant_update_message" {
		t.Errorf("chat.update of an ephemeral message answered %q", a.Error)
	}
	if len(s.Violations()) != 1 {
		t.Errorf("violations: %q, want one", s.Violations())
	}
}

func TestVisibleTextIsInReadingOrder(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	rich := `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Code: "},{"type":"text","text":"AB7"},{"type":"user","user_id":"U1"}]}]}`
	call(t, s, "chat.postMessage", "channel", "C1", "text", "fallback", "blocks",
		`[`+section+`,`+rich+`,{"type":"section","fields":[`+plainText("f1")+`,`+plainText("f2")+`]},`+actions(button("go"))+`]`)
	if got, want := s.Messages("C1")[0].All(), "fallback\nhello\nCode: AB7U1\nf1\nf2\ngo"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}
