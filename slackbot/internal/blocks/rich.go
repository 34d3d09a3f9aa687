package blocks

import (
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// bold returns text in bold. It is for our own words.
func bold(text string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Bold: true})
}

// Emoji returns one of Slack's own emoji by its name, such as "warning".
func Emoji(name string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionEmojiElement(name, 0, nil)
}

// nearby is how far a time may be from another one to be shown without its day.
const nearby = 12 * time.Hour

// Date returns a time that each reader sees on their own clock, and in UTC where Slack cannot show that. It has no day if it is near
// the time that the message is about.
func Date(t, about time.Time) slack.RichTextSectionElement {
	format, fallback := "{time}", t.UTC().Format("15:04 UTC")
	if t.Sub(about).Abs() > nearby {
		format, fallback = "{date_short_pretty} at {time}", FormatTime(t)
	}
	return slack.NewRichTextSectionDateElement(t.Unix(), format, nil, &fallback)
}

// FormatTime returns t in UTC, to the minute.
func FormatTime(t time.Time) string { return t.UTC().Format("15:04 UTC on 2006-01-02") }

// ReasonQuote returns what a user wrote as a quote, under a line of ours. It returns nil for "".
func ReasonQuote(text string) []slack.Block {
	if text == "" {
		return nil
	}
	quote := &slack.RichTextQuote{Type: slack.RTEQuote, Elements: textElements(text)}
	return []slack.Block{slack.NewRichTextBlock("", quote)}
}

// textElements returns text as elements of rich text, as many as it needs: they are one line for the reader.
func textElements(text string) (all []slack.RichTextSectionElement) {
	for _, p := range splitText(text) {
		all = append(all, slack.NewRichTextSectionTextElement(p.text, nil))
	}
	return all
}

// headedCode returns text in a fixed width under a heading of ours, in as many blocks as it needs.
func headedCode(heading, text string) []slack.Block {
	head := slack.NewRichTextSection(bold(heading))
	parts := splitText(text)
	if len(parts) == 0 || parts[0].of > 0 {
		return append([]slack.Block{slack.NewRichTextBlock("", head)}, CodeBlocks(text)...)
	}
	all := []slack.Block{slack.NewRichTextBlock("", head, preformatted(parts[0].visibleText()))}
	for _, p := range parts[1:] {
		all = append(all, p.codeBlock())
	}
	return all
}

func preformatted(text string) slack.RichTextElement {
	return &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(text, nil)},
	}
}

// bulletList is a list in rich text. The type in slack-go always writes an offset, which Slack's own types do not know.
type bulletList struct {
	Type     slack.RichTextElementType     `json:"type"`
	Style    slack.RichTextListElementType `json:"style"`
	Elements []slack.RichTextElement       `json:"elements"`
}

// RichTextElementType returns the type of the element.
func (l bulletList) RichTextElementType() slack.RichTextElementType { return l.Type }

// Header returns a header, cut to what Slack takes.
func Header(text string) slack.Block {
	return slack.NewHeaderBlock(PlainText(Truncate(text, maxHeaderUnits)))
}

// maxHeaderUnits bounds a header.
const maxHeaderUnits = 150

// Context returns texts in small print, at most ten. It cuts none of them: a text that is too long for it becomes sections.
func Context(texts ...string) []slack.Block {
	var all []slack.MixedElement
	for _, text := range texts {
		if PrefixLen(text, MaxTextUnits) < len(text) {
			return TextSections(strings.Join(texts, "\n"))
		}
		all = append(all, PlainText(text))
	}
	return []slack.Block{slack.NewContextBlock("", all...)}
}
