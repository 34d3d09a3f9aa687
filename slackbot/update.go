package slackbot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// maxUpdates bounds how many messages one round rewrites.
const maxUpdates = 100

// updateOutdated brings every message up to date whose change moved, here or in another process.
func (n notifier) updateOutdated(ctx context.Context) error {
	if n.outbox.backingOff(n.cfg.Now()) {
		return nil
	}
	outdated, err := n.messages.OutdatedMessages(ctx, maxUpdates)
	if err != nil {
		return err
	}
	notes := n.progress.drain()
	for id := range notes {
		noted, err := n.messages.Messages(ctx, id)
		if err != nil {
			return err
		}
		outdated = append(outdated, noted...)
	}
	var errs []error
	done := map[string]bool{}
	for _, msg := range outdated {
		if at := msg.Change + " " + msg.Channel; !done[at] {
			done[at] = true
			_, asked := notes[msg.Change]
			errs = append(errs, n.refreshMessage(ctx, msg, notes[msg.Change], asked))
		}
	}
	return errors.Join(errs...)
}

// refreshMessage brings one message up to date. What another process moved just now is left to that process.
func (n notifier) refreshMessage(ctx context.Context, msg confirm.Message, note string, asked bool) error {
	c, err := n.gate.Change(ctx, msg.Change)
	if err != nil {
		return err
	}
	if !asked && !n.outbox.owns(c.ID) && n.cfg.Now().Sub(c.Updated) < ownerHeadStart {
		return nil
	}
	if msg.Kind == outcomeKind {
		return n.updateMessage(ctx, c, msg, n.outcomeBlocks(c))
	}
	if msg.Message == "" && c.State == confirm.Pending {
		return nil // posting is still tried
	}
	if err := n.updateMessage(ctx, c, msg, n.changeMessage(c, note)); err != nil || c.State.Open() {
		return err
	}
	return n.notifyRequester(ctx, c, msg)
}

// updateMessage replaces a message, and records which version of the change it shows. A message that was never
// posted, or is gone, needs no rewriting any more.
func (n notifier) updateMessage(ctx context.Context, c confirm.Change, msg confirm.Message, content []slack.Block) error {
	if msg.Message != "" {
		channel, _, _ := strings.Cut(msg.Channel, "/")
		options := []slack.MsgOption{slack.MsgOptionText(n.headlineFor(c), true), slack.MsgOptionBlocks(content...)}
		_, _, _, err := n.api.UpdateMessageContext(ctx, channel, msg.Message, options...)
		if err != nil && !permanentUpdateErrors[slackCode(err)] {
			n.handlePostError(err)
			return fmt.Errorf("rewrite a message in %s: %w", channel, err)
		}
	}
	msg.Version = c.Version
	return n.messages.SaveMessage(ctx, msg)
}

// outcomeBlocks is what the requester is told at the end.
func (n notifier) outcomeBlocks(c confirm.Change) []slack.Block {
	content := []slack.Block{blocks.MentionLine(blocks.Mention(string(c.Requester)), ": "+statusText(c))}
	return append(content, blocks.TextSections(c.Summary)...)
}

// notifyRequester tells whoever asked in Slack how it ended: in the thread of the question, or directly when
// there is no channel or no question in it. The place has the thread's name after a slash, because a
// conversation may hold the question as well.
func (n notifier) notifyRequester(ctx context.Context, c confirm.Change, question confirm.Message) error {
	user, ok := blocks.UserID(string(c.Requester))
	if !ok {
		return nil // their own door tells them
	}
	channel, thread := question.Channel, question.Message
	if n.cfg.Channel == "" || thread == "" {
		var err error
		if channel, err = n.dmChannel(ctx, user); err != nil {
			return err
		}
		thread = ""
	}
	place := channel + "/" + thread
	standing, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	if _, told := findMessage(standing, place); told {
		return nil
	}
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	message, err := n.postMessage(ctx, channel, thread, n.headlineFor(c), n.outcomeBlocks(c))
	if err != nil {
		return err
	}
	return n.messages.SaveMessage(ctx, confirm.Message{Change: c.ID, Channel: place, Message: message, Kind: outcomeKind, Version: c.Version})
}

// postMessage posts a message, into a thread when one is given.
func (n notifier) postMessage(ctx context.Context, channel, thread, headline string, content []slack.Block) (message string, err error) {
	options := append(noUnfurl(), slack.MsgOptionText(headline, true), slack.MsgOptionBlocks(content...))
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	if _, message, err = n.api.PostMessageContext(ctx, channel, options...); err != nil {
		n.handlePostError(err)
		return "", fmt.Errorf("post to %s: %w", channel, err)
	}
	return message, nil
}
