package slackbot

import (
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// mostWaiting and lastDecided are how many changes the home shows.
const mostWaiting, lastDecided = 30, 20

// welcome fills the app's home: what waits for this person, and what was decided lately.
func (b *Bot) welcome(ctx context.Context, t talk) {
	blocks, err := b.homeBlocks(ctx, t)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "the home of a person could not be filled", "user", t.user, "error", err)
		blocks = words("Not shown: " + stopped(withoutCause(err)))
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: t.user, View: view}); err != nil {
		b.cfg.Log.WarnContext(ctx, "the home of a person could not be published", "user", t.user, "error", err)
	}
}

func (b *Bot) homeBlocks(ctx context.Context, t talk) ([]slack.Block, error) {
	who, err := b.admitted(ctx, t.caller)
	if err != nil {
		return nil, err
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return nil, err
	}
	at, err := b.visitor(ctx, back.Gate, who)
	if err != nil {
		return nil, err
	}
	waiting := words(sayReadOnly)
	if !b.readOnly() {
		open, err := at.waiting(ctx, b.cfg.Now())
		if err != nil {
			return nil, err
		}
		waiting = b.shelf("Waiting for you", "Nothing waits for your decision.", open, true)
	}
	ended, err := back.Gate.Changes(ctx, confirm.Filter{States: settled})
	if err != nil {
		return nil, err
	}
	blocks := append(b.linkShelf(at.known), waiting...)
	return append(blocks, b.shelf("Decided lately", "Nothing was decided yet.", only(ended, at.sees, lastDecided), false)...), nil
}

var settled = []confirm.State{
	confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale,
}

// visitor is a person in their home, by all of the accounts that they are known by.
type visitor struct {
	gate   *confirm.Gate
	vote   confirm.Vote // a yes of theirs
	known  confirm.Person
	listed bool // among the approvers
}

func (b *Bot) visitor(ctx context.Context, gate *confirm.Gate, who caller) (visitor, error) {
	known, err := gate.Person(ctx, who.principal())
	if err != nil {
		return visitor{}, err
	}
	groups, err := b.people.groupsOf(ctx, who.user)
	named := groups[:len(groups):len(groups)]
	for _, p := range known.Principals {
		named = append(named, string(p))
	}
	listed := slices.ContainsFunc(named, func(n string) bool { return slices.Contains(b.cfg.Approvers, n) })
	if err != nil && !listed {
		return visitor{}, err
	}
	vote := confirm.Vote{Principal: who.principal(), Groups: groups, Approve: true, Channel: confirm.Slack}
	return visitor{gate: gate, vote: vote, known: known, listed: listed}, nil
}

// waiting are the changes that wait for a person: those for which their yes would count now, and their own. When they
// click, the gate is asked again.
func (v visitor) waiting(ctx context.Context, now time.Time) ([]confirm.Change, error) {
	open, err := v.gate.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}})
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(c confirm.Change) bool { return !ours(c) || !c.Expires.After(now) })
	counts, err := v.gate.CanDecideEach(ctx, open, v.vote)
	if err != nil {
		return nil, err
	}
	var waits []confirm.Change
	for i, c := range open {
		if counts[i] || v.own(c) {
			waits = append(waits, c)
		}
	}
	return waits[:min(len(waits), mostWaiting)], nil
}

// sees tells which decided changes a person sees: approvers all of them, others their own.
func (v visitor) sees(c confirm.Change) bool { return ours(c) && (v.listed || v.own(c)) }

func (v visitor) own(c confirm.Change) bool { return slices.Contains(v.known.Principals, c.Requester) }

func only(all []confirm.Change, keep func(confirm.Change) bool, most int) (out []confirm.Change) {
	for _, c := range all {
		if len(out) == most {
			break
		}
		if keep(c) {
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
