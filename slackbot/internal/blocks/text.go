// Package blocks writes text as Slack's Block Kit: sections, preformatted text, mentions, and the plan of a change.
//
// It knows nothing of the bot. It takes strings and changes, and returns blocks:
//
//	text -> split between tokens into parts that fit a text object -> plain_text or rich_text blocks
//	confirm.Change -> Plan.All, for one message, or Plan.Pages, for the pages of a modal
//
// The invariant: text from Defender or from a requester becomes plain_text or preformatted text, never mrkdwn, and a
// plan is never cut. What does not fit is split over more blocks, or reported to the caller. No block ends inside an
// address, a range, a name or an ID; one that is longer than a block is shown in numbered parts.
package blocks

import (
	"unicode/utf16"
	"unicode/utf8"

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
		blocks = append(blocks, part.section())
	}
	return blocks
}

// CodeBlocks returns text in a fixed width and without markup, in as many blocks as it needs. It returns nil for "".
func CodeBlocks(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range splitText(text) {
		blocks = append(blocks, part.codeBlock())
	}
	return blocks
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

// Truncate returns text cut to n UTF-16 units, with an ellipsis when something is cut. It cuts between two tokens. The
// beginning of a token appears only if the first one is too long, with a mark. It is for labels and summaries; the whole
// text is shown elsewhere.
func Truncate(text string, n int) string {
	const more, cut = "…", "… (cut)"
	if PrefixLen(text, n) == len(text) {
		return text
	}
	if end := wholeTokens(text, PrefixLen(text, n-utf8.RuneCountInString(more))); end > 0 {
		return text[:end] + more
	}
	return text[:PrefixLen(text, n-utf8.RuneCountInString(cut))] + cut
}

// TextModal returns a modal that shows blocks and has no inputs.
func TextModal(blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: PlainText("scanwarden"), Close: PlainText("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}
