package slackbot

import (
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// maxPending and lastDecided are how many changes the home shows.
const maxPending, maxDecided = 30, 20

// publishHome fills the app's home: what waits for this person, and what was decided lately.
func (b *Bot) publishHome(ctx context.Context, req request) {
	content, err := b.homeBlocks(ctx, req)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "the home of a person could not be filled", "user", req.user, "error", err)
		content = blocks.TextSections("Not shown: " + withPeriod(ownMessage(err)))
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: content}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: req.user, View: view}); err != nil {
		b.cfg.Log.WarnContext(ctx, "the home of a person could not be published", "user", req.user, "error", err)
	}
}

func (b *Bot) homeBlocks(ctx context.Context, req request) ([]slack.Block, error) {
	who, err := b.resolveUser(ctx, req.caller)
	if err != nil {
		return nil, err
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return nil, err
	}
	at, err := b.newViewer(ctx, back.Gate, who)
	if err != nil {
		return nil, err
	}
	waiting := blocks.TextSections(msgReadOnly)
	if !b.isReadOnly() {
		open, err := at.pendingChanges(ctx, b.cfg.Now())
		if err != nil {
			return nil, err
		}
		waiting = b.changeList("Waiting for you", "Nothing waits for your decision.", open, true)
	}
	ended, err := back.Gate.Changes(ctx, confirm.Filter{States: settledStates})
	if err != nil {
		return nil, err
	}
	content := append(b.linkSection(at.known), waiting...)
	return append(content, b.changeList("Decided lately", "Nothing was decided yet.", filterChanges(ended, at.canSee, maxDecided), false)...), nil
}

var settledStates = []confirm.State{
	confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale,
}

// viewer is a person in their home, by all of the accounts that they are known by.
type viewer struct {
	gate   *confirm.Gate
	vote   confirm.Vote // a yes of theirs
	known  confirm.Person
	listed bool // among the approvers
}

func (b *Bot) newViewer(ctx context.Context, gate *confirm.Gate, who caller) (viewer, error) {
	known, err := gate.Person(ctx, who.principal())
	if err != nil {
		return viewer{}, err
	}
	groups, err := b.users.groupsOf(ctx, who.user)
	named := groups[:len(groups):len(groups)]
	for _, p := range known.Principals {
		named = append(named, string(p))
	}
	listed := slices.ContainsFunc(named, func(n string) bool { return slices.Contains(b.cfg.Approvers, n) })
	if err != nil && !listed {
		return viewer{}, err
	}
	vote := confirm.Vote{Principal: who.principal(), Groups: groups, Approve: true, Channel: confirm.Slack}
	return viewer{gate: gate, vote: vote, known: known, listed: listed}, nil
}

// pendingChanges are the changes that wait for a person: those for which their yes would count now, and their own. When they
// click, the gate is asked again.
func (v viewer) pendingChanges(ctx context.Context, now time.Time) ([]confirm.Change, error) {
	open, err := v.gate.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}})
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(c confirm.Change) bool { return !isForSlack(c) || !c.Expires.After(now) })
	counts, err := v.gate.CanDecideEach(ctx, open, v.vote)
	if err != nil {
		return nil, err
	}
	var waits []confirm.Change
	for i, c := range open {
		if counts[i] || v.isRequester(c) {
			waits = append(waits, c)
		}
	}
	return waits[:min(len(waits), maxPending)], nil
}

// canSee tells which decided changes a person sees: approvers all of them, others their own.
func (v viewer) canSee(c confirm.Change) bool { return isForSlack(c) && (v.listed || v.isRequester(c)) }

func (v viewer) isRequester(c confirm.Change) bool {
	return slices.Contains(v.known.Principals, c.Requester)
}

func filterChanges(all []confirm.Change, keep func(confirm.Change) bool, most int) (out []confirm.Change) {
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

// changeList lists changes, each on one line; those that wait have a button to the whole plan.
func (b *Bot) changeList(title, none string, changes []confirm.Change, review bool) []slack.Block {
	content := []slack.Block{slack.NewHeaderBlock(blocks.PlainText(title))}
	if len(changes) == 0 {
		return append(content, blocks.TextSections(none)...)
	}
	for _, c := range changes {
		line := blocks.Truncate(b.headlineFor(c)+"\n"+c.Summary, 1500)
		section := slack.NewSectionBlock(blocks.PlainText(line), nil, nil)
		if review && blocks.PlanPages(c) != nil {
			section.Accessory = slack.NewAccessory(slack.NewButtonBlockElement(actionReview, c.ID, blocks.PlainText("Review")))
		}
		content = append(content, section)
	}
	return content
}
