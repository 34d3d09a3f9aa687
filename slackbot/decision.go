package slackbot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// reChangeID is what the gate's ids look like; anything else was not in a button of ours.
var reChangeID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Z]{26}$`) })

// maxReasonLen bounds why somebody denied.
const maxReasonLen = 500

// loadChange reads a change that was put to people in Slack; no other one exists here.
func (b *Bot) loadChange(ctx context.Context, id string) (confirm.Change, error) {
	if !reChangeID().MatchString(id) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return confirm.Change{}, err
	}
	c, err := back.Gate.Change(ctx, id)
	if err == nil && !isForSlack(c) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	return c, err
}

// handleApprove takes a click on an approve button.
func (b *Bot) handleApprove(ctx context.Context, req request, id string) {
	c, err := b.recordVote(ctx, req.caller, id, confirm.Vote{Approve: true})
	// The message itself shows a yes that counts; a modal has to say so.
	if err != nil || req.viewID != "" {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
	}
}

// recordVote gives the gate a vote of the person who clicked, and lets the messages show what it then waits for.
func (b *Bot) recordVote(ctx context.Context, who caller, id string, v confirm.Vote) (confirm.Change, error) {
	c, err := b.loadChange(ctx, id)
	if err != nil {
		return c, err
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return c, err
	}
	groups, unknown := b.users.groupsOf(ctx, who.user)
	v.Principal, v.Channel, v.Groups = who.principal(), confirm.Slack, groups
	ctx = tools.WithProgress(ctx, func(note string) {
		b.progress.set(id, note)
		b.wakeNotifier()
	})
	c, err = back.Gate.Decide(ctx, id, v)
	if unknown != nil && errors.Is(err, confirm.ErrRefused) {
		b.cfg.Log.WarnContext(ctx, "a vote is refused without knowing its groups", "user", who.user, "error", unknown)
		err = fmt.Errorf("%w (%s)", err, ownMessage(unknown))
	}
	return c, err
}

// voteReply tells a person what their click did.
func (b *Bot) voteReply(ctx context.Context, c confirm.Change, err error) string {
	switch {
	case err == nil && c.State == confirm.Pending:
		return fmt.Sprintf("Your yes is recorded: %d of %d confirmations.", c.Approvals(), c.Needed)
	case err == nil:
		return statusText(c)
	case errors.Is(err, confirm.ErrMoved):
		b.progress.set(c.ID, "") // so that the message they clicked in is made right
		b.wakeNotifier()
		return "Already decided: " + statusText(c)
	case errors.Is(err, confirm.ErrNotFound):
		return "There is no such change any more. Nothing was done."
	case errors.Is(err, confirm.ErrRefused):
		return "Not counted: " + withPeriod(err.Error())
	}
	b.cfg.Log.ErrorContext(ctx, "a decision could not be recorded", "change", c.ID, "error", err)
	return "Not done: scanwarden failed on its own side and recorded nothing. Please try again in a moment."
}

// statusText is how a change stands, in one or two sentences.
func statusText(c confirm.Change) string {
	text := fmt.Sprintf("change %s is %s.", c.Code, stateHeadlines[c.State])
	var who []string
	for _, d := range c.Decisions {
		who = append(who, string(d.Principal))
	}
	if len(who) > 0 {
		text += " Decided by " + strings.Join(who, ", ") + "."
	}
	if c.Outcome.Reason != "" {
		text += " " + tools.ResultOf(c).Reason
	}
	return text
}

// openDenyModal opens the modal that a denial goes through.
func (b *Bot) openDenyModal(ctx context.Context, req request, id string) {
	c, err := b.loadChange(ctx, id)
	if err == nil && c.State != confirm.Pending {
		err = confirm.ErrMoved
	}
	if err != nil {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
		return
	}
	why := slack.NewPlainTextInputBlockElement(nil, form.ValueAction)
	why.Multiline, why.MaxLength = true, maxReasonLen
	input := slack.NewInputBlock(reasonBlock, blocks.PlainText("Reason"), blocks.PlainText("Whoever asked, and their assistant, will read it."), why)
	input.Optional = true
	b.openModal(ctx, req, slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: actionDeny, PrivateMetadata: c.ID,
		Title: blocks.PlainText("Deny change " + c.Code), Submit: blocks.PlainText("Deny"), Close: blocks.PlainText("Cancel"), ClearOnClose: true,
		Blocks: slack.Blocks{BlockSet: append(blocks.TextSections(blocks.Truncate(c.Summary, blocks.MaxTextUnits)), input)},
	})
}

// handleDenial takes the submitted reason.
func (b *Bot) handleDenial(ctx context.Context, req request, view slack.View) modalResult {
	var reason string
	if view.State != nil {
		reason = strings.TrimSpace(view.State.Values[reasonBlock][form.ValueAction].Value)
	}
	if len([]rune(reason)) > maxReasonLen {
		return modalResult{errors: map[string]string{reasonBlock: fmt.Sprintf("At most %d characters, please.", maxReasonLen)}}
	}
	c, err := b.recordVote(ctx, req.caller, view.PrivateMetadata, confirm.Vote{Reason: reason})
	switch {
	case err == nil:
		return modalResult{}
	case errors.Is(err, confirm.ErrRefused):
		return modalResult{errors: map[string]string{reasonBlock: b.voteReply(ctx, c, err)}}
	}
	return textResult(b.voteReply(ctx, c, err))
}

// handleWithdraw takes a change back for the one who asked for it.
func (b *Bot) handleWithdraw(ctx context.Context, req request, id string) {
	c, err := b.loadChange(ctx, id)
	if err == nil {
		var back *Backend
		if back, err = b.cfg.Backend(ctx); err == nil {
			c, err = back.Gate.Withdraw(ctx, id, confirm.Requester{Principal: req.principal()})
		}
	}
	b.replyText(ctx, req, b.voteReply(ctx, c, err))
}
