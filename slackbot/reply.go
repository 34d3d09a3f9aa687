package slackbot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
)

// request is one command, click or submission of a user, and the ways to reply to that user alone.
type request struct {
	caller
	channel string

	triggerID   string // opens a modal, once, within three seconds
	responseURL string // takes five replies within half an hour
	viewID      string // the modal in which the user acted; it shows the reply
	inHome      bool   // the user acted in the home tab, which only a modal can answer

	users userReader // reads the user and their groups from Slack
}

// replyText sends text to the user so that only they see it.
func (b *Bot) replyText(ctx context.Context, req request, text string) {
	b.replyBlocks(ctx, req, blocks.TextSections(text))
}

// replyBlocks sends content to the user so that only they see it: in the modal that is open, or as an ephemeral
// message through the response_url, which works in channels that the bot is not in, or else through the API.
func (b *Bot) replyBlocks(ctx context.Context, req request, content []slack.Block) {
	if req.viewID != "" && b.updateView(ctx, req.viewID, blocks.TextModal(content)) == nil {
		return
	}
	if req.inHome {
		if _, err := b.openView(ctx, req, blocks.TextModal(content)); err == nil {
			return
		}
	}
	if req.responseURL != "" {
		body := slack.Blocks{BlockSet: content}
		err := slack.PostWebhookCustomHTTPContext(ctx, req.responseURL, b.http, &slack.WebhookMessage{
			ResponseType: slack.ResponseTypeEphemeral, Text: fallbackText, Blocks: &body,
		})
		if err == nil {
			return
		}
		// The error contains the response_url, to which everyone can post. It must not be logged.
		b.cfg.Log.WarnContext(ctx, "failed to reply through the response_url", "user", req.user)
	}
	if err := b.replyEphemeral(ctx, req, content); err != nil {
		b.cfg.Log.WarnContext(ctx, "failed to reply to a user", "user", req.user, "error", err)
	}
}

// fallbackText is what notifications show in place of blocks. It contains no text from users or from Defender.
const fallbackText = "scanwarden has an answer for you."

// replyEphemeral sends content to the user of req only: as an ephemeral message in req.channel, or as a direct message
// if there is no channel or Slack refuses. It returns the error of the direct message.
func (b *Bot) replyEphemeral(ctx context.Context, req request, content []slack.Block) error {
	options := []slack.MsgOption{slack.MsgOptionText(fallbackText, true), slack.MsgOptionBlocks(content...)}
	if req.channel != "" {
		if _, err := b.api.PostEphemeralContext(ctx, req.channel, req.user, options...); err == nil {
			return nil
		}
	}
	channel, err := b.openDM(ctx, req.user)
	if err != nil {
		return err
	}
	_, _, err = b.api.PostMessageContext(ctx, channel, append(options, noUnfurl()...)...)
	return err
}

// openDM returns the ID of the direct message conversation with a user.
func (b *Bot) openDM(ctx context.Context, user string) (string, error) {
	im, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", err
	}
	return im.ID, nil
}

// noUnfurl returns options that keep Slack from fetching links and from interpreting markup.
func noUnfurl() []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(), slack.MsgOptionDisableMarkdown()}
}

// openView opens a modal for the user of req and returns its ID. If the user acted in a modal (req.viewID), the new
// modal is pushed on top of that one.
func (b *Bot) openView(ctx context.Context, req request, view slack.ModalViewRequest) (id string, err error) {
	open := b.api.OpenViewContext
	if req.viewID != "" {
		open = b.api.PushViewContext
	}
	opened, err := open(ctx, req.triggerID, view)
	if err != nil {
		return "", err
	}
	return opened.View.ID, nil
}

// updateView replaces the content of an open modal. It logs and returns the error.
func (b *Bot) updateView(ctx context.Context, id string, view slack.ModalViewRequest) error {
	_, err := b.api.UpdateViewContext(ctx, view, "", "", id)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "failed to update a modal", "error", err)
	}
	return err
}

// withPeriod returns sentence with a period at its end, and never with two.
func withPeriod(sentence string) string {
	if strings.HasSuffix(sentence, ".") {
		return sentence
	}
	return sentence + "."
}
