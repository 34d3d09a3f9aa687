package slackbot

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// The methods whose refusal concerns the whole app: only they can end the bot.
const methodAuthTest, methodOpenSocket = "auth.test", "apps.connections.open"

// callError is a failed call of the Web API.
type callError struct {
	method  string // such as "chat.postMessage"
	subject string // the channel, user or group that it is about, such as "user U0ADA"; "" for the app
	err     error
}

// newCallError returns a callError, or nil if err is nil.
func newCallError(method, subject string, err error) error {
	if err == nil {
		return nil
	}
	return &callError{method: method, subject: subject, err: err}
}

func (e *callError) Error() string {
	if e.subject == "" {
		return e.method + ": " + e.err.Error()
	}
	return e.method + " for " + e.subject + ": " + e.err.Error()
}

func (e *callError) Unwrap() error { return e.err }

// tokenFixes holds what an operator has to do about the errors of a token, which no retry resolves. The list is what Slack
// documents for auth.test and apps.connections.open.
var tokenFixes = map[string]string{
	"invalid_auth":            "copy the tokens again from the app's pages",
	"not_authed":              "set SLACK_BOT_TOKEN, and SLACK_APP_TOKEN for socket mode",
	"account_inactive":        "install the app again: its token belongs to a deleted user or workspace",
	"token_revoked":           "install the app again and copy its new token",
	"token_expired":           "turn token rotation off for the app and copy its new token",
	"not_allowed_token_type":  "set SLACK_APP_TOKEN to the xapp- token and SLACK_BOT_TOKEN to the xoxb- token",
	"missing_scope":           "create the app from `scanwarden manifest`, and give its app token connections:write",
	"no_permission":           "install the app again as a user who may grant its scopes",
	"team_access_not_granted": "have an administrator grant the app access to this workspace",
	"link_disabled":           "turn socket mode on for the app",
}

// fatalError returns the error with which Run ends, if auth.test or apps.connections.open can never succeed. It returns nil for any
// other error: that one concerns a channel, a user or a scope, and the rest goes on.
func fatalError(err error) error {
	call, ok := errors.AsType[*callError](err)
	if !ok || call.method != methodAuthTest && call.method != methodOpenSocket {
		return nil
	}
	code := slackCode(err)
	if fix, ok := tokenFixes[code]; ok {
		return fmt.Errorf("slack refuses the app (%s: %s): %s", call.method, code, fix)
	}
	return nil
}

// tokenCodes are the errors with which every method answers when the bot token is not valid.
var tokenCodes = map[string]bool{
	"invalid_auth": true, "not_authed": true, "account_inactive": true, "token_revoked": true, "token_expired": true,
}

// subjectFixes holds, by Slack's error code, what has happened to the subject of a call and what an operator has to do.
var subjectFixes = map[string]struct{ problem, fix string }{
	"is_archived":              {"is archived", "unarchive it, or set SCANWARDEN_SLACK_CHANNEL to another channel"},
	"channel_not_found":        {"does not exist, or the app cannot see it", "invite the app into it, or set SCANWARDEN_SLACK_CHANNEL to another channel"},
	"not_in_channel":           {"does not have the app as a member", "invite the app into it"},
	"restricted_action":        {"does not let the app post", "allow the app to post there, or set SCANWARDEN_SLACK_CHANNEL to another channel"},
	"user_disabled":            {"is deactivated", "list another approver in its place (SCANWARDEN_APPROVERS)"},
	"user_not_found":           {"does not exist in this workspace", "list another approver in its place (SCANWARDEN_APPROVERS)"},
	"user_not_visible":         {"is not visible to the app", "list another approver in its place (SCANWARDEN_APPROVERS)"},
	"cannot_dm_bot":            {"is a bot", "list a person in its place (SCANWARDEN_APPROVERS)"},
	codeNoGroup:                {"does not exist", "list another user group in its place (SCANWARDEN_APPROVERS, SCANWARDEN_REQUESTERS)"},
	"subteam_not_found":        {"does not exist", "list another user group in its place (SCANWARDEN_APPROVERS, SCANWARDEN_REQUESTERS)"},
	"group_not_found":          {"does not exist", "list another one in its place (SCANWARDEN_APPROVERS, SCANWARDEN_REQUESTERS)"},
	"invalid_blocks":           {"does not take the message's form", "report this as a bug of scanwarden"},
	"ekm_access_denied":        {"is closed by the workspace's key management", "ask the administrators of the workspace"},
	"access_denied":            {"is not open to the app", "ask the administrators of the workspace"},
	"org_login_required":       {"is being moved to another organization", "wait until the move has ended"},
	"team_added_to_org":        {"is being moved to another organization", "wait until the move has ended"},
	"enterprise_is_restricted": {"is not open to the app", "ask the administrators of the workspace"},
}

// explainError returns what has happened, in words for users, and what an operator has to do. fix is "" if waiting is enough.
func explainError(err error) (problem, fix string) {
	call, _ := errors.AsType[*callError](err)
	code := slackCode(err)
	known, isKnown := subjectFixes[code]
	switch {
	case retryAfter(err) > 0:
		return "Slack asks to wait, because there were too many calls", ""
	case code == "" || call == nil:
		return "Slack cannot be reached", ""
	case code == "missing_scope" && call.method != methodOpenSocket:
		return fmt.Sprintf("the app lacks a scope that %s needs (missing_scope: %s)", call.method, neededScopes(err)),
			"update the app with `scanwarden manifest` and install it again"
	case isKnown && call.method == "users.info": // about a requester or a voter, who may be on no list
		return fmt.Sprintf("%s %s (%s)", call.subject, known.problem, code), ""
	case isKnown:
		return fmt.Sprintf("%s %s (%s)", cmp.Or(call.subject, "the app"), known.problem, code), known.fix
	case tokenFixes[code] != "":
		return fmt.Sprintf("Slack refuses the app (%s: %s)", call.method, code), tokenFixes[code]
	}
	return fmt.Sprintf("Slack does not accept %s for %s (%s)", call.method, cmp.Or(call.subject, "the app"), code),
		"look the error up on the page of " + call.method + " at docs.slack.dev"
}

// withAdvice returns prefix with what to do about err: an operator's work, or to try again in a moment.
func withAdvice(prefix string, err error) string {
	if problem, fix := explainError(err); fix != "" {
		return prefix + ": " + problem + ". An operator has to " + fix
	}
	return prefix + "; try again in a moment"
}

// reScopes matches a list of scopes. Slack's answer is shown to users, so anything else is left out.
var reScopes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_.:,\- ]{0,200}$`) })

// neededScopes returns the scopes that a call lacks, as Slack names them, or "unknown".
func neededScopes(err error) string {
	answer, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok || !reScopes().MatchString(answer.Needed) {
		return "unknown"
	}
	return answer.Needed
}

// joinedErrors returns the errors that errors.Join has joined, in order. It returns nil for nil.
func joinedErrors(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		all = append(all, joinedErrors(e)...)
	}
	return all
}

// slackCode returns Slack's own error code, such as "invalid_auth". It returns "" if err has none.
func slackCode(err error) string {
	if answer, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return strings.TrimSpace(answer.Err)
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
