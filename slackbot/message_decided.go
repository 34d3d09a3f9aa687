package slackbot

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/tools"
)

// decidedLooks are the first word of the header and the sign of a message, by state.
var decidedLooks = map[confirm.State]struct{ word, sign string }{
	confirm.Approved:  {"Being sent", "hourglass_flowing_sand"},
	confirm.Executing: {"Being sent", "hourglass_flowing_sand"},
	confirm.Applied:   {"Applied", "white_check_mark"},
	confirm.Failed:    {"Failed", "x"},
	confirm.Unknown:   {"Unknown", "grey_question"},
	confirm.Denied:    {"Denied", "no_entry_sign"},
	confirm.Expired:   {"Expired", "hourglass"},
	confirm.Withdrawn: {"Withdrawn", "leftwards_arrow_with_hook"},
	confirm.Stale:     {"Not sent", "leftwards_arrow_with_hook"},
}

// decidedTitle returns the header of a change that no longer waits: its state, and what the change does.
func decidedTitle(p blocks.Plan) string {
	phrase := p.Phrase(130)
	first, size := utf8.DecodeRuneInString(phrase)
	return cmp.Or(decidedLooks[p.State].word, string(p.State)) + ": " + string(unicode.ToLower(first)) + phrase[size:]
}

// decidedBlocks returns who decided, when, what came of it, and what has changed. The request and Defender's receipt are in the thread.
func decidedBlocks(p blocks.Plan, note string) []slack.Block {
	content := append([]slack.Block{blocks.Header(decidedTitle(p)), decidedLine(p, note)}, outcomeText(p)...)
	if changes := p.Changes(); blocks.Fits(changes, blocks.MaxMessageBlocks/2, blocks.MaxMessageBytes/2) {
		content = append(content, changes...)
	} else {
		content = append(content, blocks.TextSections(blocks.Truncate(p.Summary, blocks.MaxTextUnits))...)
	}
	small := []string{"Code: " + p.Code, "Asked by " + string(p.Requester), p.Target}
	switch {
	case p.State.Open():
	case len(p.Outcome.Scans) > 0:
		small = append(small, "Request and receipt: in the thread")
	default:
		small = append(small, "Request: in the thread")
	}
	return append(content, blocks.Context(small...)...)
}

// decidedLine returns who decided and when, and what that led to.
func decidedLine(p blocks.Plan, note string) slack.Block {
	if !p.State.Open() {
		note = "" // of an execution that has ended meanwhile
	}
	parts := []any{blocks.Emoji(cmp.Or(decidedLooks[p.State].sign, "grey_question")), " "}
	switch p.State {
	case confirm.Denied:
		parts = append(append(parts, deciders(p, "Denied by ", false)...), "Nothing was sent.")
	case confirm.Withdrawn:
		parts = append(parts, "Taken back at ", blocks.Date(p.Updated, p.Created), ". Nothing was sent.")
	case confirm.Expired:
		if p.Approvals() < max(p.Needed, 1) {
			return blocks.MentionLine(append(parts, "Not decided by ", blocks.Date(p.Expires, p.Created), ". Nothing was sent.")...)
		}
		parts = append(append(parts, deciders(p, "Approved by ", true)...), "Its turn did not come by ", blocks.Date(p.Expires, p.Created), ". Nothing was sent.")
	default:
		parts = append(append(parts, deciders(p, "Approved by ", true)...), cmp.Or(sentence(note), approvedResults[p.State]))
	}
	return blocks.MentionLine(parts...)
}

// approvedResults are what an approval has led to, by state.
var approvedResults = map[confirm.State]string{
	confirm.Approved:  "It waits its turn with Defender.",
	confirm.Executing: "It waits its turn with Defender.",
	confirm.Applied:   "Sent once, and Defender has it.",
	confirm.Failed:    "It was not applied.",
	confirm.Unknown:   "Whether Defender has it is not known. It is not sent again.",
	confirm.Stale:     "When Defender was read again, it was not as shown here.",
}

// deciders returns the people who decided with their times, as a sentence that begins with word. It returns nil if there are none.
func deciders(p blocks.Plan, word string, approve bool) (parts []any) {
	for _, d := range p.Decisions {
		if d.Approve != approve {
			continue
		}
		if len(parts) > 0 {
			word = ", "
		}
		parts = append(parts, word, blocks.Voter(d), " at ", blocks.Date(d.At, p.Created))
	}
	if len(parts) > 0 {
		parts = append(parts, ". ")
	}
	return parts
}

// outcomeText returns the reason and, where a person has to act, the next step. What a person wrote is a quote.
func outcomeText(p blocks.Plan) []slack.Block {
	r := tools.ResultOf(p.Change)
	switch p.State {
	case confirm.Applied, confirm.Approved, confirm.Executing:
		return nil
	case confirm.Denied:
		return blocks.ReasonQuote(blocks.Truncate(p.Outcome.Reason, blocks.MaxTextUnits))
	case confirm.Expired, confirm.Withdrawn:
		return blocks.TextSections(blocks.Truncate(sentence(p.Outcome.Reason), maxOutcomeUnits))
	}
	return blocks.TextSections(blocks.Truncate(strings.TrimSpace(sentence(r.Reason)+"\n"+r.Next), maxOutcomeUnits))
}

// maxOutcomeUnits bounds the outcome in a message, in UTF-16 units.
const maxOutcomeUnits = 4 * blocks.MaxTextUnits

// sentence returns text with a capital letter and a period. It returns "" for "".
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return withPeriod(capitalize(text))
}

// capitalize returns text with its first letter in upper case.
func capitalize(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// detailBlocks returns what stands in the thread of a decided change: the exact request, whether it was sent or not, and the scans that
// Defender returned.
func detailBlocks(c confirm.Change) []slack.Block {
	title := "The exact request, sent once."
	switch c.State {
	case confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale:
		title = "The exact request. It was not sent."
	case confirm.Failed, confirm.Unknown:
		title = "The exact request."
	}
	content := []slack.Block{blocks.MentionLine(title + " Digest " + c.Digest)}
	content = append(content, jsonBlocks(c.Request.Method+" "+c.Request.Path+"\n", c.Request.Body)...)
	if len(c.Outcome.Scans) > 0 {
		content = append(content, blocks.MentionLine("Defender's receipt:"))
		content = append(content, jsonBlocks("", c.Outcome.Scans)...)
	}
	return content
}

// jsonBlocks returns JSON laid out for reading, after a first line. What does not fit is left to the command line.
func jsonBlocks(first string, raw json.RawMessage) []slack.Block {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil && len(raw) > 0 {
		return blocks.TextSections("It cannot be shown.")
	}
	content := blocks.CodeBlocks(first + pretty.String())
	if blocks.Fits(content, 8, blocks.MaxMessageBytes/2) {
		return content
	}
	return blocks.TextSections("It is too long for a message; `scanwarden changes ID` shows it.")
}
