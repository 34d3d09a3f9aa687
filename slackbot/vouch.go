package slackbot

import (
	"context"
	"errors"
	"net/http"

	"github.com/slack-go/slack"

	"scanwarden/tools"
)

// Vouch returns the approving user groups of a person whom Slack names in a request that it has signed, as policy
// names them. The error says in one plain sentence why they cannot act here: they are no full member of our own
// workspace, or Slack does not say that they are. A group that Slack does not tell counts for nothing.
func (b *Bot) Vouch(ctx context.Context, team, user string) (groups []string, err error) {
	who := caller{team: team, user: user}
	if !isID(team) || !isID(user) {
		return nil, errors.New("slack named no person of a workspace; ask with the slash commands instead")
	}
	if err := b.admitted(ctx, who); err != nil {
		if _, stranger := errors.AsType[errStranger](err); !stranger {
			b.cfg.Log.WarnContext(ctx, "nobody could vouch for a person in Slack", "user", user, "error", err)
		}
		return nil, errors.New(withoutCause(err))
	}
	groups, err = b.people.groupsOf(ctx, user)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "a person's user groups are not known", "user", user, "error", err)
	}
	return groups, nil
}

// errUnsigned is all that a request is told that is not signed.
var errUnsigned = errors.New("not signed by Slack for this app, or too long ago")

// Verify returns what holds a request's signature against its raw body: nil for what Slack signed within the last five
// minutes. Without a secret nothing is signed.
func Verify(signingSecret tools.Secret) func(http.Header, []byte) error {
	return func(header http.Header, body []byte) error {
		verifier, err := slack.NewSecretsVerifier(header, revealed(signingSecret))
		if err != nil {
			return errUnsigned
		}
		if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
			return errUnsigned
		}
		return nil
	}
}
