package slackbot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
)

func TestCheckHealth(t *testing.T) {
	t.Parallel()
	scopes := []string{"commands", "chat:write", "im:write", "channels:history"}
	slack := slacktest.New(t, slacktest.Options{BotToken: "xoxb-right", AppToken: "xapp-right", Team: team, Scopes: scopes})
	cfg := slackbot.Config{
		API: slack.API(), BotToken: defender.NewSecret("xoxb-right"), AppToken: defender.NewSecret("xapp-right"),
		Approvers: []string{"slack-group:S0614TZR7"},
	}
	found, err := slackbot.CheckHealth(t.Context(), cfg)
	if err != nil || found.Bot == "" || found.Team == "" || found.Socket != nil {
		t.Errorf("%+v, %v", found, err)
	}
	if diff := cmp.Diff([]string{"users:read", "usergroups:read"}, found.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"channels:history"}, found.Idle); diff != "" {
		t.Errorf("idle (-want +got):\n%s", diff)
	}
	cfg.AppToken = defender.NewSecret("xapp-wrong")
	if found, err := slackbot.CheckHealth(t.Context(), cfg); err != nil || found.Socket == nil {
		t.Errorf("a wrong app token: %+v, %v", found, err)
	}
	for token, says := range map[string]string{"xoxb-wrong": "invalid_auth", "xoxp-a-person": "not a bot token"} {
		cfg.BotToken = defender.NewSecret(token)
		if _, err := slackbot.CheckHealth(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", token, err)
		}
	}
}
