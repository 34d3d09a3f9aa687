package slackbot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// reviewState is what a review keeps between clicks, in private_metadata. No permission depends on it.
type reviewState struct {
	Change string `json:"change,omitempty"` // the ID of the change
	Page   int    `json:"page,omitempty"`   // the page that is shown
}

func (r reviewState) String() string {
	b, _ := json.Marshal(r) // a string and a number always marshal
	return string(b)
}

// readReviewState returns the zero state for text that is not one.
func readReviewState(s string) (r reviewState) {
	_ = json.Unmarshal([]byte(s), &r)
	return r
}

// openReview opens the first page of a plan.
func (b *Bot) openReview(ctx context.Context, req request, id string) {
	c, _, err := b.loadChange(ctx, id)
	if err != nil {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
		return
	}
	b.openModal(ctx, req, b.planPage(c, 0))
}

// nextPage shows the page after the one that the modal shows.
func (b *Bot) nextPage(ctx context.Context, req request, metadata string) {
	m := readReviewState(metadata)
	c, _, err := b.loadChange(ctx, m.Change)
	if err != nil {
		b.replyText(ctx, req, b.voteReply(ctx, c, err))
		return
	}
	_ = b.updateView(ctx, req.viewID, b.planPage(c, m.Page+1)) // logs its error
}

// planPage returns page n of a plan, counted from 0. Pages can only be turned forward, so the user of the last page,
// with its Approve button, was shown all of them.
func (b *Bot) planPage(c confirm.Change, n int) slack.ModalViewRequest {
	p := b.planOf(c)
	all := p.Pages()
	if c.State != confirm.Pending || n < 0 || n >= len(all) {
		return blocks.TextModal(blocks.TextSections(capitalize(statusText(c))))
	}
	view := blocks.TextModal(all[n])
	view.CallbackID = actionReview
	view.Title = blocks.PlainText(blocks.Truncate("Review "+c.Code, 24))
	view.PrivateMetadata = reviewState{Change: c.ID, Page: n}.String()
	content := view.Blocks.BlockSet[:len(all[n]):len(all[n])]
	if len(all) > 1 {
		content = append(content, blocks.TextSections(fmt.Sprintf("Page %d of %d", n+1, len(all)))...)
	}
	if n+1 < len(all) {
		next := newButton(actionNextPage, c.ID, "Next page", "Show the next page of the plan").WithStyle(slack.StylePrimary)
		view.Blocks.BlockSet = append(content, slack.NewActionBlock("", next))
		return view
	}
	view.Blocks.BlockSet = append(append(content, actionButtons(b.approveButton(p), denyButton(p))), p.Promise()...)
	return view
}
