package slackbot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/tools"
)

// maxPending and maxDecided bound the changes that the home tab lists.
const maxPending, maxDecided = 30, 20

// publishHome publishes the home tab of a user: the changes that wait for them, and the latest decisions.
func (b *Bot) publishHome(ctx context.Context, req request) {
	content, err := b.homeBlocks(ctx, req)
	if err != nil {
		b.warn(ctx, "failed to build a home tab", err, "user", req.user)
		content = blocks.TextSections("Not shown: " + withPeriod(ownMessage(err)))
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: content}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: req.user, View: view}); err != nil {
		b.warn(ctx, "failed to publish a home tab", newCallError("views.publish", "user "+req.user, err))
	}
}

func (b *Bot) homeBlocks(ctx context.Context, req request) ([]slack.Block, error) {
	by, err := b.resolveUser(ctx, req.users, req.caller)
	if err != nil {
		return nil, err
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return nil, err
	}
	home, err := b.newViewer(ctx, back.Gate, by)
	if err != nil {
		return nil, err
	}
	waiting := blocks.TextSections(msgReadOnly)
	if !b.isReadOnly() {
		open, err := home.pendingChanges(ctx, b.cfg.Now())
		if err != nil {
			return nil, err
		}
		waiting = b.changeList("Waiting for you", "Nothing waits for your decision.", open, true)
	}
	ended, err := back.Gate.Changes(ctx, confirm.Filter{States: settledStates})
	if err != nil {
		return nil, err
	}
	content := append(b.linkSection(home.known), waiting...)
	return append(content, b.changeList("Decided lately", "Nothing was decided yet.", filterChanges(ended, home.canSee, maxDecided), false)...), nil
}

// settledStates are the states of a change that is no longer open.
var settledStates = []confirm.State{
	confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale,
}

// viewer is the user of a home tab, with all linked accounts.
type viewer struct {
	gate   *confirm.Gate
	vote   confirm.Vote // an approval by this user
	known  confirm.Person
	listed bool // among the configured approvers
}

// newViewer returns the viewer of a verified caller. An unreadable user group is an error, unless the user is listed
// without it.
func (b *Bot) newViewer(ctx context.Context, gate *confirm.Gate, by caller) (viewer, error) {
	known, err := gate.Person(ctx, by.principal())
	if err != nil {
		return viewer{}, err
	}
	groups, err := b.users.groupsOf(ctx, by.user)
	named := groups[:len(groups):len(groups)]
	for _, p := range known.Principals {
		named = append(named, string(p))
	}
	listed := slices.ContainsFunc(named, func(n string) bool { return slices.Contains(b.cfg.Approvers, n) })
	if err != nil && !listed {
		return viewer{}, err
	}
	vote := confirm.Vote{Principal: by.principal(), Groups: groups, Approve: true, Channel: confirm.Slack}
	return viewer{gate: gate, vote: vote, known: known, listed: listed}, nil
}

// pendingChanges returns the changes that this user could approve now, and their own, at most maxPending: those that expire
// first. A click is checked by the Gate again.
func (v viewer) pendingChanges(ctx context.Context, now time.Time) (pending []confirm.Change, err error) {
	err = v.gate.EachChange(ctx, confirm.Filter{States: []confirm.State{confirm.Pending}}, func(c confirm.Change) error {
		if !isForSlack(c) || !c.Expires.After(now) {
			return nil
		}
		err := v.gate.CanDecide(ctx, c, v.vote)
		if err != nil && !tools.IsRefusal(err) {
			return err
		}
		if err == nil || v.isRequester(c) {
			pending = append(pending, c)
		}
		if len(pending) == maxPending {
			return errHomeIsFull
		}
		return nil
	})
	if errors.Is(err, errHomeIsFull) {
		err = nil
	}
	return pending, err
}

// errHomeIsFull ends the reading of changes for a home tab.
var errHomeIsFull = errors.New("the home tab lists enough changes")

// canSee reports whether the home tab lists a decided change: approvers see all, other users their own.
func (v viewer) canSee(c confirm.Change) bool { return isForSlack(c) && (v.listed || v.isRequester(c)) }

// isRequester reports whether this user requested the change, with any linked account.
func (v viewer) isRequester(c confirm.Change) bool {
	return slices.Contains(v.known.Principals, c.Requester)
}

// filterChanges returns the first changes for which keep is true, at most limit.
func filterChanges(all []confirm.Change, keep func(confirm.Change) bool, limit int) (out []confirm.Change) {
	for _, c := range all {
		if len(out) == limit {
			break
		}
		if keep(c) {
			out = append(out, c)
		}
	}
	return out
}

// changeList returns a heading and one section for each change. With review, a section has a button that opens the
// plan.
func (b *Bot) changeList(title, none string, changes []confirm.Change, review bool) []slack.Block {
	content := []slack.Block{slack.NewHeaderBlock(blocks.PlainText(title))}
	if len(changes) == 0 {
		return append(content, blocks.TextSections(none)...)
	}
	for _, c := range changes {
		p := b.planOf(c)
		title := decidedTitle(p)
		if c.State == confirm.Pending {
			title = p.Question()
		}
		section := slack.NewSectionBlock(blocks.PlainText(title+"\n"+blocks.Truncate(c.Summary, 1400)+"\nCode: "+c.Code), nil, nil)
		if review && p.Pages() != nil {
			section.Accessory = slack.NewAccessory(reviewButton(p, "Full plan", slack.StyleDefault))
		}
		content = append(content, section)
		if review {
			content = append(content, blocks.MentionLine("Decide before ", blocks.Date(c.Expires, c.Created), "."))
		}
	}
	return content
}
