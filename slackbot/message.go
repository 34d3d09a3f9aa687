package slackbot

import (
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// stateHeadlines are what notifications show for each state.
var stateHeadlines = map[confirm.State]string{
	confirm.Pending:   "waiting for confirmation",
	confirm.Approved:  "confirmed, being sent to Defender",
	confirm.Executing: "confirmed, being sent to Defender",
	confirm.Applied:   "applied",
	confirm.Failed:    "failed",
	confirm.Unknown:   "outcome unknown",
	confirm.Denied:    "denied",
	confirm.Expired:   "expired, nothing was sent",
	confirm.Withdrawn: "withdrawn, nothing was sent",
	confirm.Stale:     "stale, nothing was sent",
}

// stateClauses say of "change CODE" or "your change CODE" what has become of it.
var stateClauses = map[confirm.State]string{
	confirm.Pending:   "is waiting for confirmation",
	confirm.Approved:  "is confirmed and being sent to Defender",
	confirm.Executing: "is confirmed and being sent to Defender",
	confirm.Applied:   "is applied",
	confirm.Failed:    "has failed",
	confirm.Unknown:   "has an unknown outcome",
	confirm.Denied:    "is denied",
	confirm.Expired:   "has expired, and nothing was sent",
	confirm.Withdrawn: "is withdrawn, and nothing was sent",
	confirm.Stale:     "is stale, and nothing was sent",
}

// operationTitle returns the title of an operation, or its name if it has none.
func (b *Bot) operationTitle(operation string) string {
	if f, ok := b.forms[operation]; ok && f.Op.Title != "" {
		return f.Op.Title
	}
	return operation
}

// planOf returns a change as messages show it.
func (b *Bot) planOf(c confirm.Change) blocks.Plan {
	return blocks.NewPlan(c, b.operationTitle(c.Operation))
}

// changeMessage returns the confirmation message of a change in its present state: the question with the whole plan, or in a few lines
// how it was decided. note is the progress of a change that executes.
func (b *Bot) changeMessage(c confirm.Change, note string) []slack.Block {
	if c.State == confirm.Pending {
		return b.pendingBlocks(b.planOf(c))
	}
	return decidedBlocks(b.planOf(c), note)
}

// pendingBlocks returns the question with the whole plan, Approve and Deny. A plan that does not fit gets "Full plan" in place of
// Approve, and a plan that cannot be shown at all gets only Deny.
func (b *Bot) pendingBlocks(p blocks.Plan) []slack.Block {
	head := blocks.Header(p.Question())
	whole := append([]slack.Block{head}, p.All()...)
	if blocks.Fits(whole, blocks.MaxMessageBlocks-2, blocks.MaxMessageBytes) {
		return append(append(whole, actionButtons(b.approveButton(p), denyButton(p))), p.Promise()...)
	}
	brief := append([]slack.Block{head, p.Asked()}, briefWarnings(p)...)
	brief = append(append(brief, p.Votes()...), p.Terms()...)
	if p.Pages() == nil {
		brief = append(brief, blocks.TextSections("This plan is too long to be shown in Slack, and nothing is approved here that was not shown whole. Deny it, and ask the requester for smaller changes.")...)
		return append(brief, actionButtons(denyButton(p)))
	}
	brief = append(brief, blocks.TextSections("The plan is too long for a message. Its last page has the approve button.")...)
	return append(append(brief, actionButtons(reviewButton(p, "Full plan", slack.StylePrimary), denyButton(p))), p.Promise()...)
}

// briefWarnings returns the summary and the warnings of a plan that does not fit, or their number if there are too many of them.
func briefWarnings(p blocks.Plan) []slack.Block {
	brief := append(blocks.TextSections(p.Summary), p.WarningList()...)
	if blocks.Fits(brief, blocks.MaxMessageBlocks/2, blocks.MaxMessageBytes/2) {
		return brief
	}
	return blocks.TextSections(fmt.Sprintf("%s\nThe full plan shows its warnings, %d in number.", blocks.Truncate(p.Summary, 1000), len(p.Warnings)))
}

// actionButtons returns a row of buttons. The value of a button is the ID of a change and nothing else: what is
// approved is read from the store.
func actionButtons(all ...slack.BlockElement) slack.Block {
	return slack.NewActionBlock("", all...)
}

// newButton returns a button about a change, with a label for screen readers.
func newButton(action, change, text, label string) *slack.ButtonBlockElement {
	button := slack.NewButtonBlockElement(action, change, blocks.PlainText(text))
	button.AccessibilityLabel = label
	return button
}

// approveButton returns the Approve button. What nobody can bring back, a scan or a stored credential, makes it a danger button with a
// dialog that names it. So does a destructive change whose plan lists no scans.
func (b *Bot) approveButton(p blocks.Plan) slack.BlockElement {
	button := newButton(actionApprove, p.ID, "Approve", "Approve this change")
	switch {
	case p.Deletes():
		what := p.Phrase(maxDialogTitle - len(" for good?"))
		return withDangerDialog(button, what+" for good?", "Change "+p.Code+". With their stored credentials these go: "+p.Names(180)+". Nothing brings them back.",
			p.Phrase(maxDialogButton))
	case p.Facts.ReplacesSecret:
		return withDangerDialog(button, "Replace the stored credential?", "Change "+p.Code+". Defender never shows the credential that it has for "+p.Names(180)+
			". Nothing brings it back.", "Replace it")
	case len(p.Subjects) == 0 && b.forms[p.Operation].Op.Destructive:
		return withDangerDialog(button, p.Phrase(maxDialogTitle-1)+"?", "Change "+p.Code+" is sent to Defender at once. What it overwrites or removes cannot be brought back.", "Approve")
	}
	return button.WithStyle(slack.StylePrimary)
}

// The limits of a dialog, in characters.
const maxDialogTitle, maxDialogText, maxDialogButton = 100, 300, 30

// withDangerDialog adds a dialog that Slack shows before it sends the click.
func withDangerDialog(button *slack.ButtonBlockElement, title, text, confirmText string) slack.BlockElement {
	dialog := slack.NewConfirmationBlockObject(blocks.PlainText(title), blocks.PlainText(blocks.Truncate(text, maxDialogText)),
		blocks.PlainText(confirmText), blocks.PlainText("Cancel"))
	return button.WithStyle(slack.StyleDanger).WithConfirm(dialog.WithStyle(slack.StyleDanger))
}

func denyButton(p blocks.Plan) slack.BlockElement {
	return newButton(actionDeny, p.ID, "Deny", "Deny this change")
}

// reviewButton returns the button that opens the plan.
func reviewButton(p blocks.Plan, text string, style slack.Style) *slack.ButtonBlockElement {
	return newButton(actionReview, p.ID, text, "Show the full plan of this change").WithStyle(style)
}

// headlineFor returns the text of a message for notifications. It contains no text from a requester or from Defender.
func (b *Bot) headlineFor(c confirm.Change) string {
	return b.operationTitle(c.Operation) + ": " + stateHeadlines[c.State] + ". Code: " + c.Code
}
