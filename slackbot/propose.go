package slackbot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"scanwarden/confirm"
)

// proposed is what came of a wish: a change that waits for people, or why not.
type proposed struct {
	operation string
	change    confirm.Change
	posting   string // what is wrong with putting it to people, "" when it stands there
	err       error
}

// propose plans the change and has it put to people.
func (b *Bot) propose(ctx context.Context, who caller, f form, args map[string]any) proposed {
	p := proposed{operation: f.op.Name}
	p.change, p.err = b.keep(ctx, who, f.op.Name, args)
	if p.err == nil {
		p.posting = b.awaitPosting(ctx, p.change)
	}
	return p
}

func (b *Bot) keep(ctx context.Context, who caller, operation string, args map[string]any) (none confirm.Change, err error) {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return none, err
	}
	groups, err := b.people.groupsOf(ctx, who.user)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "a requester's user groups are not known", "error", err)
	}
	asker := confirm.Requester{
		Principal: who.principal(), Source: confirm.SourceSlack, Groups: groups, Channels: []confirm.Channel{confirm.Slack},
	}
	asked, err := encode(args)
	if err != nil {
		return none, err
	}
	return back.Service.Propose(ctx, asker, operation, asked)
}

// words tell the requester what came of it.
func (p proposed) words() string {
	if p.err != nil {
		return refusalOf(p.operation, p.err)
	}
	c := p.change
	text := fmt.Sprintf("Asked: %s\n\nCode: %s. It waits for the yes of %s until %s; you will be told how it ends.",
		c.Summary, c.Code, peopleNeeded(c.Needed), until(c.Expires))
	if p.posting != "" {
		text += "\n\nIt is kept, but " + p.posting
	}
	return text
}

func peopleNeeded(n int) string {
	if n <= 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}

func until(t time.Time) string { return t.UTC().Format("15:04 UTC on 2006-01-02") }

// ours reports whether a change is to be put to people in Slack.
func ours(c confirm.Change) bool { return slices.Contains(c.Channels, confirm.Slack) }
