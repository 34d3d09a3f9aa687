package slackbot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/internal/blocks"
)

// request is one exchange with a person: who it is, and the ways to answer only them.
type request struct {
	caller
	channel     string
	triggerID   string // opens a modal, once, within three seconds
	responseURL string // response_url: answers five times within half an hour
	viewID      string // the modal they acted in, which then shows the answer
	inHome      bool   // they acted in the app's home, which only a modal can answer
}

// replyText answers a person so that only they see it.
func (b *Bot) replyText(ctx context.Context, req request, text string) {
	b.replyBlocks(ctx, req, blocks.TextSections(text))
}

// replyBlocks is tell for more than words. A modal that is open shows the answer itself; else it is an ephemeral
// message, by way of the response_url, which works in conversations that the bot is not in.
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
		// The error itself would put the response_url, which anybody may post to, into the log.
		b.cfg.Log.WarnContext(ctx, "response_url did not take an answer", "user", req.user)
	}
	if err := b.replyEphemeral(ctx, req, content); err != nil {
		b.cfg.Log.WarnContext(ctx, "a person in Slack could not be answered", "user", req.user, "error", err)
	}
}

// fallbackText is what notifications say in place of blocks; it has nothing in it that comes from anybody.
const fallbackText = "scanwarden has an answer for you."

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

// openDM is the id of the conversation with one person.
func (b *Bot) openDM(ctx context.Context, user string) (string, error) {
	im, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", err
	}
	return im.ID, nil
}

// noUnfurl keeps Slack from fetching or guessing anything in a message.
func noUnfurl() []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(), slack.MsgOptionDisableMarkdown()}
}

// openView opens a modal, on top of the one the person is in.
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

func (b *Bot) updateView(ctx context.Context, id string, view slack.ModalViewRequest) error {
	_, err := b.api.UpdateViewContext(ctx, view, "", "", id)
	if err != nil {
		b.cfg.Log.WarnContext(ctx, "a modal could not be updated", "error", err)
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
