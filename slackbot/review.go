package slackbot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// openReview opens the plan of a change, whole.
func (b *Bot) openReview(ctx context.Context, req request, id string) {
	c, err := b.loadChange(ctx, id)
	if err != nil {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
		return
	}
	b.openModal(ctx, req, b.planPage(c, 0))
}

// nextPage shows the page after the one that a modal is at.
func (b *Bot) nextPage(ctx context.Context, req request, metadata string) {
	m := readModalState(metadata)
	c, err := b.loadChange(ctx, m.Change)
	if err != nil {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
		return
	}
	_ = b.updateView(ctx, req.viewID, b.planPage(c, m.Page+1)) // which says so in the log
}

// planPage is one page of the plan. The pages are only turned forward, so that whoever comes to the last one, with
// its approve button, was shown all of them.
func (b *Bot) planPage(c confirm.Change, n int) slackModal {
	all := PlanPages(c)
	if c.State != confirm.Pending || n < 0 || n >= len(all) {
		return TextModal(TextSections(statusText(c)))
	}
	view := TextModal(all[n])
	view.CallbackID = actionReview
	view.Title = PlainText(Truncate("Review "+c.Code, 24))
	view.PrivateMetadata = modalState{Change: c.ID, Page: n}.String()
	blocks := view.Blocks.BlockSet[:len(all[n]):len(all[n])]
	if len(all) > 1 {
		blocks = append(blocks, TextSections(fmt.Sprintf("Page %d of %d", n+1, len(all)))...)
	}
	if n+1 < len(all) {
		next := slack.NewButtonBlockElement(actionNextPage, c.ID, PlainText("Next page")).WithStyle(slack.StylePrimary)
		view.Blocks.BlockSet = append(blocks, slack.NewActionBlock("", next))
		return view
	}
	view.Blocks.BlockSet = append(blocks, actionButtons(b.approveButton(c), denyButton(c)))
	return view
}
