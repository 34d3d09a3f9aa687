package slackbot

import (
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// fatalErrorFixes holds what an operator has to do about errors that no retry resolves. The list is what Slack
// documents for auth.test and apps.connections.open.
var fatalErrorFixes = map[string]string{
	"invalid_auth":            "copy the tokens again from the app's pages",
	"not_authed":              "set SLACK_BOT_TOKEN, and SLACK_APP_TOKEN for socket mode",
	"account_inactive":        "reinstall the app: its token belongs to a deleted user or workspace",
	"token_revoked":           "reinstall the app and copy its new token",
	"token_expired":           "turn token rotation off for the app and copy its new token",
	"not_allowed_token_type":  "SLACK_APP_TOKEN must be the xapp- token and SLACK_BOT_TOKEN the xoxb- token",
	"missing_scope":           "create the app from `scanwarden manifest`, and give its app token connections:write",
	"no_permission":           "reinstall the app as a user who may grant its scopes",
	"team_access_not_granted": "have an administrator grant the app access to this workspace",
	"link_disabled":           "turn socket mode on for the app",
}

// fatalError returns the error with which Run ends if err can never be resolved by waiting. It returns nil for any
// other error.
func fatalError(err error) error {
	code := slackCode(err)
	if cure, ok := fatalErrorFixes[code]; ok {
		return fmt.Errorf("slack refuses the app (%s): %s", code, cure)
	}
	return nil
}

// slackCode returns Slack's own error code, such as "invalid_auth". It returns "" if err has none.
func slackCode(err error) string {
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return answer.Err
	}
	return ""
}

// retryAfter returns how long Slack asks to wait. It returns 0 if Slack does not ask for it.
func retryAfter(err error) time.Duration {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return max(limited.RetryAfter, time.Second)
	}
	if slackCode(err) == "ratelimited" || slackCode(err) == "rate_limited" {
		return 10 * time.Second
	}
	return 0
}

// permanentUpdateErrors are Slack's error codes for a message that can never be updated.
var permanentUpdateErrors = map[string]bool{
	"message_not_found": true, "cant_update_message": true, "channel_not_found": true, "is_archived": true,
	"edit_window_closed": true, "not_in_channel": true,
}
