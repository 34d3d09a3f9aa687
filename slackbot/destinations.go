package slackbot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// maxDirectMessages bounds how many approvers get a direct message.
const maxDirectMessages = 50

// destination is where a confirmation message is posted.
type destination struct {
	channel string // the ID of the channel or of the direct messages
	user    string // whose direct messages they are; "" for a channel
}

// subject returns the destination in words for users and the log.
func (d destination) subject() string {
	if d.user != "" {
		return "user " + d.user
	}
	return "channel " + d.channel
}

// destinations returns where confirmation messages are posted: the configured channel, or else the direct messages of the
// approvers. The error has what kept approvers out; the others are returned all the same.
func (n notifier) destinations(ctx context.Context) (to []destination, failed error) {
	if n.cfg.Channel != "" {
		return []destination{{channel: n.cfg.Channel}}, nil
	}
	users, failed := n.approverUsers(ctx)
	if len(users) == 0 && failed == nil {
		failed = errNoApprover
	}
	for _, user := range users {
		channel, err := n.dmChannel(ctx, user)
		if failed = errors.Join(failed, err); err == nil {
			to = append(to, destination{channel, user})
		}
	}
	return to, failed
}

// countUnreachable returns how many approvers and user groups the joined errors are about.
func countUnreachable(failed error) (count int) {
	for _, err := range joinedErrors(failed) {
		if _, ok := errors.AsType[*callError](err); ok {
			count++
		}
	}
	return count
}

// countDeciders returns how many of the approvers with a direct message may confirm c. A channel counts as enough.
func (n notifier) countDeciders(ctx context.Context, c confirm.Change, reached []destination) (count int, err error) {
	home, err := n.users.workspace(ctx)
	if err != nil {
		return 0, err
	}
	for _, d := range reached {
		if d.user == "" {
			return max(c.Needed, 1), nil
		}
		groups, _ := n.users.groupsOf(ctx, d.user) // without a group that cannot be read
		by := caller{team: home.TeamID, user: d.user}
		err := n.gate.CanDecide(ctx, c, confirm.Vote{Principal: by.principal(), Groups: groups, Approve: true, Channel: confirm.Slack})
		if err != nil && !tools.IsRefusal(err) {
			return 0, err
		}
		if err == nil {
			count++
		}
	}
	return count, nil
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

// dmChannel returns the direct message channel of a user, from the cache or from Slack. An account for which Slack opens none is asked
// for again after userCacheTTL.
func (n notifier) dmChannel(ctx context.Context, user string) (string, error) {
	if channel, ok := n.outbox.dms.Get(user); ok {
		return channel, nil
	}
	now := n.cfg.Now()
	if left, ok := n.outbox.left.Get(user); ok && now.Before(left.asked.Add(userCacheTTL)) {
		return "", left.value
	}
	channel, err := n.openDM(ctx, user)
	switch code := slackCode(err); {
	case err == nil:
		n.outbox.dms.Add(user, channel)
	case subjectFixes[code].fix != "":
		n.outbox.left.Add(user, cached[error]{err, now})
	}
	return channel, err
}
