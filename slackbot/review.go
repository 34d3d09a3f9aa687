package slackbot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// review opens the plan of a change, whole.
func (b *Bot) review(ctx context.Context, t talk, id string) {
	c, err := b.change(ctx, id)
	if err != nil {
		b.tell(ctx, t, b.verdict(ctx, c, err))
		return
	}
	b.openOrSay(ctx, t, b.page(c, 0))
}

// turnPage shows the page after the one that a modal is at.
func (b *Bot) turnPage(ctx context.Context, t talk, metadata string) {
	m := readMemo(metadata)
	c, err := b.change(ctx, m.Change)
	if err != nil {
		b.tell(ctx, t, b.verdict(ctx, c, err))
		return
	}
	_ = b.updateView(ctx, t.view, b.page(c, m.Page+1)) // which says so in the log
}

// page is one page of the plan. The pages are only turned forward, so that whoever comes to the last one, with
// its approve button, was shown all of them.
func (b *Bot) page(c confirm.Change, n int) slackModal {
	all := pages(c)
	if c.State != confirm.Pending || n < 0 || n >= len(all) {
		return letter(words(standing(c)))
	}
	view := letter(all[n])
	view.CallbackID = reviewChange
	view.Title = plain(short("Review "+c.Code, 24))
	view.PrivateMetadata = memo{Change: c.ID, Page: n}.String()
	blocks := view.Blocks.BlockSet[:len(all[n]):len(all[n])]
	if len(all) > 1 {
		blocks = append(blocks, words(fmt.Sprintf("Page %d of %d", n+1, len(all)))...)
	}
	if n+1 < len(all) {
		next := slack.NewButtonBlockElement(reviewNext, c.ID, plain("Next page")).WithStyle(slack.StylePrimary)
		view.Blocks.BlockSet = append(blocks, slack.NewActionBlock("", next))
		return view
	}
	view.Blocks.BlockSet = append(blocks, buttons(b.approveButton(c), denyButton(c)))
	return view
}
