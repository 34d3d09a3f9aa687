package slackbot

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/tools"
)

// stateHeadlines are what a message shows for each state.
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

// operationTitle returns the title of an operation, or its name if it has none.
func (b *Bot) operationTitle(operation string) string {
	if f, ok := b.forms[operation]; ok && f.Op.Title != "" {
		return f.Op.Title
	}
	return operation
}

// changeMessage returns the confirmation message of a change in its present state. note is the progress of a change
// that executes.
func (b *Bot) changeMessage(c confirm.Change, note string) []slack.Block {
	head := []slack.Block{slack.NewHeaderBlock(blocks.PlainText(blocks.Truncate(b.operationTitle(c.Operation)+": "+stateHeadlines[c.State], 150)))}
	if c.State == confirm.Pending {
		return append(head, b.pendingBlocks(c)...)
	}
	content := append(head, b.decidedBlocks(c, note)...)
	if whole := append(content[:len(content):len(content)], blocks.Plan(c)...); blocks.Fits(whole, blocks.MaxMessageBlocks, blocks.MaxMessageBytes) {
		return whole
	}
	return append(content, append(blocks.TextSections(c.Summary), append([]slack.Block{blocks.Requester(c)}, blocks.Terms(c)...)...)...)
}

// pendingBlocks returns the whole plan with Approve and Deny. A plan that does not fit gets Review in place of
// Approve, and a plan that cannot be shown at all gets only Deny.
func (b *Bot) pendingBlocks(c confirm.Change) []slack.Block {
	votes := decisionLines(c)
	if whole := append(blocks.Plan(c), votes...); blocks.Fits(whole, blocks.MaxMessageBlocks, blocks.MaxMessageBytes) {
		return append(whole, actionButtons(b.approveButton(c), denyButton(c)))
	}
	brief := blocks.TextSections(c.Summary)
	for _, w := range c.Warnings {
		brief = append(brief, blocks.TextSections("WARNING: "+w)...)
	}
	if !blocks.Fits(brief, blocks.MaxMessageBlocks/2, blocks.MaxMessageBytes/2) {
		brief = blocks.TextSections(fmt.Sprintf("%s\nIt has %d warnings, which the review shows.", blocks.Truncate(c.Summary, 1000), len(c.Warnings)))
	}
	brief = append(append(append(brief, blocks.Requester(c)), blocks.Terms(c)...), votes...)
	if blocks.PlanPages(c) == nil {
		brief = append(brief, blocks.TextSections("This plan is too long to be shown in Slack, and nothing is approved here that was not shown whole. Deny it, and ask the requester for smaller changes.")...)
		return append(brief, actionButtons(denyButton(c)))
	}
	brief = append(brief, blocks.TextSections("The plan is too long for a message. Review shows it whole; the approve button is at its end.")...)
	return append(brief, actionButtons(reviewButton(c, slack.StylePrimary), denyButton(c)))
}

// decidedBlocks returns the decisions on a change with their times, the outcome, and the scans as Defender returned
// them.
func (b *Bot) decidedBlocks(c confirm.Change, note string) []slack.Block {
	content := decisionLines(c)
	r := tools.ResultOf(c)
	text := r.Reason
	if c.State.Open() {
		text = note
	} else if r.Next != "" && c.State != confirm.Applied {
		text += "\n" + r.Next
	}
	content = append(content, blocks.TextSections(blocks.Truncate(text, maxOutcomeUnits))...)
	if len(c.Outcome.Scans) > 0 {
		content = append(content, returnedScans(c.Outcome.Scans)...)
	}
	return content
}

// maxOutcomeUnits bounds the outcome in a message, in UTF-16 units.
const maxOutcomeUnits = 4 * blocks.MaxTextUnits

// returnedScans returns the scans from Defender's answer. An answer that does not fit is left to the command line:
// the plan itself was shown before.
func returnedScans(scans json.RawMessage) []slack.Block {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, scans, "", "  "); err != nil {
		return blocks.TextSections("Defender's answer cannot be shown.")
	}
	content := blocks.CodeBlocks(pretty.String())
	if blocks.Fits(content, 4, blocks.MaxMessageBytes/2) {
		return append(blocks.TextSections("Defender returned:"), content...)
	}
	return blocks.TextSections("Defender's answer is too long for a message; `scanwarden changes ID` shows it.")
}

// decisionLines returns one line for each decision, and how many approvals there are if several are needed.
func decisionLines(c confirm.Change) []slack.Block {
	var content []slack.Block
	for _, d := range c.Decisions {
		word := "Approved by "
		if !d.Approve {
			word = "Denied by "
		}
		name := ""
		if d.Name != "" {
			name = ", " + d.Name + ","
		}
		content = append(content, blocks.MentionLine(word, blocks.Mention(string(d.Principal)), name+" at "+blocks.FormatTime(d.At)))
		if d.Reason != "" {
			content = append(content, blocks.TextSections("Reason: "+d.Reason)...)
		}
	}
	if c.State == confirm.Pending && c.Needed > 1 {
		content = append(content, blocks.TextSections(fmt.Sprintf("%d of %d confirmations", c.Approvals(), c.Needed))...)
	}
	return content
}

// actionButtons returns a row of buttons. The value of a button is the ID of a change and nothing else: what is
// approved is read from the store.
func actionButtons(all ...slack.BlockElement) slack.Block {
	return slack.NewActionBlock("", all...)
}

// approveButton returns the Approve button, with a danger dialog for a destructive operation.
func (b *Bot) approveButton(c confirm.Change) slack.BlockElement {
	button := slack.NewButtonBlockElement(actionApprove, c.ID, blocks.PlainText("Approve")).WithStyle(slack.StylePrimary)
	if !b.forms[c.Operation].Op.Destructive {
		return button
	}
	sure := slack.NewConfirmationBlockObject(blocks.PlainText("Approve "+b.operationTitle(c.Operation)+"?"),
		blocks.PlainText("Change "+c.Code+" is sent to Defender at once. What it overwrites or removes cannot be brought back."),
		blocks.PlainText("Approve"), blocks.PlainText("Cancel"))
	return button.WithStyle(slack.StyleDanger).WithConfirm(sure.WithStyle(slack.StyleDanger))
}

func denyButton(c confirm.Change) slack.BlockElement {
	return slack.NewButtonBlockElement(actionDeny, c.ID, blocks.PlainText("Deny"))
}

// reviewButton returns the button that opens the plan.
func reviewButton(c confirm.Change, style slack.Style) slack.BlockElement {
	return slack.NewButtonBlockElement(actionReview, c.ID, blocks.PlainText("Review")).WithStyle(style)
}

// headlineFor returns the text of a message for notifications. It contains no text from a requester or from Defender.
func (b *Bot) headlineFor(c confirm.Change) string {
	return b.operationTitle(c.Operation) + ": " + stateHeadlines[c.State] + ". Code: " + c.Code
}
