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
	"scanwarden/tools"
)

// changeID is what the gate's ids look like; anything else was not in a button of ours.
var changeID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Z]{26}$`) })

// longestReason bounds why somebody denied.
const longestReason = 500

// change reads a change that was put to people in Slack; no other one exists here.
func (b *Bot) change(ctx context.Context, id string) (confirm.Change, error) {
	if !changeID().MatchString(id) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return confirm.Change{}, err
	}
	c, err := back.Gate.Change(ctx, id)
	if err == nil && !ours(c) {
		return confirm.Change{}, confirm.ErrNotFound
	}
	return c, err
}

// approve takes a click on an approve button.
func (b *Bot) approve(ctx context.Context, t talk, id string) {
	c, err := b.decide(ctx, t.caller, id, confirm.Vote{Approve: true})
	// The message itself shows a yes that counts; a modal has to say so.
	if err != nil || t.view != "" {
		b.tell(ctx, t, b.verdict(ctx, c, err))
	}
}

// decide gives the gate a vote of the person who clicked, and lets the messages show what it then waits for.
func (b *Bot) decide(ctx context.Context, who caller, id string, v confirm.Vote) (confirm.Change, error) {
	c, err := b.change(ctx, id)
	if err != nil {
		return c, err
	}
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return c, err
	}
	groups, unknown := b.people.groupsOf(ctx, who.user)
	v.Principal, v.Channel, v.Groups = who.principal(), confirm.Slack, groups
	ctx = tools.WithProgress(ctx, func(note string) {
		b.progress.note(id, note)
		b.stir()
	})
	c, err = back.Gate.Decide(ctx, id, v)
	if unknown != nil && errors.Is(err, confirm.ErrRefused) {
		b.cfg.Log.WarnContext(ctx, "a vote is refused without knowing its groups", "user", who.user, "error", unknown)
		err = fmt.Errorf("%w (%s)", err, withoutCause(unknown))
	}
	return c, err
}

// verdict tells a person what their click did.
func (b *Bot) verdict(ctx context.Context, c confirm.Change, err error) string {
	switch {
	case err == nil && c.State == confirm.Pending:
		return fmt.Sprintf("Your yes is recorded: %d of %d confirmations.", c.Approvals(), c.Needed)
	case err == nil:
		return standing(c)
	case errors.Is(err, confirm.ErrMoved):
		b.progress.note(c.ID, "") // so that the message they clicked in is made right
		b.stir()
		return "Already decided: " + standing(c)
	case errors.Is(err, confirm.ErrNotFound):
		return "There is no such change any more. Nothing was done."
	case errors.Is(err, confirm.ErrRefused):
		return "Not counted: " + stopped(err.Error())
	}
	b.cfg.Log.ErrorContext(ctx, "a decision could not be recorded", "change", c.ID, "error", err)
	return "Not done: scanwarden failed on its own side and recorded nothing. Please try again in a moment."
}

// standing is how a change stands, in one or two sentences.
func standing(c confirm.Change) string {
	text := fmt.Sprintf("change %s is %s.", c.Code, headlines[c.State])
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

// askReason opens the modal that a denial goes through.
func (b *Bot) askReason(ctx context.Context, t talk, id string) {
	c, err := b.change(ctx, id)
	if err == nil && c.State != confirm.Pending {
		err = confirm.ErrMoved
	}
	if err != nil {
		b.tell(ctx, t, b.verdict(ctx, c, err))
		return
	}
	why := slack.NewPlainTextInputBlockElement(nil, valueAction)
	why.Multiline, why.MaxLength = true, longestReason
	input := slack.NewInputBlock(reasonBlock, plain("Reason"), plain("Whoever asked, and their assistant, will read it."), why)
	input.Optional = true
	b.openOrSay(ctx, t, slackModal{
		Type: slack.VTModal, CallbackID: denyChange, PrivateMetadata: c.ID,
		Title: plain("Deny change " + c.Code), Submit: plain("Deny"), Close: plain("Cancel"), ClearOnClose: true,
		Blocks: slack.Blocks{BlockSet: append(words(short(c.Summary, widest)), input)},
	})
}

// deny takes the submitted reason.
func (b *Bot) deny(ctx context.Context, t talk, view slack.View) screen {
	var reason string
	if view.State != nil {
		reason = strings.TrimSpace(view.State.Values[reasonBlock][valueAction].Value)
	}
	if len([]rune(reason)) > longestReason {
		return screen{errors: map[string]string{reasonBlock: fmt.Sprintf("At most %d characters, please.", longestReason)}}
	}
	c, err := b.decide(ctx, t.caller, view.PrivateMetadata, confirm.Vote{Reason: reason})
	switch {
	case err == nil:
		return screen{}
	case errors.Is(err, confirm.ErrRefused):
		return screen{errors: map[string]string{reasonBlock: b.verdict(ctx, c, err)}}
	}
	return saying(b.verdict(ctx, c, err))
}

// withdraw takes a change back for the one who asked for it.
func (b *Bot) withdraw(ctx context.Context, t talk, id string) {
	c, err := b.change(ctx, id)
	if err == nil {
		var back *Backend
		if back, err = b.cfg.Backend(ctx); err == nil {
			c, err = back.Gate.Withdraw(ctx, id, confirm.Requester{Principal: t.principal()})
		}
	}
	b.tell(ctx, t, b.verdict(ctx, c, err))
}
