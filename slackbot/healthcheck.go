package slackbot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/slack-go/slack"
)

// Health is the result of CheckHealth.
type Health struct {
	Team, Bot string // the workspace and the bot's user name

	Missing []string // scopes that this configuration needs and the bot token lacks
	Idle    []string // scopes that the bot token has and nothing uses
	Socket  error    // why no socket could be opened; nil if one could, or if there is no app token
}

// CheckHealth asks Slack for the identity and the scopes of the app, and whether it can open a socket. The error is
// one sentence that contains what to do.
func CheckHealth(ctx context.Context, cfg Config) (Health, error) {
	if !strings.HasPrefix(revealString(cfg.BotToken), "xoxb-") {
		return Health{}, errors.New("slack: SLACK_BOT_TOKEN is not a bot token; copy the one that begins with xoxb- from the app's OAuth page")
	}
	cfg.API = cmp.Or(cfg.API, slack.APIURL)
	api := slack.New(revealString(cfg.BotToken), slack.OptionAPIURL(cfg.API), slack.OptionHTTPClient(&http.Client{Timeout: apiTimeout}),
		slack.OptionAppLevelToken(revealString(cfg.AppToken)))
	home, err := api.AuthTestContext(ctx)
	if err = newCallError(methodAuthTest, "", err); err != nil {
		if why := fatalError(err); why != nil {
			return Health{}, why
		}
		return Health{}, fmt.Errorf("slack did not identify the app: %w; check the network and SLACK_API_URL", err)
	}
	granted := grantedScopes(home.Header)
	found := Health{Team: home.Team, Bot: home.User}
	if len(granted) > 0 { // without the header the scopes are unknown, not missing
		found.Missing, found.Idle = compareScopes(requiredScopes(cfg), granted)
	}
	if !cfg.AppToken.Empty() {
		_, _, found.Socket = api.StartSocketModeContext(ctx)
	}
	return found, nil
}
