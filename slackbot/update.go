package slackbot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// maxUpdates bounds how many messages one round updates.
const maxUpdates = 100

// updateOutdated updates the messages whose change has a newer version, whichever process made it. Each round goes on
// after the messages of the one before, so that messages that cannot be updated do not keep the others waiting.
func (n notifier) updateOutdated(ctx context.Context) error {
	if n.outbox.backingOff(n.cfg.Now()) {
		return nil
	}
	outdated, err := n.messages.OutdatedMessages(ctx, n.updated, maxUpdates)
	if err != nil {
		return err
	}
	if n.updated = (confirm.Message{}); len(outdated) == maxUpdates {
		n.updated = outdated[maxUpdates-1]
		n.wakeNotifier()
	}
	notes := n.progress.drain()
	for id := range notes {
		posted, err := n.messages.Messages(ctx, id)
		if err != nil {
			return err
		}
		outdated = append(outdated, posted...)
	}
	var errs []error
	done := map[string]bool{}
	for _, msg := range outdated {
		if key := msg.Change + " " + msg.Channel; !done[key] {
			done[key] = true
			_, noted := notes[msg.Change]
			errs = append(errs, n.refreshMessage(ctx, msg, notes[msg.Change], noted))
		}
	}
	return errors.Join(errs...)
}

// refreshMessage updates one message. A transition that another process made just now is left to that process.
func (n notifier) refreshMessage(ctx context.Context, msg confirm.Message, note string, noted bool) error {
	c, err := n.gate.Change(ctx, msg.Change)
	if err != nil {
		return err
	}
	if !noted && !n.outbox.owns(c.ID) && n.cfg.Now().Sub(c.Updated) < ownerHeadStart {
		return nil
	}
	switch msg.Kind {
	case outcomeKind:
		return n.updateMessage(ctx, c, msg, n.outcomeBlocks(c))
	case detailKind:
		return n.updateMessage(ctx, c, msg, detailBlocks(c))
	}
	if n.outbox.isUpdateDelayed(msg, n.cfg.Now()) {
		return nil
	}
	if msg.Message == "" && c.State == confirm.Pending {
		return nil // it is not posted yet
	}
	if err := n.updateMessage(ctx, c, msg, n.changeMessage(c, note)); err != nil || c.State.Open() {
		return err
	}
	return errors.Join(n.postDetails(ctx, c, msg), n.notifyRequester(ctx, c, msg))
}

// postDetails posts the request of a decided change and Defender's receipt in the thread of its confirmation message, once. It is
// stored under "CHANNEL/THREAD", as the outcome for the requester is.
func (n notifier) postDetails(ctx context.Context, c confirm.Change, confirmation confirm.Message) error {
	if confirmation.Message == "" {
		return nil
	}
	key := confirmation.Channel + "/" + confirmation.Message
	posted, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(posted, func(msg confirm.Message) bool { return msg.Channel == key && msg.Kind == detailKind }) {
		return nil
	}
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	message, err := n.postMessage(ctx, thread{confirmation.Channel, confirmation.Message}, detailHeadline(c), detailBlocks(c))
	if err != nil {
		return err
	}
	return n.messages.SaveMessage(ctx, confirm.Message{Change: c.ID, Channel: key, Message: message, Kind: detailKind, Version: c.Version})
}

// detailHeadline returns the text for notifications of the message with the request and the receipt.
func detailHeadline(c confirm.Change) string { return "The exact request of change " + c.Code }

// updateMessage replaces a message and records the version that it shows. A message that was never posted, or was
// deleted, is only recorded.
func (n notifier) updateMessage(ctx context.Context, c confirm.Change, msg confirm.Message, content []slack.Block) error {
	if msg.Message != "" {
		channel, _, _ := strings.Cut(msg.Channel, "/")
		text := n.headlineFor(c)
		if msg.Kind == detailKind {
			text = detailHeadline(c)
		}
		options := []slack.MsgOption{slack.MsgOptionText(text, true), slack.MsgOptionBlocks(content...)}
		_, _, _, err := n.api.UpdateMessageContext(ctx, channel, msg.Message, options...)
		if err != nil && !permanentUpdateErrors[slackCode(err)] {
			n.handlePostError(err)
			n.outbox.delayUpdate(msg, n.cfg.Now())
			return newCallError("chat.update", "channel "+channel, err)
		}
	}
	msg.Version = c.Version
	return n.messages.SaveMessage(ctx, msg)
}

// outcomeBlocks returns the message with the outcome for the requester.
func (n notifier) outcomeBlocks(c confirm.Change) []slack.Block {
	p := n.planOf(c)
	line := blocks.MentionLine(blocks.Mention(string(c.Requester)), " your change "+c.Code+" "+stateClauses[c.State]+": "+p.Phrase(blocks.MaxTextUnits/2)+".")
	return append([]slack.Block{line}, outcomeText(p)...)
}

// notifyRequester posts the outcome to a requester in Slack: in the thread of the confirmation message, or as a
// direct message if there is no channel or no such message. It is stored under "CHANNEL/THREAD", because the same
// channel may hold the confirmation message as well.
func (n notifier) notifyRequester(ctx context.Context, c confirm.Change, confirmation confirm.Message) error {
	user, ok := blocks.UserID(string(c.Requester))
	if !ok {
		return nil // the interface that the requester used reports it
	}
	to := thread{channel: confirmation.Channel, ts: confirmation.Message}
	if n.cfg.Channel == "" || to.ts == "" {
		channel, err := n.dmChannel(ctx, user)
		if err != nil {
			return err
		}
		to = thread{channel: channel}
	}
	key := to.channel + "/" + to.ts
	posted, err := n.messages.Messages(ctx, c.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(posted, func(msg confirm.Message) bool { return msg.Channel == key && msg.Kind == outcomeKind }) {
		return nil
	}
	ctx, cancel := detachedContext(ctx)
	defer cancel()
	message, err := n.postMessage(ctx, to, n.headlineFor(c), n.outcomeBlocks(c))
	if err != nil {
		return err
	}
	return n.messages.SaveMessage(ctx, confirm.Message{Change: c.ID, Channel: key, Message: message, Kind: outcomeKind, Version: c.Version})
}

// thread is where a message is posted: into the thread of a message or, if ts is empty, into the channel.
type thread struct{ channel, ts string }

// postMessage posts content with a text for notifications, and returns the timestamp of the message.
func (n notifier) postMessage(ctx context.Context, to thread, text string, content []slack.Block) (message string, err error) {
	options := append(noUnfurl(), slack.MsgOptionText(text, true), slack.MsgOptionBlocks(content...))
	if to.ts != "" {
		options = append(options, slack.MsgOptionTS(to.ts))
	}
	*n.posts++
	if _, message, err = n.api.PostMessageContext(ctx, to.channel, options...); err != nil {
		n.handlePostError(err)
		return "", newCallError("chat.postMessage", "channel "+to.channel, err)
	}
	return message, nil
}
