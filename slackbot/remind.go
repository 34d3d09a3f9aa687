package slackbot

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// isReminderDue reports whether half of the time of a change has passed and its approvers were not reminded yet.
func (n notifier) isReminderDue(c confirm.Change, job *postJob) bool {
	now := n.cfg.Now()
	return !job.reminded && !now.Before(c.Created.Add(c.Expires.Sub(c.Created)/2)) && !n.outbox.backingOff(now)
}

// remindApprovers reminds the approvers of a change once. The reminder is recorded before it is posted: a missing reminder
// is better than two.
func (n notifier) remindApprovers(ctx context.Context, c confirm.Change, job *postJob) error {
	posted, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, msg := range posted {
		if msg.Kind != confirmationKind || msg.Message == "" || msg.Reminded {
			continue
		}
		content, err := n.reminderBlocks(ctx, c)
		if err != nil {
			return err
		}
		msg.Reminded = true
		if err := n.messages.SaveMessage(ctx, msg); err != nil {
			return err
		}
		if _, err := n.postMessage(ctx, thread{msg.Channel, msg.Message}, "Change "+c.Code+" still waits for a decision.", content); err != nil {
			return err
		}
	}
	job.reminded = n.outbox.isPosted(job)
	return nil
}

// reminderBlocks returns a reminder that mentions the approvers without a decision. Their IDs are from our
// configuration or were signed by Slack.
func (n notifier) reminderBlocks(ctx context.Context, c confirm.Change) ([]slack.Block, error) {
	parts := []any{"Half of the time is gone. "}
	ending := []any{"Change " + c.Code + " waits for a decision until ", blocks.Date(c.Expires, c.Created), "."}
	if n.cfg.Channel == "" {
		return []slack.Block{blocks.MentionLine(append(parts, ending...)...)}, nil
	}
	for _, approver := range n.cfg.Approvers {
		if group, ok := strings.CutPrefix(approver, groupPrefix); ok && blocks.IsID(group) {
			parts = append(parts, []slack.RichTextSectionElement{slack.NewRichTextSectionUserGroupElement(group)}, " ")
		}
		known, err := n.gate.Person(ctx, confirm.Principal(approver))
		if err != nil {
			return nil, err
		}
		if hasVoted(known, c) {
			continue
		}
		for _, user := range slackUserIDs(known) {
			parts = append(parts, []slack.RichTextSectionElement{slack.NewRichTextSectionUserElement(user, nil)}, " ")
		}
	}
	return []slack.Block{blocks.MentionLine(append(parts, ending...)...)}, nil
}

// hasVoted reports whether a person has requested or decided a change.
func hasVoted(known confirm.Person, c confirm.Change) bool {
	return slices.Contains(known.Principals, c.Requester) || slices.ContainsFunc(c.Decisions, func(d confirm.Decision) bool {
		return slices.Contains(known.Principals, d.Principal)
	})
}
