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

const (
	// pollInterval is how often the ledger is looked at for what other processes did, or left undone.
	pollInterval = time.Second
	// maxDirectMessages bounds how many people get a direct message.
	maxDirectMessages = 50
	// postWait is how long a requester waits to hear whether people were asked.
	postWait = time.Second

	requestKind, outcomeKind = "question", "word" // of a confirm.Notice
)

// notifyLoop posts, rewrites and reminds, whenever something moved and on a timer, until ctx ends. All of it
// happens here, one thing after the other, so that no older text ever overwrites a newer one.
func (b *Bot) notifyLoop(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if err := b.notifyOnce(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.WarnContext(ctx, "messages in Slack will be brought up to date later", "error", err)
		}
		select {
		case <-b.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (b *Bot) notifyOnce(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // the next round tries again
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
	notices, err := b.cfg.Messages(ctx)
	if err != nil {
		return err
	}
	n := notifier{Bot: b, gate: back.Gate, messages: notices}
	return errors.Join(n.postPending(ctx), n.updateOutdated(ctx))
}

// notifier is one round of posting and rewriting.
type notifier struct {
	*Bot
	gate     *confirm.Gate
	messages MessageStore
}

// postPending puts every pending change to people that is not yet, and reminds them of those that are.
func (n notifier) postPending(ctx context.Context) error {
	kept, err := n.gate.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: 1000})
	if err != nil {
		return err
	}
	pending := map[string]bool{}
	var errs []error
	for _, c := range slices.Backward(kept) { // the oldest first
		if !isForSlack(c) || !c.Expires.After(n.cfg.Now()) {
			continue
		}
		pending[c.ID] = true
		errs = append(errs, n.postChange(ctx, c), n.remindApprovers(ctx, c))
	}
	n.outbox.prune(pending, n.cfg.Now())
	return errors.Join(errs...)
}

// postChange puts a change to people at every place where it does not stand yet.
func (n notifier) postChange(ctx context.Context, c confirm.Change) error {
	job := n.outbox.jobFor(c.ID)
	if !n.outbox.isDue(job, n.cfg.Now()) {
		return nil
	}
	standing, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	places, err := n.destinations(ctx)
	for _, place := range places {
		msg, begun := findMessage(standing, place)
		if msg.Message != "" || !n.shouldPost(c, begun) {
			continue
		}
		err = errors.Join(err, n.postTo(ctx, c, place, job))
	}
	n.handlePostError(err)
	problem := postProblem(err)
	err = errors.Join(err, n.gate.SetProblem(ctx, c.ID, problem)) // an assistant that asks learns it too
	n.outbox.finish(job, problem, n.cfg.Now())
	return err
}

// shouldPost leaves a change to the process that moved it, and a posting to whoever began it, for a while.
func (n notifier) shouldPost(c confirm.Change, begun bool) bool {
	age := n.cfg.Now().Sub(c.Created)
	return n.outbox.owns(c.ID) || (!begun && age >= ownerHeadStart) || (begun && age >= postLease)
}

// postTo posts to one place: it is reserved first, so that others leave it alone, and kept after. A message that
// the ledger did not take is kept later, not posted again.
func (n notifier) postTo(ctx context.Context, c confirm.Change, place string, job *postJob) error {
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	msg := confirm.Message{Change: c.ID, Channel: place, Kind: requestKind, Version: c.Version, Message: job.unsaved[place]}
	if msg.Message == "" {
		if err := n.messages.SaveMessage(ctx, msg); err != nil {
			return err
		}
		options := append(noUnfurl(), slack.MsgOptionText(n.headlineFor(c), true), slack.MsgOptionBlocks(n.changeMessage(c, "")...))
		_, message, err := n.api.PostMessageContext(ctx, place, options...)
		if err != nil {
			return fmt.Errorf("post to %s: %w", place, err)
		}
		msg.Message = message
		job.unsaved[place] = message
	}
	return n.messages.SaveMessage(ctx, msg)
}

// detachedContext lets what was begun be ended and recorded although the bot is told to stop: a message that the
// ledger does not know of would be posted again after the restart.
func detachedContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
}

// handlePostError obeys what Slack asks for, and ends the bot when it will never be heard again.
func (n notifier) handlePostError(err error) {
	if wait := retryAfter(err); wait > 0 {
		n.outbox.backOff(n.cfg.Now(), wait)
	}
	n.stopIfFatal(err)
}

// destinations are where changes are put to people: the channel, or else the approvers' direct messages.
func (n notifier) destinations(ctx context.Context) ([]string, error) {
	if n.cfg.Channel != "" {
		return []string{n.cfg.Channel}, nil
	}
	users, err := n.approverUsers(ctx)
	if len(users) == 0 && err == nil {
		err = errNoApprover
	}
	var places []string
	for _, user := range users {
		place, failed := n.dmChannel(ctx, user)
		if err = errors.Join(err, failed); failed == nil {
			places = append(places, place)
		}
	}
	return places, err
}

var errNoApprover = errors.New("no channel is configured and no approver is in Slack; set SCANWARDEN_SLACK_CHANNEL")

// approverUsers are the people in Slack who may decide, by their ids.
func (n notifier) approverUsers(ctx context.Context) (users []string, err error) {
	for _, approver := range n.cfg.Approvers {
		found, failed := n.resolveApprover(ctx, approver)
		users, err = append(users, found...), errors.Join(err, failed)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	return users[:min(len(users), maxDirectMessages)], err
}

// resolveApprover are the people in Slack whom one of the approvers stands for: a user group's members, or who has an account
// here that is joined with theirs.
func (n notifier) resolveApprover(ctx context.Context, approver string) (users []string, err error) {
	if group, ok := strings.CutPrefix(approver, "slack-group:"); ok {
		return n.users.membersOf(ctx, group)
	}
	known, err := n.gate.Person(ctx, confirm.Principal(approver))
	if err != nil {
		return nil, err
	}
	return slackUserIDs(known), nil
}

func (n notifier) dmChannel(ctx context.Context, user string) (string, error) {
	if place, ok := n.outbox.dms[user]; ok {
		return place, nil
	}
	place, err := n.openDM(ctx, user)
	if err == nil {
		n.outbox.dms[user] = place
	}
	return place, err
}

func findMessage(all []confirm.Message, place string) (msg confirm.Message, ok bool) {
	i := slices.IndexFunc(all, func(msg confirm.Message) bool { return msg.Channel == place })
	if i < 0 {
		return msg, false
	}
	return all[i], true
}

// postProblem tells people why a change is not put to them yet.
func postProblem(err error) string {
	switch code := slackCode(err); {
	case err == nil:
		return ""
	case errors.Is(err, errNoApprover):
		return errNoApprover.Error() + "."
	case code != "":
		return fmt.Sprintf("Slack does not take the question (%s); posting is retried until it expires.", code)
	}
	return "Slack cannot be reached with the question; posting is retried until it expires."
}

// waitPosted waits a moment for the question to stand, and says what is wrong when it does not.
func (b *Bot) waitPosted(ctx context.Context, c confirm.Change) (problem string) {
	job := b.outbox.jobFor(c.ID)
	b.outbox.own(c.ID, b.cfg.Now())
	b.wakeNotifier()
	timer := time.NewTimer(postWait)
	defer timer.Stop()
	select {
	case <-job.tried:
		return b.outbox.lastProblem(job)
	case <-timer.C:
	case <-ctx.Done():
	}
	return "Slack has not taken the question yet; posting is retried until it expires."
}
