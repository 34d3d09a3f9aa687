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
	// look is how often the ledger is looked at for what other processes did, or left undone.
	look = time.Second
	// mostDirect bounds how many people get a direct message.
	mostDirect = 50
	// patient is how long a requester waits to hear whether people were asked.
	patient = time.Second

	questionKind, wordKind = "question", "word" // of a confirm.Notice
)

// keepUp posts, rewrites and reminds, whenever something moved and on a timer, until ctx ends. All of it
// happens here, one thing after the other, so that no older text ever overwrites a newer one.
func (b *Bot) keepUp(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := b.catchUp(ctx); err != nil && ctx.Err() == nil {
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

func (b *Bot) catchUp(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil { // the next round tries again
			err = fmt.Errorf("panic: %v: %s", p, debug.Stack())
		}
	}()
	if _, err := b.people.workspace(ctx); err != nil {
		b.giveUpOn(err)
		return err
	}
	if b.readOnly() {
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
	k := keeper{Bot: b, gate: back.Gate, notices: notices}
	return errors.Join(k.postAll(ctx), k.rewriteAll(ctx))
}

// keeper is one round of posting and rewriting.
type keeper struct {
	*Bot
	gate    *confirm.Gate
	notices MessageStore
}

// postAll puts every pending change to people that is not yet, and reminds them of those that are.
func (k keeper) postAll(ctx context.Context) error {
	kept, err := k.gate.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}, Limit: 1000})
	if err != nil {
		return err
	}
	pending := map[string]bool{}
	var errs []error
	for _, c := range slices.Backward(kept) { // the oldest first
		if !ours(c) || !c.Expires.After(k.cfg.Now()) {
			continue
		}
		pending[c.ID] = true
		errs = append(errs, k.post(ctx, c), k.remind(ctx, c))
	}
	k.outbox.forget(pending, k.cfg.Now())
	return errors.Join(errs...)
}

// post puts a change to people at every place where it does not stand yet.
func (k keeper) post(ctx context.Context, c confirm.Change) error {
	job := k.outbox.job(c.ID)
	if !k.outbox.due(job, k.cfg.Now()) {
		return nil
	}
	standing, err := k.notices.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	places, err := k.places(ctx)
	for _, place := range places {
		n, begun := find(standing, place)
		if n.Message != "" || !k.mayPost(c, begun) {
			continue
		}
		err = errors.Join(err, k.put(ctx, c, place, job))
	}
	k.failed(err)
	problem := problemOf(err)
	err = errors.Join(err, k.gate.SetProblem(ctx, c.ID, problem)) // an assistant that asks learns it too
	k.outbox.end(job, problem, k.cfg.Now())
	return err
}

// mayPost leaves a change to the process that moved it, and a posting to whoever began it, for a while.
func (k keeper) mayPost(c confirm.Change, begun bool) bool {
	age := k.cfg.Now().Sub(c.Created)
	return k.outbox.mine(c.ID) || (!begun && age >= headStart) || (begun && age >= attempt)
}

// put posts to one place: it is reserved first, so that others leave it alone, and kept after. A message that
// the ledger did not take is kept later, not posted again.
func (k keeper) put(ctx context.Context, c confirm.Change, place string, job *posting) error {
	ctx, cancel := throughout(ctx)
	defer cancel()
	n := confirm.Message{Change: c.ID, Channel: place, Kind: questionKind, Version: c.Version, Message: job.sent[place]}
	if n.Message == "" {
		if err := k.notices.SaveMessage(ctx, n); err != nil {
			return err
		}
		options := append(quiet(), slack.MsgOptionText(k.headline(c), true), slack.MsgOptionBlocks(k.question(c, "")...))
		_, message, err := k.api.PostMessageContext(ctx, place, options...)
		if err != nil {
			return fmt.Errorf("post to %s: %w", place, err)
		}
		n.Message = message
		job.sent[place] = message
	}
	return k.notices.SaveMessage(ctx, n)
}

// throughout lets what was begun be ended and recorded although the bot is told to stop: a message that the
// ledger does not know of would be posted again after the restart.
func throughout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), farewell)
}

// failed obeys what Slack asks for, and ends the bot when it will never be heard again.
func (k keeper) failed(err error) {
	if wait := pauseOf(err); wait > 0 {
		k.outbox.hush(k.cfg.Now(), wait)
	}
	k.giveUpOn(err)
}

// places are where changes are put to people: the channel, or else the approvers' direct messages.
func (k keeper) places(ctx context.Context) ([]string, error) {
	if k.cfg.Channel != "" {
		return []string{k.cfg.Channel}, nil
	}
	users, err := k.approvers(ctx)
	if len(users) == 0 && err == nil {
		err = errNobody
	}
	var places []string
	for _, user := range users {
		place, failed := k.directly(ctx, user)
		if err = errors.Join(err, failed); failed == nil {
			places = append(places, place)
		}
	}
	return places, err
}

var errNobody = errors.New("no channel is configured and no approver is in Slack; set SCANWARDEN_SLACK_CHANNEL")

// approvers are the people in Slack who may decide, by their ids.
func (k keeper) approvers(ctx context.Context) (users []string, err error) {
	for _, approver := range k.cfg.Approvers {
		found, failed := k.usersOf(ctx, approver)
		users, err = append(users, found...), errors.Join(err, failed)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	return users[:min(len(users), mostDirect)], err
}

// usersOf are the people in Slack whom one of the approvers stands for: a user group's members, or who has an account
// here that is joined with theirs.
func (k keeper) usersOf(ctx context.Context, approver string) (users []string, err error) {
	if group, ok := strings.CutPrefix(approver, "slack-group:"); ok {
		return k.people.membersOf(ctx, group)
	}
	known, err := k.gate.Person(ctx, confirm.Principal(approver))
	if err != nil {
		return nil, err
	}
	return slackUsers(known), nil
}

func (k keeper) directly(ctx context.Context, user string) (string, error) {
	if place, ok := k.outbox.directs[user]; ok {
		return place, nil
	}
	place, err := k.direct(ctx, user)
	if err == nil {
		k.outbox.directs[user] = place
	}
	return place, err
}

func find(all []confirm.Message, place string) (n confirm.Message, ok bool) {
	i := slices.IndexFunc(all, func(n confirm.Message) bool { return n.Channel == place })
	if i < 0 {
		return n, false
	}
	return all[i], true
}

// problemOf tells people why a change is not put to them yet.
func problemOf(err error) string {
	switch code := codeOf(err); {
	case err == nil:
		return ""
	case errors.Is(err, errNobody):
		return errNobody.Error() + "."
	case code != "":
		return fmt.Sprintf("Slack does not take the question (%s); posting is retried until it expires.", code)
	}
	return "Slack cannot be reached with the question; posting is retried until it expires."
}

// awaitPosting waits a moment for the question to stand, and says what is wrong when it does not.
func (b *Bot) awaitPosting(ctx context.Context, c confirm.Change) (problem string) {
	job := b.outbox.job(c.ID)
	b.outbox.claim(c.ID, b.cfg.Now())
	b.stir()
	timer := time.NewTimer(patient)
	defer timer.Stop()
	select {
	case <-job.tried:
		return b.outbox.outcome(job)
	case <-timer.C:
	case <-ctx.Done():
	}
	return "Slack has not taken the question yet; posting is retried until it expires."
}
