package slackbot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// proposalResult is the outcome of a proposal: a change that waits for approval, or an error.
type proposalResult struct {
	operation   string
	listCommand string // the command that lists the requester's open changes
	change      confirm.Change
	postProblem string // why the confirmation message is not posted yet; "" if it is
	partly      string // how many approvers were asked, if not all
	err         error
}

// listCommand returns the command that lists a user's open changes.
func (b *Bot) listCommand() string { return b.cfg.commandFor(scansCommand) + " changes" }

// proposeAndPost proposes a change and waits a moment for its confirmation message to be posted.
func (b *Bot) proposeAndPost(ctx context.Context, by caller, f form.Form, args map[string]any) proposalResult {
	p := proposalResult{operation: f.Op.Name, listCommand: b.listCommand()}
	p.change, p.err = b.planAndPropose(ctx, by, f.Op.Name, args)
	if p.err == nil {
		p.postProblem, p.partly = b.waitPosted(ctx, p.change)
	}
	return p
}

// planAndPropose plans and proposes a change through Service.Propose, with the user groups of the requester. If it is not
// known whether the change was recorded, the error matches errNotKnown.
func (b *Bot) planAndPropose(ctx context.Context, by caller, operation string, args map[string]any) (none confirm.Change, err error) {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return none, err
	}
	groups, err := b.users.groupsOf(ctx, by.user)
	if err != nil {
		b.warn(ctx, "failed to read a requester's user groups", err)
	}
	requester := confirm.Requester{
		Principal: by.principal(), Source: confirm.SourceSlack, Groups: groups, Channels: []confirm.Channel{confirm.Slack},
	}
	input, err := encodeArguments(args)
	if err != nil {
		return none, err
	}
	c, err := back.Service.Propose(ctx, requester, operation, input)
	var lost *confirm.UnknownCommitError
	if !errors.As(err, &lost) {
		b.logRefusal(ctx, requester.Principal, operation, err)
		return c, err
	}
	return b.readAgain(ctx, back.Gate, lost.Change, lostWrite{cause: err, happened: func(confirm.Change) bool { return true }})
}

// logRefusal logs why a proposal was refused, without what the user typed. It does nothing if err is nil.
func (b *Bot) logRefusal(ctx context.Context, by confirm.Principal, operation string, err error) {
	if err == nil {
		return
	}
	b.cfg.Log.InfoContext(ctx, "refused", append([]any{"tool", operation, "by", by}, tools.RefusalAttrs(err)...)...)
}

// resultText returns the reply to the requester of a proposal that was not made.
func (p proposalResult) resultText() string {
	if errors.Is(p.err, errNotKnown) {
		return "Whether the change was recorded is not known yet, because the database did not answer. If it was, it appears among your open " +
			"changes (" + p.listCommand + ") and is put to the approvers. Propose it again only if it is not there in a minute."
	}
	return refusalText(p.operation, p.err)
}

// resultBlocks returns the reply to the requester: what was asked and until when it waits, or why nothing was.
func (p proposalResult) resultBlocks() []slack.Block {
	if p.err != nil {
		return blocks.TextSections(p.resultText())
	}
	c := p.change
	if c.State != confirm.Pending {
		return blocks.TextSections("This was asked for before, and nobody is asked again: " + statusText(c))
	}
	content := append(blocks.TextSections("Asked: "+c.Summary), blocks.MentionLine("Code: "+c.Code+". It waits for the yes of "+peopleNeeded(c.Needed)+
		" until ", blocks.Date(c.Expires, c.Created), "; you will get the outcome as a message."))
	switch {
	case p.postProblem != "":
		content = append(content, blocks.TextSections("The change is recorded, but "+p.postProblem)...)
	case p.partly != "":
		content = append(content, blocks.TextSections(p.partly)...)
	}
	return content
}

// peopleNeeded returns how many approvers a change needs, in words.
func peopleNeeded(n int) string {
	if n <= 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}

// isForSlack reports whether Slack is one of the channels on which a change can be decided.
func isForSlack(c confirm.Change) bool { return slices.Contains(c.Channels, confirm.Slack) }
