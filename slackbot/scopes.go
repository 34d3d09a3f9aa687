package slackbot

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// scopeUses holds, for each scope that the manifest asks for, what does not work without it.
var scopeUses = map[string]string{
	"commands":         "no slash command reaches this server",
	"chat:write":       "no change is put to the approvers in Slack, and no message is updated",
	"im:write":         "approvers and requesters get no direct messages",
	"users:read":       "no user can be verified, so that nothing is proposed or confirmed in Slack",
	"usergroups:read":  "the members of the user groups in the policy cannot be asked, confirm or propose",
	"users:read.email": "no account is matched by its e-mail address",
	"mcp:connect":      "Slack's assistant cannot call this server",
}

// warnMissingScopes logs each scope that the configuration needs and the bot token lacks, once, and what does not work
// without it. Without Slack's header the scopes are unknown, and nothing is logged.
func (b *Bot) warnMissingScopes(ctx context.Context, home *slack.AuthTestResponse) {
	b.scopesCompared.Do(func() {
		granted := grantedScopes(home.Header)
		if len(granted) == 0 {
			return
		}
		missing, _ := compareScopes(requiredScopes(b.cfg), granted)
		for _, scope := range missing {
			b.cfg.Log.WarnContext(ctx, "the app lacks a scope", "scope", scope, "without_it", scopeUses[scope],
				"do", "update the app with `scanwarden manifest` and install it again")
		}
	})
}

// grantedScopes returns the scopes of a token, from a header of Slack's answer. It returns nil if they are not known.
func grantedScopes(h http.Header) (granted []string) {
	for scope := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			granted = append(granted, scope)
		}
	}
	return granted
}

// compareScopes returns the scopes that are needed and not granted, and those that are granted and not needed.
func compareScopes(needed, granted []string) (missing, idle []string) {
	for _, scope := range needed {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	for _, scope := range granted {
		if !slices.Contains(needed, scope) {
			idle = append(idle, scope)
		}
	}
	return missing, idle
}
