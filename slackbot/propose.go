package slackbot

import (
	"context"
	"fmt"
	"slices"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
)

// proposalResult is what came of a wish: a change that waits for people, or why not.
type proposalResult struct {
	operation   string
	change      confirm.Change
	postProblem string // what is wrong with putting it to people, "" when it stands there
	err         error
}

// proposeAndPost plans the change and has it put to people.
func (b *Bot) proposeAndPost(ctx context.Context, who caller, f form.Form, args map[string]any) proposalResult {
	p := proposalResult{operation: f.Op.Name}
	p.change, p.err = b.planAndPropose(ctx, who, f.Op.Name, args)
	if p.err == nil {
		p.postProblem = b.waitPosted(ctx, p.change)
	}
	return p
}

func (b *Bot) planAndPropose(ctx context.Context, who caller, operation string, args map[string]any) (none confirm.Change, err error) {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return none, err
	}
	groups, err := b.users.groupsOf(ctx, who.user)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "a requester's user groups are not known", "error", err)
	}
	asker := confirm.Requester{
		Principal: who.principal(), Source: confirm.SourceSlack, Groups: groups, Channels: []confirm.Channel{confirm.Slack},
	}
	asked, err := encodeArguments(args)
	if err != nil {
		return none, err
	}
	return back.Service.Propose(ctx, asker, operation, asked)
}

// resultText tell the requester what came of it.
func (p proposalResult) resultText() string {
	if p.err != nil {
		return refusalText(p.operation, p.err)
	}
	c := p.change
	text := fmt.Sprintf("Asked: %s\n\nCode: %s. It waits for the yes of %s until %s; you will be told how it ends.",
		c.Summary, c.Code, peopleNeeded(c.Needed), blocks.FormatTime(c.Expires))
	if p.postProblem != "" {
		text += "\n\nIt is kept, but " + p.postProblem
	}
	return text
}

func peopleNeeded(n int) string {
	if n <= 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}

// isForSlack reports whether a change is to be put to people in Slack.
func isForSlack(c confirm.Change) bool { return slices.Contains(c.Channels, confirm.Slack) }
