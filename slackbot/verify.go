package slackbot

import (
	"context"
	"errors"
	"net/http"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/tools"
)

// ResolveUser returns the principal and the user groups, as policy names them, of a person whom Slack names in a request that
// it has signed; the team may be our own workspace or, on Enterprise Grid, its organisation. The error says in one plain sentence why they cannot act here: they are no full member of our own
// workspace, or Slack does not say that they are. A group that Slack does not tell counts for nothing.
func (b *Bot) ResolveUser(ctx context.Context, team, user string) (confirm.Principal, []string, error) {
	if !blocks.IsID(team) || !blocks.IsID(user) {
		return "", nil, errors.New("slack named no person of a workspace; ask with the slash commands instead")
	}
	who, err := b.resolveUser(ctx, caller{team: team, user: user})
	if err != nil {
		if _, stranger := errors.AsType[notAllowedError](err); !stranger {
			b.cfg.Log.WarnContext(ctx, "nobody could vouch for a person in Slack", "user", user, "error", err)
		}
		return "", nil, errors.New(ownMessage(err))
	}
	groups, err := b.users.groupsOf(ctx, user)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "a person's user groups are not known", "user", user, "error", err)
	}
	return who.principal(), groups, nil
}

// errUnsigned is all that a request is told that is not signed.
var errUnsigned = errors.New("not signed by Slack for this app, or too long ago")

// NewVerifier returns what holds a request's signature against its raw body: nil for what Slack signed within the last five
// minutes. Without a secret nothing is signed.
func NewVerifier(signingSecret tools.Secret) func(http.Header, []byte) error {
	return func(header http.Header, body []byte) error {
		holds, err := newVerifier(header, signingSecret)
		if err != nil {
			return err
		}
		return holds(body)
	}
}

// newVerifier returns what holds the signature in header against a body, or refuses what no body could be signed by:
// a stranger need only get the timestamp wrong not to be read.
func newVerifier(header http.Header, signingSecret tools.Secret) (holds func(body []byte) error, err error) {
	verifier, err := slack.NewSecretsVerifier(header, revealString(signingSecret)) // which looks at the timestamp
	if err != nil {
		return nil, errUnsigned
	}
	return func(body []byte) error {
		if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
			return errUnsigned
		}
		return nil
	}, nil
}
