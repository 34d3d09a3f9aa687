package slackbot

import (
	"context"

	"github.com/slack-go/slack"
)

// talk is one exchange with a person: who it is, and the ways to answer only them.
type talk struct {
	caller
	channel  string
	trigger  string // opens a modal, once, within three seconds
	response string // response_url: answers five times within half an hour
	view     string // the modal they acted in, which then shows the answer
	home     bool   // they acted in the app's home, which only a modal can answer
}

// tell answers a person so that only they see it.
func (b *Bot) tell(ctx context.Context, t talk, text string) { b.show(ctx, t, words(text)) }

// show is tell for more than words. A modal that is open shows the answer itself; else it is an ephemeral
// message, by way of the response_url, which works in conversations that the bot is not in.
func (b *Bot) show(ctx context.Context, t talk, blocks []slack.Block) {
	if t.view != "" && b.updateView(ctx, t.view, letter(blocks)) == nil {
		return
	}
	if t.home {
		if _, err := b.openView(ctx, t, letter(blocks)); err == nil {
			return
		}
	}
	if t.response != "" {
		body := slack.Blocks{BlockSet: blocks}
		err := slack.PostWebhookCustomHTTPContext(ctx, t.response, b.http, &slack.WebhookMessage{
			ResponseType: slack.ResponseTypeEphemeral, Text: fallback, Blocks: &body,
		})
		if err == nil {
			return
		}
		// The error itself would put the response_url, which anybody may post to, into the log.
		b.cfg.Log.WarnContext(ctx, "response_url did not take an answer", "user", t.user)
	}
	if err := b.whisper(ctx, t, blocks); err != nil {
		b.cfg.Log.WarnContext(ctx, "a person in Slack could not be answered", "user", t.user, "error", err)
	}
}

// fallback is what notifications say in place of blocks; it has nothing in it that comes from anybody.
const fallback = "scanwarden has an answer for you."

func (b *Bot) whisper(ctx context.Context, t talk, blocks []slack.Block) error {
	options := []slack.MsgOption{slack.MsgOptionText(fallback, true), slack.MsgOptionBlocks(blocks...)}
	if t.channel != "" {
		if _, err := b.api.PostEphemeralContext(ctx, t.channel, t.user, options...); err == nil {
			return nil
		}
	}
	channel, err := b.direct(ctx, t.user)
	if err != nil {
		return err
	}
	_, _, err = b.api.PostMessageContext(ctx, channel, append(options, quiet()...)...)
	return err
}

// direct is the id of the conversation with one person.
func (b *Bot) direct(ctx context.Context, user string) (string, error) {
	im, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", err
	}
	return im.ID, nil
}

// quiet keeps Slack from fetching or guessing anything in a message.
func quiet() []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(), slack.MsgOptionDisableMarkdown()}
}

// openView opens a modal, on top of the one the person is in.
func (b *Bot) openView(ctx context.Context, t talk, view slack.ModalViewRequest) (id string, err error) {
	open := b.api.OpenViewContext
	if t.view != "" {
		open = b.api.PushViewContext
	}
	opened, err := open(ctx, t.trigger, view)
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
