package slackbot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"scanwarden/confirm"
)

// maxDirectMessages bounds how many approvers get a direct message.
const maxDirectMessages = 50

// destinations returns the channels for confirmation messages: the configured one, or else the direct messages of the
// approvers.
func (n notifier) destinations(ctx context.Context) ([]string, error) {
	if n.cfg.Channel != "" {
		return []string{n.cfg.Channel}, nil
	}
	users, err := n.approverUsers(ctx)
	if len(users) == 0 && err == nil {
		err = errNoApprover
	}
	var channels []string
	for _, user := range users {
		channel, failed := n.dmChannel(ctx, user)
		if err = errors.Join(err, failed); failed == nil {
			channels = append(channels, channel)
		}
	}
	return channels, err
}

var errNoApprover = errors.New("no channel is configured and no approver is in Slack; set SCANWARDEN_SLACK_CHANNEL")

// approverUsers returns the user IDs of all approvers in Slack.
func (n notifier) approverUsers(ctx context.Context) (users []string, err error) {
	for _, approver := range n.cfg.Approvers {
		found, failed := n.resolveApprover(ctx, approver)
		users, err = append(users, found...), errors.Join(err, failed)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	return users[:min(len(users), maxDirectMessages)], err
}

// resolveApprover returns the user IDs that one entry of the approvers stands for: the members of a user group, or
// the Slack accounts that are linked to a principal.
func (n notifier) resolveApprover(ctx context.Context, approver string) (users []string, err error) {
	if group, ok := strings.CutPrefix(approver, groupPrefix); ok {
		return n.users.membersOf(ctx, group)
	}
	known, err := n.gate.Person(ctx, confirm.Principal(approver))
	if err != nil {
		return nil, err
	}
	return slackUserIDs(known), nil
}

// dmChannel returns the direct message channel of a user, from the cache or from Slack.
func (n notifier) dmChannel(ctx context.Context, user string) (string, error) {
	if channel, ok := n.outbox.dms.Get(user); ok {
		return channel, nil
	}
	channel, err := n.openDM(ctx, user)
	if err == nil {
		n.outbox.dms.Add(user, channel)
	}
	return channel, err
}
