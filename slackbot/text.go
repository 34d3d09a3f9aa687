package slackbot

import (
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"
)

// widest is how many UTF-16 units go into one text object; Slack takes 3000 characters and does not say which.
const widest = 2900

// plain is text that Slack shows letter by letter: no markup, no mentions, no links, no :emoji:.
func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// words are sections that hold text whole, over as many as it takes.
func words(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range portions(text) {
		blocks = append(blocks, slack.NewSectionBlock(plain(part), nil, nil))
	}
	return blocks
}

// preformatted is text in a fixed width, letter by letter, over as many blocks as it takes.
func preformatted(text string) []slack.Block {
	var blocks []slack.Block
	for _, part := range portions(text) {
		blocks = append(blocks, slack.NewRichTextBlock("", &slack.RichTextPreformatted{
			Type:     slack.RTEPreformatted,
			Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(part, nil)},
		}))
	}
	return blocks
}

// portions splits text so that each part fits a text object, at line ends where that can be. Nothing of it is
// left out but a line end where it is split.
func portions(text string) []string {
	var parts []string
	for rest := text; rest != ""; {
		n := fitting(rest, widest)
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

// fitting is how many bytes of text make at most n UTF-16 units of whole characters.
func fitting(text string, n int) int {
	units := 0
	for i, r := range text {
		if units += max(1, utf16.RuneLen(r)); units > n {
			return i
		}
	}
	return len(text)
}

// short is text for a place that has no room for it, such as an option's label; the whole is shown elsewhere.
func short(text string, n int) string {
	if fitting(text, n) == len(text) {
		return text
	}
	return text[:fitting(text, n-1)] + "…"
}

// stopped ends a sentence with a stop, unless whoever wrote it has done so.
func stopped(sentence string) string {
	if strings.HasSuffix(sentence, ".") {
		return sentence
	}
	return sentence + "."
}

// letter is a modal that only tells something.
func letter(blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("scanwarden"), Close: plain("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}

// person mentions somebody by an id that came from Slack or from our own configuration; anybody else is named
// letter by letter.
func person(principal string) []slack.RichTextSectionElement {
	name := slack.NewRichTextSectionTextElement(principal, nil)
	if user, ok := slackUser(principal); ok {
		return []slack.RichTextSectionElement{
			slack.NewRichTextSectionUserElement(user, nil),
			slack.NewRichTextSectionTextElement(" ("+principal+")", nil),
		}
	}
	return []slack.RichTextSectionElement{name}
}

// say joins words and people to one line.
func say(parts ...any) slack.Block {
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
