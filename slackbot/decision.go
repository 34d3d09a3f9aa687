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

// reChangeID matches the IDs that the Gate issues. Any other value does not come from one of our buttons.
var reChangeID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Z]{26}$`) })

// maxReasonLen bounds the reason of a denial, in characters.
const maxReasonLen = 500

// loadChange returns a change that may be decided in Slack. It returns ErrNotFound for any other change.
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

// handleApprove records the approval of a click on Approve.
func (b *Bot) handleApprove(ctx context.Context, req request, id string) {
	c, err := b.recordVote(ctx, req.caller, id, confirm.Vote{Approve: true})
	// The updated message shows an approval that counts. A modal has to confirm it.
	if err != nil || req.viewID != "" {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
	}
}

// recordVote passes the vote of a user to the Gate, and shows in the message what an approved change then waits for.
// The Gate reads the change; it counts no vote on a change for which Slack is not a channel.
func (b *Bot) recordVote(ctx context.Context, by caller, id string, v confirm.Vote) (confirm.Change, error) {
	if !reChangeID().MatchString(id) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return confirm.Change{}, err
	}
	groups, unknown := b.users.groupsOf(ctx, by.user)
	v.Principal, v.Channel, v.Groups = by.principal(), confirm.Slack, groups
	ctx = tools.WithProgress(ctx, func(note string) {
		b.progress.set(id, note)
		b.wakeNotifier()
	})
	c, err := back.Gate.Decide(ctx, id, v)
	if c.ID != "" && !isForSlack(c) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	if unknown != nil && errors.Is(err, confirm.ErrRefused) {
		b.cfg.Log.WarnContext(ctx, "a vote is refused without knowing its groups", "user", by.user, "error", unknown)
		err = fmt.Errorf("%w (%s)", err, ownMessage(unknown))
	}
	return c, err
}

// voteReply returns the reply to a vote.
func (b *Bot) voteReply(ctx context.Context, c confirm.Change, err error) string {
	switch {
	case err == nil && c.State == confirm.Pending:
		return fmt.Sprintf("Your approval is recorded: %d of %d confirmations.", c.Approvals(), c.Needed)
	case err == nil:
		return statusText(c)
	case errors.Is(err, confirm.ErrMoved):
		b.progress.set(c.ID, "") // updates the message in which the user clicked
		b.wakeNotifier()
		return "Already decided: " + statusText(c)
	case errors.Is(err, confirm.ErrNotFound):
		return "This change no longer exists. Nothing was done."
	case errors.Is(err, confirm.ErrRefused):
		return "Not counted: " + withPeriod(err.Error())
	}
	b.cfg.Log.ErrorContext(ctx, "failed to record a decision", "change", c.ID, "error", err)
	return "Not done: scanwarden failed on its own side and recorded nothing. Please try again in a moment."
}

// statusText returns the status of a change in one or two sentences.
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

// openDenyModal opens the modal that asks for the reason of a denial.
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
	input := slack.NewInputBlock(reasonBlock, blocks.PlainText("Reason"), blocks.PlainText("The requester and their assistant will read it."), why)
	input.Optional = true
	b.openModal(ctx, req, slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: actionDeny, PrivateMetadata: c.ID,
		Title: blocks.PlainText("Deny change " + c.Code), Submit: blocks.PlainText("Deny"), Close: blocks.PlainText("Cancel"), ClearOnClose: true,
		Blocks: slack.Blocks{BlockSet: append(blocks.TextSections(blocks.Truncate(c.Summary, blocks.MaxTextUnits)), input)},
	})
}

// handleDenial records a denial with the reason from the submitted modal.
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

// handleWithdraw withdraws a change for its requester. The Gate reads the change; to any other user it does not exist.
func (b *Bot) handleWithdraw(ctx context.Context, req request, id string) {
	c, err := b.withdrawChange(ctx, req.caller, id)
	b.replyText(ctx, req, b.voteReply(ctx, c, err))
}

func (b *Bot) withdrawChange(ctx context.Context, by caller, id string) (confirm.Change, error) {
	if !reChangeID().MatchString(id) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return confirm.Change{}, err
	}
	return back.Gate.Withdraw(ctx, id, confirm.Requester{Principal: by.principal()})
}
