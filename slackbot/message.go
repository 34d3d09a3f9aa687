package slackbot

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// headlines say how a change stands.
var headlines = map[confirm.State]string{
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

// title of an operation, as the catalogue has it.
func (b *Bot) title(operation string) string {
	if f, ok := b.forms[operation]; ok && f.op.Title != "" {
		return f.op.Title
	}
	return operation
}

// question is the message that a change is put to people with, at every moment of its life. note says what an
// executing change waits for.
func (b *Bot) question(c confirm.Change, note string) []slack.Block {
	head := []slack.Block{slack.NewHeaderBlock(plain(short(b.title(c.Operation)+": "+headlines[c.State], 150)))}
	if c.State == confirm.Pending {
		return append(head, b.pending(c)...)
	}
	told := append(head, b.decided(c, note)...)
	if whole := append(told[:len(told):len(told)], planBlocks(c)...); fits(whole, mostBlocks, mostBytes) {
		return whole
	}
	return append(told, append(words(c.Summary), append([]slack.Block{asked(c)}, terms(c)...)...)...)
}

// pending shows the plan whole above its buttons, or the way to where it is shown whole.
func (b *Bot) pending(c confirm.Change) []slack.Block {
	votes := decisions(c)
	if whole := append(planBlocks(c), votes...); fits(whole, mostBlocks, mostBytes) {
		return append(whole, buttons(b.approveButton(c), denyButton(c)))
	}
	brief := words(c.Summary)
	for _, w := range c.Warnings {
		brief = append(brief, words("WARNING: "+w)...)
	}
	if !fits(brief, mostBlocks/2, mostBytes/2) {
		brief = words(fmt.Sprintf("%s\nIt has %d warnings, which stand in the review.", short(c.Summary, 1000), len(c.Warnings)))
	}
	brief = append(append(append(brief, asked(c)), terms(c)...), votes...)
	if pages(c) == nil {
		brief = append(brief, words("This plan is too long to be shown in Slack, and nothing is approved here that was not shown whole. Deny it, and have it asked for again in smaller parts.")...)
		return append(brief, buttons(denyButton(c)))
	}
	brief = append(brief, words("The plan is too long for a message. Review shows it whole; the approve button stands at its end.")...)
	return append(brief, buttons(reviewButton(c, slack.StylePrimary), denyButton(c)))
}

// decided tells what became of a change: who, when, outcome, and the scans as Defender returned them.
func (b *Bot) decided(c confirm.Change, note string) []slack.Block {
	blocks := decisions(c)
	r := tools.ResultOf(c)
	text := r.Reason
	if c.State.Open() {
		text = note
	} else if r.Next != "" && c.State != confirm.Applied {
		text += "\n" + r.Next
	}
	blocks = append(blocks, words(text)...)
	if len(c.Outcome.Scans) > 0 {
		blocks = append(blocks, returned(c.Outcome.Scans)...)
	}
	return blocks
}

// returned are the scans as Defender returned them. The change itself was shown before; of its receipt, what
// does not fit is left to the command line.
func returned(scans json.RawMessage) []slack.Block {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, scans, "", "  "); err != nil {
		return words("Defender's answer cannot be shown.")
	}
	blocks := preformatted(pretty.String())
	if fits(blocks, 4, mostBytes/2) {
		return append(words("Defender returned:"), blocks...)
	}
	return words("Defender's answer is too long for a message; `scanwarden changes ID` shows it.")
}

// decisions are one line for each person who decided, and how many are still needed.
func decisions(c confirm.Change) []slack.Block {
	var blocks []slack.Block
	for _, d := range c.Decisions {
		word := "Approved by "
		if !d.Approve {
			word = "Denied by "
		}
		name := ""
		if d.Name != "" {
			name = ", " + d.Name + ","
		}
		blocks = append(blocks, say(word, person(string(d.Principal)), name+" at "+until(d.At)))
		if d.Reason != "" {
			blocks = append(blocks, words("Reason: "+d.Reason)...)
		}
	}
	if c.State == confirm.Pending && c.Needed > 1 {
		blocks = append(blocks, words(fmt.Sprintf("%d of %d confirmations", c.Approvals(), c.Needed))...)
	}
	return blocks
}

// buttons carry the change's id and nothing else: what is approved is read from the ledger.
func buttons(all ...slack.BlockElement) slack.Block {
	return slack.NewActionBlock("", all...)
}

func (b *Bot) approveButton(c confirm.Change) slack.BlockElement {
	button := slack.NewButtonBlockElement(approveChange, c.ID, plain("Approve")).WithStyle(slack.StylePrimary)
	if !b.forms[c.Operation].op.Destructive {
		return button
	}
	sure := slack.NewConfirmationBlockObject(plain("Approve "+b.title(c.Operation)+"?"),
		plain("Change "+c.Code+" is sent to Defender at once. What it overwrites or removes cannot be brought back."),
		plain("Approve"), plain("Cancel"))
	return button.WithStyle(slack.StyleDanger).WithConfirm(sure.WithStyle(slack.StyleDanger))
}

func denyButton(c confirm.Change) slack.BlockElement {
	return slack.NewButtonBlockElement(denyChange, c.ID, plain("Deny"))
}

func reviewButton(c confirm.Change, style slack.Style) slack.BlockElement {
	return slack.NewButtonBlockElement(reviewChange, c.ID, plain("Review")).WithStyle(style)
}

// headline is the message's text for notifications: nothing in it comes from a requester or from Defender.
func (b *Bot) headline(c confirm.Change) string {
	return b.title(c.Operation) + ": " + headlines[c.State] + ". Code: " + c.Code
}
