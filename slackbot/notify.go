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

// The values of confirm.Message.Kind: a confirmation message, the outcome for the requester, and the request with the receipt.
const confirmationKind, outcomeKind, detailKind = "question", "word", "details"

// notifyLoop posts, updates and reminds after each transition and on a timer, until ctx ends. It runs one round at a
// time, so that an older text never overwrites a newer one.
func (b *Bot) notifyLoop(ctx context.Context) {
	tick := time.NewTicker(b.waits.pollInterval)
	defer tick.Stop()
	for {
		if err := b.notifyOnce(ctx); err != nil && ctx.Err() == nil {
			b.warn(ctx, "failed to post or update messages in Slack; retrying", err)
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
	home, err := b.users.workspace(ctx)
	if err != nil {
		b.stopIfFatal(err)
		return err
	}
	b.warnMissingScopes(ctx, home)
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

// postChange posts the confirmation message of a change to each destination that lacks it. A destination that fails does not keep
// the others waiting.
func (n notifier) postChange(ctx context.Context, c confirm.Change, job *postJob) error {
	posted, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	to, failed := n.destinations(ctx)
	result := attempt{complete: true}
	for _, d := range to {
		msg, begun := findMessage(posted, d.channel)
		switch {
		case msg.Message != "":
			result.reached = append(result.reached, d)
		case !n.shouldPost(c, begun):
			result.complete = false
		default:
			err := n.postTo(ctx, c, d, job)
			if failed = errors.Join(failed, err); err == nil {
				result.reached = append(result.reached, d)
			}
		}
	}
	n.handlePostError(failed)
	if failed != nil {
		result.failed = countUnreachable(failed)
		result.problem, err = n.postProblem(ctx, c, result, failed)
	}
	err = errors.Join(err, n.gate.SetProblem(ctx, c.ID, result.problem)) // for an assistant that reads the change
	n.outbox.finish(job, result, n.cfg.Now())
	return errors.Join(failed, err)
}

// shouldPost reports whether this process may post a change now. For a while it leaves a change to the process that
// made its last transition, and a post to the process that began it.
func (n notifier) shouldPost(c confirm.Change, begun bool) bool {
	age := n.cfg.Now().Sub(c.Created)
	return n.outbox.owns(c.ID) || (!begun && age >= ownerHeadStart) || (begun && age >= postLease)
}

// postTo posts to one destination. It reserves the post in the store first, so that other processes leave it alone, and
// then saves the message. If the store does not take the message, a later round saves it and does not post again.
func (n notifier) postTo(ctx context.Context, c confirm.Change, to destination, job *postJob) error {
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	channel := to.channel
	msg := confirm.Message{Change: c.ID, Channel: channel, Kind: confirmationKind, Version: c.Version, Message: job.unsaved[channel]}
	if msg.Message == "" {
		if err := n.messages.SaveMessage(ctx, msg); err != nil {
			return err
		}
		*n.posts++
		options := append(noUnfurl(), slack.MsgOptionText(n.headlineFor(c), true), slack.MsgOptionBlocks(n.changeMessage(c, "")...))
		_, message, err := n.api.PostMessageContext(ctx, channel, options...)
		if err != nil {
			return newCallError("chat.postMessage", to.subject(), err)
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

// handlePostError stops calls for as long as Slack asks.
func (n notifier) handlePostError(err error) {
	if wait := retryAfter(err); wait > 0 {
		n.outbox.backOff(n.cfg.Now(), wait)
	}
}

// findMessage returns the message in a channel.
func findMessage(all []confirm.Message, channel string) (msg confirm.Message, ok bool) {
	i := slices.IndexFunc(all, func(msg confirm.Message) bool { return msg.Channel == channel })
	if i < 0 {
		return msg, false
	}
	return all[i], true
}

// postProblem returns, for the requester, why too few approvers could be asked: nobody, or fewer than have to confirm. It returns ""
// if there are enough.
func (n notifier) postProblem(ctx context.Context, c confirm.Change, result attempt, failed error) (string, error) {
	able, err := n.countDeciders(ctx, c, result.reached)
	if err != nil {
		return "", err
	}
	needed := max(c.Needed-c.Approvals(), 1)
	if !result.complete || able >= needed {
		return "", nil
	}
	return fewerThanNeeded(able, needed) + explainFailures(failed), nil
}

// fewerThanNeeded returns how many approvers were asked, if that is not zero.
func fewerThanNeeded(able, needed int) string {
	if able == 0 {
		return ""
	}
	return fmt.Sprintf("only %d of the %d approvers that it needs could be asked. ", able, needed)
}

// explainFailures returns why approvers could not be asked, and what an operator has to do. It names the first of several problems.
func explainFailures(failed error) string {
	all := joinedErrors(failed)
	if errors.Is(failed, errNoApprover) {
		return errNoApprover.Error() + "."
	}
	problem, fix := explainError(all[0])
	text := "Slack did not take the question: " + problem
	switch more := len(all) - 1; {
	case more == 1:
		text += ", and 1 more problem"
	case more > 1:
		text += fmt.Sprintf(", and %d more problems", more)
	}
	if fix != "" {
		text += ". An operator has to " + fix
	}
	return text + "; posting is retried until it expires."
}

// waitPosted waits a moment for the confirmation message of c, and returns what came of it: "" or why it is not posted, and how many
// approvers could not be asked.
func (b *Bot) waitPosted(ctx context.Context, c confirm.Change) (problem, partly string) {
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
	return "Slack has not accepted the message yet; posting is retried until it expires.", ""
}
