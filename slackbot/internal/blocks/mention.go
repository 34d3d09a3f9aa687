package blocks

import (
	"regexp"
	"strings"
	"sync"

	"github.com/slack-go/slack"
)

// reID matches the IDs that Slack issues for users, teams, channels and user groups.
var reID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9]{1,31}$`) })

// IsID reports whether s has the form of an ID that Slack issues.
func IsID(s string) bool { return reID().MatchString(s) }

// UserID returns the Slack user ID of a principal "slack:TEAM/USER". ok is false for any other principal.
func UserID(principal string) (user string, ok bool) {
	rest, isSlack := strings.CutPrefix(principal, "slack:")
	_, user, ok = strings.Cut(rest, "/")
	return user, ok && isSlack && IsID(user)
}

// Mention returns elements that mention a Slack user, followed by the principal. Any other principal is plain text.
// The ID must come from Slack or from our configuration, never from text that a user typed.
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

// MentionLine returns one line made of parts. A part is a string or what Mention returns.
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
