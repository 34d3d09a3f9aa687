// Package blocks writes text as Slack's Block Kit: sections, preformatted text, mentions, and the plan of a change.
//
// It knows nothing of the bot. It takes strings and changes, and returns blocks:
//
//	text -> split into parts that fit a text object -> plain_text or rich_text blocks
//	confirm.Change -> Plan, for one message, or PlanPages, for the pages of a modal
//
// The invariant: text from Defender or from a requester becomes plain_text or preformatted text, never mrkdwn, and a
// plan is never cut. What does not fit is split over more blocks, or reported to the caller.
package blocks

import (
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"
)

// MaxTextUnits bounds one text object, in UTF-16 units. Slack takes 3000 characters and does not document which kind.
const MaxTextUnits = 2900

// PlainText returns a text object that Slack shows as it is: no markup, no mentions, no links, no :emoji:.
func PlainText(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// TextSections returns text as plain_text sections, as many as it needs. It returns nil for "".
func TextSections(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range splitText(text) {
		blocks = append(blocks, slack.NewSectionBlock(PlainText(part), nil, nil))
	}
	return blocks
}

// CodeBlocks returns text in a fixed width and without markup, in as many blocks as it needs. It returns nil for "".
func CodeBlocks(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range splitText(text) {
		blocks = append(blocks, slack.NewRichTextBlock("", &slack.RichTextPreformatted{
			Type:     slack.RTEPreformatted,
			Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(part, nil)},
		}))
	}
	return blocks
}

// splitText returns text in parts of at most MaxTextUnits, split at line ends where possible. It drops nothing except
// the line end at which it splits.
func splitText(text string) []string {
	var parts []string
	for rest := text; rest != ""; {
		n := PrefixLen(rest, MaxTextUnits)
		if n < len(rest) {
			if end := strings.LastIndexByte(rest[:n], '\n'); end > 0 {
				n = end
			}
		}
		parts = append(parts, rest[:n])
		rest = strings.TrimPrefix(rest[n:], "\n")
	}
	return parts
}

// PrefixLen returns the length in bytes of the longest prefix of text that has at most n UTF-16 units and ends
// between two characters.
func PrefixLen(text string, n int) int {
	units := 0
	for i, r := range text {
		if units += max(1, utf16.RuneLen(r)); units > n {
			return i
		}
	}
	return len(text)
}

// Truncate returns text cut to n UTF-16 units, with an ellipsis when something is cut. It is for labels and
// summaries; the whole text is shown elsewhere.
func Truncate(text string, n int) string {
	if PrefixLen(text, n) == len(text) {
		return text
	}
	return text[:PrefixLen(text, n-1)] + "…"
}

// TextModal returns a modal that shows blocks and has no inputs.
func TextModal(blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: PlainText("scanwarden"), Close: PlainText("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}
