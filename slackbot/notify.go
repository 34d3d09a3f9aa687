package slackbot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

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
	n := notifier{Bot: b, gate: back.Gate, messages: messages, posts: new(int)}
	return errors.Join(n.postPending(ctx), n.updateOutdated(ctx))
}

// notifier is one round of posting, updating and reminding.
type notifier struct {
	*Bot
	gate     *confirm.Gate
	messages MessageStore
	posts    *int // how many messages and reminders it has tried to post
}

// maxPosts bounds how many messages and reminders one round posts, so that decided changes are updated in between.
const maxPosts = 50

// postPending posts the pending changes that are not posted yet, oldest first, and reminds the approvers of the others. It
// leaves those beyond maxPosts to the next round, which follows at once.
func (n notifier) postPending(ctx context.Context) error {
	pending := map[string]bool{}
	var errs []error
	errs = append(errs, n.gate.EachChange(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}}, func(c confirm.Change) error {
		if !isForSlack(c) || !c.Expires.After(n.cfg.Now()) {
			return nil
		}
		pending[c.ID] = true
		job := n.outbox.jobFor(c.ID)
		if *n.posts < maxPosts && n.outbox.isDue(job, n.cfg.Now()) {
			errs = append(errs, n.postChange(ctx, c, job))
		}
		if *n.posts < maxPosts && n.isReminderDue(c, job) {
			errs = append(errs, n.remindApprovers(ctx, c, job))
		}
		return ctx.Err()
	}))
	if *n.posts >= maxPosts {
		n.wakeNotifier()
	}
	if ctx.Err() == nil {
		n.outbox.prune(pending, n.cfg.Now())
	}
	return errors.Join(errs...)
}

// postChange posts the confirmation message of a change to each channel that lacks it.
func (n notifier) postChange(ctx context.Context, c confirm.Change, job *postJob) error {
	posted, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	channels, err := n.destinations(ctx)
	result := attempt{complete: true}
	for _, channel := range channels {
		msg, begun := findMessage(posted, channel)
		if msg.Message != "" {
			continue
		}
		if !n.shouldPost(c, begun) {
			result.complete = false
			continue
		}
		err = errors.Join(err, n.postTo(ctx, c, channel, job))
	}
	n.handlePostError(err)
	result.problem = postProblem(err)
	err = errors.Join(err, n.gate.SetProblem(ctx, c.ID, result.problem)) // for an assistant that reads the change
	n.outbox.finish(job, result, n.cfg.Now())
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
		*n.posts++
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

// detachedContext returns a context that ends after shutdownTimeout, and does not end when ctx is canceled. With it a
// post is finished and recorded while the bot stops. A post that is not recorded is repeated after the restart.
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
