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

// ResolveUser returns the principal and the user groups of a user in a signed request from Slack. team is our
// workspace or, on Enterprise Grid, its organization. The groups have the form that the policy uses; a group that
// Slack does not return is left out. The error explains in one plain sentence why the user cannot act: they are not a
// full member of our workspace, or Slack did not confirm that they are.
func (b *Bot) ResolveUser(ctx context.Context, team, user string) (confirm.Principal, []string, error) {
	if !blocks.IsID(team) || !blocks.IsID(user) {
		return "", nil, errors.New("slack named no person of a workspace; use the slash commands instead")
	}
	by, err := b.resolveUser(ctx, b.users, caller{team: team, user: user})
	if err != nil {
		if _, notAllowed := errors.AsType[notAllowedError](err); !notAllowed {
			b.warn(ctx, "failed to resolve a user", err, "user", user)
		}
		return "", nil, errors.New(ownMessage(err))
	}
	groups, err := b.users.groupsOf(ctx, user)
	if err != nil {
		b.warn(ctx, "failed to read a user's groups", err, "user", user)
	}
	return by.principal(), groups, nil
}

// errUnsigned answers a request without a valid signature. It reveals no more.
var errUnsigned = errors.New("not signed by Slack for this app, or too long ago")

// NewVerifier returns a function that checks the signature of a request over its raw body. It returns nil for a body
// that Slack signed within the last five minutes. Without a secret it rejects every request.
func NewVerifier(signingSecret tools.Secret) func(http.Header, []byte) error {
	return func(header http.Header, body []byte) error {
		verify, err := newVerifier(header, signingSecret)
		if err != nil {
			return err
		}
		return verify(body)
	}
}

// newVerifier returns a function that checks the signature in header over a body. It returns errUnsigned at once if
// no body can match, so that a request with a wrong timestamp is rejected unread.
func newVerifier(header http.Header, signingSecret tools.Secret) (verify func(body []byte) error, err error) {
	verifier, err := slack.NewSecretsVerifier(header, revealString(signingSecret)) // checks the timestamp
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
