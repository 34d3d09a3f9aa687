package slackbot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// mostAtOnce bounds how many messages one round rewrites.
const mostAtOnce = 100

// rewriteAll brings every message up to date whose change moved, here or in another process.
func (k keeper) rewriteAll(ctx context.Context) error {
	if k.outbox.quiet(k.cfg.Now()) {
		return nil
	}
	outdated, err := k.notices.OutdatedMessages(ctx, mostAtOnce)
	if err != nil {
		return err
	}
	notes := k.progress.take()
	for id := range notes {
		noted, err := k.notices.Messages(ctx, id)
		if err != nil {
			return err
		}
		outdated = append(outdated, noted...)
	}
	var errs []error
	done := map[string]bool{}
	for _, n := range outdated {
		if at := n.Change + " " + n.Channel; !done[at] {
			done[at] = true
			_, asked := notes[n.Change]
			errs = append(errs, k.renew(ctx, n, notes[n.Change], asked))
		}
	}
	return errors.Join(errs...)
}

// renew brings one message up to date. What another process moved just now is left to that process.
func (k keeper) renew(ctx context.Context, n confirm.Message, note string, asked bool) error {
	c, err := k.gate.Change(ctx, n.Change)
	if err != nil {
		return err
	}
	if !asked && !k.outbox.mine(c.ID) && k.cfg.Now().Sub(c.Updated) < headStart {
		return nil
	}
	if n.Kind == wordKind {
		return k.rewrite(ctx, c, n, k.word(c))
	}
	if n.Message == "" && c.State == confirm.Pending {
		return nil // posting is still tried
	}
	if err := k.rewrite(ctx, c, n, k.question(c, note)); err != nil || c.State.Open() {
		return err
	}
	return k.tellRequester(ctx, c, n)
}

// rewrite replaces a message, and records which version of the change it shows. A message that was never
// posted, or is gone, needs no rewriting any more.
func (k keeper) rewrite(ctx context.Context, c confirm.Change, n confirm.Message, blocks []slack.Block) error {
	if n.Message != "" {
		channel, _, _ := strings.Cut(n.Channel, "/")
		options := []slack.MsgOption{slack.MsgOptionText(k.headline(c), true), slack.MsgOptionBlocks(blocks...)}
		_, _, _, err := k.api.UpdateMessageContext(ctx, channel, n.Message, options...)
		if err != nil && !gone[codeOf(err)] {
			k.failed(err)
			return fmt.Errorf("rewrite a message in %s: %w", channel, err)
		}
	}
	n.Version = c.Version
	return k.notices.SaveMessage(ctx, n)
}

// word is what the requester is told at the end.
func (k keeper) word(c confirm.Change) []slack.Block {
	blocks := []slack.Block{say(person(string(c.Requester)), ": "+standing(c))}
	return append(blocks, words(c.Summary)...)
}

// tellRequester tells whoever asked in Slack how it ended: in the thread of the question, or directly when
// there is no channel or no question in it. The place has the thread's name after a slash, because a
// conversation may hold the question as well.
func (k keeper) tellRequester(ctx context.Context, c confirm.Change, question confirm.Message) error {
	user, ok := slackUser(string(c.Requester))
	if !ok {
		return nil // their own door tells them
	}
	channel, thread := question.Channel, question.Message
	if k.cfg.Channel == "" || thread == "" {
		var err error
		if channel, err = k.directly(ctx, user); err != nil {
			return err
		}
		thread = ""
	}
	place := channel + "/" + thread
	standing, err := k.notices.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	if _, told := find(standing, place); told {
		return nil
	}
	ctx, cancel := throughout(ctx)
	defer cancel()
	message, err := k.send(ctx, channel, thread, k.headline(c), k.word(c))
	if err != nil {
		return err
	}
	return k.notices.SaveMessage(ctx, confirm.Message{Change: c.ID, Channel: place, Message: message, Kind: wordKind, Version: c.Version})
}

// send posts a message, into a thread when one is given.
func (k keeper) send(ctx context.Context, channel, thread, headline string, blocks []slack.Block) (message string, err error) {
	options := append(quiet(), slack.MsgOptionText(headline, true), slack.MsgOptionBlocks(blocks...))
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	if _, message, err = k.api.PostMessageContext(ctx, channel, options...); err != nil {
		k.failed(err)
		return "", fmt.Errorf("post to %s: %w", channel, err)
	}
	return message, nil
}
