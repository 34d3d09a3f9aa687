package slackbot

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// remind tells the approvers once, at half of its time, that a change still waits. Once is more important than
// surely: the reminder is recorded before it is posted.
func (k keeper) remind(ctx context.Context, c confirm.Change) error {
	if k.cfg.Now().Before(c.Created.Add(c.Expires.Sub(c.Created) / 2)) {
		return nil
	}
	standing, err := k.notices.Notices(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, n := range standing {
		if n.Kind != questionKind || n.Message == "" || n.Reminded {
			continue
		}
		n.Reminded = true
		if err := k.notices.SaveNotice(ctx, n); err != nil {
			return err
		}
		if _, err := k.send(ctx, n.Channel, n.Message, k.headline(c), k.reminder(c)); err != nil {
			return err
		}
	}
	return nil
}

// reminder mentions the approvers who have not decided; their ids are from our own configuration.
func (k keeper) reminder(c confirm.Change) []slack.Block {
	parts := []any{"Change " + c.Code + " still waits for a decision, until " + until(c.Expires) + ". "}
	if k.cfg.Channel == "" {
		return []slack.Block{say(parts...)}
	}
	for _, approver := range k.cfg.Approvers {
		decided := slices.ContainsFunc(c.Decisions, func(d confirm.Decision) bool { return string(d.Principal) == approver })
		if decided || approver == string(c.Requester) {
			continue
		}
		if user, ok := slackUser(approver); ok {
			parts = append(parts, []slack.RichTextSectionElement{slack.NewRichTextSectionUserElement(user, nil)}, " ")
		}
		if group, ok := strings.CutPrefix(approver, "slack-group:"); ok && isID(group) {
			parts = append(parts, []slack.RichTextSectionElement{slack.NewRichTextSectionUserGroupElement(group)}, " ")
		}
	}
	return []slack.Block{say(parts...)}
}
