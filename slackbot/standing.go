package slackbot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// Standing asks Slack again whether the user of an approval may still approve, as confirm.Config describes it: it returns
// nil if the user is a full member of the workspace and is listed as an approver, by an account or by a user group. An
// error means that the approval does not count. An error that matches confirm.ErrUnavailable means that this cannot be
// known now. Standing accepts approvals by accounts that are not in Slack.
func (b *Bot) Standing(ctx context.Context, d confirm.Decision) error {
	user, ok := blocks.UserID(string(d.Principal))
	if !ok {
		return nil
	}
	team, _, _ := strings.Cut(strings.TrimPrefix(string(d.Principal), "slack:"), "/")
	users := b.users.current()
	by, err := b.resolveUser(ctx, users, caller{team: team, user: user})
	if err != nil {
		return standingError(err)
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return standingError(err)
	}
	known, err := back.Gate.Person(ctx, by.principal())
	if err != nil {
		return standingError(err)
	}
	if slices.ContainsFunc(known.Principals, func(p confirm.Principal) bool { return slices.Contains(b.cfg.Approvers, string(p)) }) {
		return nil
	}
	return b.checkApproverGroups(ctx, users, user)
}

// checkApproverGroups returns nil if one of the user groups among the approvers has the user.
func (b *Bot) checkApproverGroups(ctx context.Context, users userReader, user string) error {
	var unknown error
	for _, approver := range b.cfg.Approvers {
		group, ok := strings.CutPrefix(approver, groupPrefix)
		if !ok {
			continue
		}
		members, err := users.membersOf(ctx, group)
		switch {
		case err == nil && slices.Contains(members, user):
			return nil
		case err != nil && slackCode(err) != codeNoGroup:
			unknown = standingError(err)
		}
	}
	if unknown != nil {
		return unknown
	}
	return errors.New("the user is no longer among the approvers, neither by name nor by a user group in Slack")
}

// Slack's error codes for a user group and for a user that no longer exist.
const codeNoGroup, codeNoUser = "no_such_subteam", "user_not_found"

// standingError returns an error of Standing: that the user has lost the right, or else that it cannot be known now.
func standingError(err error) error {
	why, notAllowed := errors.AsType[notAllowedError](err)
	switch {
	case why == errAmbiguousUser:
		return errors.New("the e-mail address of the user in Slack belongs to another person than the user's linked accounts")
	case notAllowed, slackCode(err) == codeNoUser:
		return errors.New("the user is no longer an active full member of the workspace in Slack")
	}
	return fmt.Errorf("%w: slack cannot be asked about the user: %w", confirm.ErrUnavailable, err)
}
