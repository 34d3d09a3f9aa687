package slackbot

import (
	"context"
	"slices"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// lastDecided is how many decided changes the home shows.
const lastDecided = 20

// welcome fills the app's home: what waits for this person, and what was decided lately.
func (b *Bot) welcome(ctx context.Context, t talk) {
	blocks, err := b.homeBlocks(ctx, t)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "the home of a person could not be filled", "user", t.user, "error", err)
		blocks = words("Not shown: " + withoutCause(err) + ".")
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: t.user, View: view}); err != nil {
		b.cfg.Log.WarnContext(ctx, "the home of a person could not be published", "user", t.user, "error", err)
	}
}

func (b *Bot) homeBlocks(ctx context.Context, t talk) ([]slack.Block, error) {
	if err := b.people.check(ctx, t.caller); err != nil {
		return nil, err
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return nil, err
	}
	sees, err := b.seenBy(ctx, t.caller)
	if err != nil {
		return nil, err
	}
	open, err := back.Gate.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}})
	if err != nil {
		return nil, err
	}
	ended, err := back.Gate.Changes(ctx, confirm.Filter{States: settled})
	if err != nil {
		return nil, err
	}
	now := b.cfg.Now()
	waiting := func(c confirm.Change) bool { return sees(c) && c.Expires.After(now) }
	blocks := b.shelf("Waiting for you", "Nothing waits for your decision.", only(open, waiting, 30), true)
	return append(blocks, b.shelf("Decided lately", "Nothing was decided yet.", only(ended, sees, lastDecided), false)...), nil
}

var settled = []confirm.State{
	confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale,
}

// seenBy tells which changes a person sees in their home: approvers all of them, others their own. Whether a
// click of theirs counts is the gate's to say.
func (b *Bot) seenBy(ctx context.Context, who caller) (func(confirm.Change) bool, error) {
	groups, err := b.people.groupsOf(ctx, who.user)
	listed := len(groups) > 0 || slices.Contains(b.cfg.Approvers, string(who.principal()))
	if err != nil && !listed {
		return nil, err
	}
	return func(c confirm.Change) bool { return ours(c) && (listed || c.Requester == who.principal()) }, nil
}

func only(all []confirm.Change, keep func(confirm.Change) bool, most int) (out []confirm.Change) {
	for _, c := range all {
		if keep(c) && len(out) < most {
			out = append(out, c)
		}
	}
	return out
}

// shelf lists changes, each on one line; those that wait have a button to the whole plan.
func (b *Bot) shelf(title, none string, changes []confirm.Change, review bool) []slack.Block {
	blocks := []slack.Block{slack.NewHeaderBlock(plain(title))}
	if len(changes) == 0 {
		return append(blocks, words(none)...)
	}
	for _, c := range changes {
		line := short(b.headline(c)+"\n"+c.Summary, 1500)
		section := slack.NewSectionBlock(plain(line), nil, nil)
		if review && pages(c) != nil {
			section.Accessory = slack.NewAccessory(slack.NewButtonBlockElement(reviewChange, c.ID, plain("Review")))
		}
		blocks = append(blocks, section)
	}
	return blocks
}
