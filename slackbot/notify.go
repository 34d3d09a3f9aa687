package slackbot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// maxDirectMessages bounds how many approvers get a direct message.
const maxDirectMessages = 50

// The values of confirm.Message.Kind: a confirmation message, and the outcome for the requester.
const confirmationKind, outcomeKind = "question", "word"

// notifyLoop posts, updates and reminds after each transition and on a timer, until ctx ends. It runs one round at a
// time, so that an older text never overwrites a newer one.
func (b *Bot) notifyLoop(ctx context.Context) {
	tick := time.NewTicker(b.waits.pollInterval)
	defer tick.Stop()
	for {
		if err := b.notifyOnce(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.WarnContext(ctx, "failed to update messages in Slack; retrying", "error", err)
		}
		select {
		case <-b.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// notifyOnce runs one round. It returns a panic as an error.
func (b *Bot) notifyOnce(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // the next round retries
			err = fmt.Errorf("panic: %v: %s", p, debug.Stack())
		}
	}()
	if _, err := b.users.workspace(ctx); err != nil {
		b.stopIfFatal(err)
		return err
	}
	if b.isReadOnly() {
		return nil
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return err
	}
	messages, err := b.cfg.Messages(ctx)
	if err != nil {
		return err
	}
	n := notifier{Bot: b, gate: back.Gate, messages: messages}
	return errors.Join(n.postPending(ctx), n.updateOutdated(ctx))
}

// notifier is one round of posting, updating and reminding.
type notifier struct {
	*Bot
	gate     *confirm.Gate
	messages MessageStore
}

// postPending posts every pending change that is not posted yet, and reminds the approvers of the others.
func (n notifier) postPending(ctx context.Context) error {
	all, err := n.gate.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: 1000})
	if err != nil {
		return err
	}
	pending := map[string]bool{}
	var errs []error
	for _, c := range slices.Backward(all) { // oldest first
		if !isForSlack(c) || !c.Expires.After(n.cfg.Now()) {
			continue
		}
		pending[c.ID] = true
		errs = append(errs, n.postChange(ctx, c), n.remindApprovers(ctx, c))
	}
	n.outbox.prune(pending, n.cfg.Now())
	return errors.Join(errs...)
}

// postChange posts the confirmation message of a change to each channel that lacks it.
func (n notifier) postChange(ctx context.Context, c confirm.Change) error {
	job := n.outbox.jobFor(c.ID)
	if !n.outbox.isDue(job, n.cfg.Now()) {
		return nil
	}
	posted, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	channels, err := n.destinations(ctx)
	for _, channel := range channels {
		msg, begun := findMessage(posted, channel)
		if msg.Message != "" || !n.shouldPost(c, begun) {
			continue
		}
		err = errors.Join(err, n.postTo(ctx, c, channel, job))
	}
	n.handlePostError(err)
	problem := postProblem(err)
	err = errors.Join(err, n.gate.SetProblem(ctx, c.ID, problem)) // for an assistant that reads the change
	n.outbox.finish(job, problem, n.cfg.Now())
	return err
}

// shouldPost reports whether this process may post a change now. For a while it leaves a change to the process that
// made its last transition, and a post to the process that began it.
func (n notifier) shouldPost(c confirm.Change, begun bool) bool {
	age := n.cfg.Now().Sub(c.Created)
	return n.outbox.owns(c.ID) || (!begun && age >= ownerHeadStart) || (begun && age >= postLease)
}

// postTo posts to one channel. It reserves the post in the store first, so that other processes leave it alone, and
// then saves the message. If the store does not take the message, a later round saves it and does not post again.
func (n notifier) postTo(ctx context.Context, c confirm.Change, channel string, job *postJob) error {
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	msg := confirm.Message{Change: c.ID, Channel: channel, Kind: confirmationKind, Version: c.Version, Message: job.unsaved[channel]}
	if msg.Message == "" {
		if err := n.messages.SaveMessage(ctx, msg); err != nil {
			return err
		}
		options := append(noUnfurl(), slack.MsgOptionText(n.headlineFor(c), true), slack.MsgOptionBlocks(n.changeMessage(c, "")...))
		_, message, err := n.api.PostMessageContext(ctx, channel, options...)
		if err != nil {
			return fmt.Errorf("post to %s: %w", channel, err)
		}
		msg.Message = message
		job.unsaved[channel] = message
	}
	return n.messages.SaveMessage(ctx, msg)
}

// detachedContext returns a context that outlives ctx by shutdownTimeout, to finish and record a post although the
// bot stops: a message that is not in the store would be posted again after the restart.
func detachedContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
}

// handlePostError stops calls for as long as Slack asks, and ends the bot for a fatal error.
func (n notifier) handlePostError(err error) {
	if wait := retryAfter(err); wait > 0 {
		n.outbox.backOff(n.cfg.Now(), wait)
	}
	n.stopIfFatal(err)
}

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

// findMessage returns the message in a channel.
func findMessage(all []confirm.Message, channel string) (msg confirm.Message, ok bool) {
	i := slices.IndexFunc(all, func(msg confirm.Message) bool { return msg.Channel == channel })
	if i < 0 {
		return msg, false
	}
	return all[i], true
}

// postProblem returns, for the requester, why a change is not posted yet. It returns "" for nil.
func postProblem(err error) string {
	switch code := slackCode(err); {
	case err == nil:
		return ""
	case errors.Is(err, errNoApprover):
		return errNoApprover.Error() + "."
	case code != "":
		return fmt.Sprintf("Slack does not accept the message (%s); posting is retried until it expires.", code)
	}
	return "Slack cannot be reached; posting is retried until it expires."
}

// waitPosted waits a moment for the confirmation message of c. It returns "" if the message is posted, and otherwise
// why not.
func (b *Bot) waitPosted(ctx context.Context, c confirm.Change) (problem string) {
	job := b.outbox.jobFor(c.ID)
	b.outbox.own(c.ID, b.cfg.Now())
	b.wakeNotifier()
	timer := time.NewTimer(b.waits.posted)
	defer timer.Stop()
	select {
	case <-job.tried:
		return b.outbox.lastProblem(job)
	case <-timer.C:
	case <-ctx.Done():
	}
	return "Slack has not accepted the message yet; posting is retried until it expires."
}
