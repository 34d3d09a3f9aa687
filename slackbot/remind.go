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
	standing, err := k.notices.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, n := range standing {
		if n.Kind != questionKind || n.Message == "" || n.Reminded {
			continue
		}
		blocks, err := k.reminder(ctx, c)
		if err != nil {
			return err
		}
		n.Reminded = true
		if err := k.notices.SaveMessage(ctx, n); err != nil {
			return err
		}
		if _, err := k.send(ctx, n.Channel, n.Message, k.headline(c), blocks); err != nil {
			return err
		}
	}
	return nil
}

// reminder mentions the approvers who have not decided; their ids are from our own configuration, or signed by Slack.
func (k keeper) reminder(ctx context.Context, c confirm.Change) ([]slack.Block, error) {
	parts := []any{"Change " + c.Code + " still waits for a decision, until " + until(c.Expires) + ". "}
	if k.cfg.Channel == "" {
		return []slack.Block{say(parts...)}, nil
	}
	for _, approver := range k.cfg.Approvers {
		if group, ok := strings.CutPrefix(approver, "slack-group:"); ok && isID(group) {
			parts = append(parts, []slack.RichTextSectionElement{slack.NewRichTextSectionUserGroupElement(group)}, " ")
		}
		known, err := k.gate.Person(ctx, confirm.Principal(approver))
		if err != nil {
			return nil, err
		}
		if spoke(known, c) {
			continue
		}
		for _, user := range slackUsers(known) {
			parts = append(parts, []slack.RichTextSectionElement{slack.NewRichTextSectionUserElement(user, nil)}, " ")
		}
	}
	return []slack.Block{say(parts...)}, nil
}

// spoke reports whether a change was asked for, or decided on, by somebody.
func spoke(known confirm.Person, c confirm.Change) bool {
	return slices.Contains(known.Principals, c.Requester) || slices.ContainsFunc(c.Decisions, func(d confirm.Decision) bool {
		return slices.Contains(known.Principals, d.Principal)
	})
}
