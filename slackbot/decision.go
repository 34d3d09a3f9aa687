package slackbot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
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

// loadChange returns a change that may be decided in Slack, and the Gate that has it. It returns ErrNotFound for any other
// change. An approval, a denial or a withdrawal begins with it: the ID in a button may be forged, and the Gate lets a
// requester deny or withdraw a change of theirs that was never shown in Slack.
func (b *Bot) loadChange(ctx context.Context, id string) (confirm.Change, *confirm.Gate, error) {
	if !reChangeID().MatchString(id) {
		return confirm.Change{}, nil, confirm.ErrNotFound
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return confirm.Change{}, nil, err
	}
	c, err := back.Gate.Change(ctx, id)
	if err == nil && !isForSlack(c) {
		return confirm.Change{}, nil, confirm.ErrNotFound
	}
	return c, back.Gate, err
}

// handleApprove records the approval of a click on Approve.
func (b *Bot) handleApprove(ctx context.Context, req request, id string) {
	c, err := b.recordVote(ctx, req, id, confirm.Vote{Approve: true})
	// The updated message shows an approval that counts. A modal has to confirm it.
	if err != nil || req.viewID != "" {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
	}
}

// recordVote passes the vote of a user to the Gate, and shows in the message what an approved change then waits for. If
// it is not known whether the vote was recorded, the error matches errNotKnown.
func (b *Bot) recordVote(ctx context.Context, req request, id string, v confirm.Vote) (confirm.Change, error) {
	c, gate, err := b.loadChange(ctx, id)
	if err != nil {
		return c, err
	}
	groups, unknown := req.users.groupsOf(ctx, req.user)
	v.Principal, v.Channel, v.Groups = req.principal(), confirm.Slack, groups
	ctx = tools.WithProgress(ctx, func(note string) {
		b.progress.set(id, note)
		b.wakeNotifier()
	})
	c, err = gate.Decide(ctx, id, v)
	if unknown != nil && errors.Is(err, confirm.ErrRefused) {
		b.warn(ctx, "a vote is refused without knowing its groups", unknown, "user", req.user)
		err = fmt.Errorf("%s (without that: %w)", ownMessage(unknown), err)
	}
	if isCertain(err) {
		return c, err
	}
	return b.readAgain(ctx, gate, id, lostWrite{cause: err, happened: func(c confirm.Change) bool {
		return slices.ContainsFunc(c.Decisions, func(d confirm.Decision) bool {
			return d.Principal == v.Principal && d.Approve == v.Approve
		})
	}})
}

// voteReply returns the reply to a vote or a withdrawal.
func (b *Bot) voteReply(ctx context.Context, c confirm.Change, err error) string {
	switch {
	case err == nil && c.State == confirm.Pending:
		return fmt.Sprintf("Your approval is recorded: %d of %d confirmations.", c.Approvals(), c.Needed)
	case err == nil:
		return capitalize(statusText(c))
	case errors.Is(err, errNotKnown):
		return "Whether your decision was recorded is not known yet, because the database did not answer. The message of the change shows " +
			"it as soon as it is known. If the message still waits for a decision in a minute, decide again: a decision counts once."
	case errors.Is(err, confirm.ErrMoved):
		b.progress.set(c.ID, "") // updates the message in which the user clicked
		b.wakeNotifier()
		return "Already decided: " + statusText(c)
	case errors.Is(err, confirm.ErrNotFound):
		return "This change no longer exists. Nothing was done."
	case errors.Is(err, confirm.ErrRefused):
		return "Not counted: " + withPeriod(voteRefusalText(err))
	}
	b.cfg.Log.ErrorContext(ctx, "failed to read a change", "change", c.ID, "error", err)
	return "Not done: scanwarden cannot read the change now, so that nothing was decided. Please try again in a moment."
}

// voteRefusalText returns why a vote does not count, with the address of the page where that is what the approver needs. Only
// the person who has clicked reads it.
func voteRefusalText(err error) string {
	var missing *confirm.ContextError
	if errors.As(err, &missing) {
		return missing.TextForPeople()
	}
	return err.Error()
}

// statusText returns the status of a change in one or two sentences. It fits one text object: a longer reason is cut
// between two tokens, and stands whole in `scanwarden changes ID`.
func statusText(c confirm.Change) string {
	text := fmt.Sprintf("change %s %s.", c.Code, stateClauses[c.State])
	var who []string
	for _, d := range c.Decisions {
		who = append(who, string(d.Principal))
	}
	if len(who) > 0 {
		text += " Decided by " + strings.Join(who, ", ") + "."
	}
	if c.Outcome.Reason != "" {
		text += " " + sentence(tools.ResultOf(c).Reason)
	}
	return blocks.Truncate(text, blocks.MaxTextUnits)
}

// canDeny returns nil if the user could deny a change now, so that nobody writes a reason in vain. It also returns nil if that is not
// known, because the denial itself is checked again.
func (b *Bot) canDeny(ctx context.Context, gate *confirm.Gate, req request, c confirm.Change) error {
	groups, unknown := req.users.groupsOf(ctx, req.user)
	err := gate.CanDecide(ctx, c, confirm.Vote{Principal: req.principal(), Groups: groups, Channel: confirm.Slack})
	if unknown != nil && errors.Is(err, confirm.ErrRefused) {
		return nil
	}
	return err
}

// openDenyModal opens the modal that asks for the reason of a denial, unless the user may not deny the change.
func (b *Bot) openDenyModal(ctx context.Context, req request, id string) {
	c, gate, err := b.loadChange(ctx, id)
	if err == nil {
		err = b.canDeny(ctx, gate, req, c)
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
	c, err := b.recordVote(ctx, req, view.PrivateMetadata, confirm.Vote{Reason: reason})
	switch {
	case err == nil:
		return modalResult{}
	case errors.Is(err, confirm.ErrRefused):
		return modalResult{errors: map[string]string{reasonBlock: b.voteReply(ctx, c, err)}}
	}
	return textResult(b.voteReply(ctx, c, err))
}

// handleWithdraw withdraws a change for its requester. The Gate compares the two; to any other user the change does not
// exist.
func (b *Bot) handleWithdraw(ctx context.Context, req request, id string) {
	c, err := b.withdrawChange(ctx, req.caller, id)
	text := b.voteReply(ctx, c, err)
	if errors.Is(err, errNotKnown) {
		text = "Whether the change is withdrawn is not known yet, because the database did not answer. If it still waits for a decision in a minute (" +
			b.listCommand() + "), withdraw it again."
	}
	b.replyText(ctx, req, text)
}

func (b *Bot) withdrawChange(ctx context.Context, by caller, id string) (confirm.Change, error) {
	c, gate, err := b.loadChange(ctx, id)
	if err != nil {
		return c, err
	}
	c, err = gate.Withdraw(ctx, id, confirm.Requester{Principal: by.principal()})
	if isCertain(err) {
		return c, err
	}
	return b.readAgain(ctx, gate, id, lostWrite{cause: err, happened: func(c confirm.Change) bool { return c.State == confirm.Withdrawn }})
}
