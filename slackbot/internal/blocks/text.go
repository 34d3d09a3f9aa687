package slackbot

import (
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"
)

// MaxTextUnits is how many UTF-16 units go into one text object; Slack takes 3000 characters and does not say which.
const MaxTextUnits = 2900

// PlainText is text that Slack shows letter by letter: no markup, no mentions, no links, no :emoji:.
func PlainText(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// TextSections are sections that hold text whole, over as many as it takes.
func TextSections(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range splitText(text) {
		blocks = append(blocks, slack.NewSectionBlock(PlainText(part), nil, nil))
	}
	return blocks
}

// CodeBlocks is text in a fixed width, letter by letter, over as many blocks as it takes.
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

// splitText splits text so that each part fits a text object, at line ends where that can be. Nothing of it is
// left out but a line end where it is split.
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

// PrefixLen is how many bytes of text make at most n UTF-16 units of whole characters.
func PrefixLen(text string, n int) int {
	units := 0
	for i, r := range text {
		if units += max(1, utf16.RuneLen(r)); units > n {
			return i
		}
	}
	return len(text)
}

// Truncate is text for a place that has no room for it, such as an option's label; the whole is shown elsewhere.
func Truncate(text string, n int) string {
	if PrefixLen(text, n) == len(text) {
		return text
	}
	return text[:PrefixLen(text, n-1)] + "…"
}

// withPeriod ends a sentence with a stop, unless whoever wrote it has done so.
func withPeriod(sentence string) string {
	if strings.HasSuffix(sentence, ".") {
		return sentence
	}
	return sentence + "."
}

// TextModal is a modal that only tells something.
func TextModal(blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: PlainText("scanwarden"), Close: PlainText("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}

// Mention mentions somebody by an id that came from Slack or from our own configuration; anybody else is named
// letter by letter.
func Mention(principal string) []slack.RichTextSectionElement {
	name := slack.NewRichTextSectionTextElement(principal, nil)
	if user, ok := UserID(principal); ok {
		return []slack.RichTextSectionElement{
			slack.NewRichTextSectionUserElement(user, nil),
			slack.NewRichTextSectionTextElement(" ("+principal+")", nil),
		}
	}
	return []slack.RichTextSectionElement{name}
}

// MentionLine joins words and people to one line.
func MentionLine(parts ...any) slack.Block {
	section := slack.NewRichTextSection()
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			section.Elements = append(section.Elements, slack.NewRichTextSectionTextElement(part, nil))
		case []slack.RichTextSectionElement:
			section.Elements = append(section.Elements, part...)
		}
	}
	return slack.NewRichTextBlock("", section)
}
