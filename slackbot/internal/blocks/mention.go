package blocks

import (
	"regexp"
	"strings"
	"sync"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
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

// Mention returns an element that mentions the Slack user of a principal. Any other principal is plain text.
// The ID must come from Slack or from our configuration, never from text that a user typed.
func Mention(principal string) slack.RichTextSectionElement {
	if user, ok := UserID(principal); ok {
		return slack.NewRichTextSectionUserElement(user, nil)
	}
	return slack.NewRichTextSectionTextElement(principal, nil)
}

// Voter returns elements that name the person of a decision: a mention, or the principal with the person's name.
func Voter(d confirm.Decision) []slack.RichTextSectionElement {
	who := []slack.RichTextSectionElement{Mention(string(d.Principal))}
	if _, ok := UserID(string(d.Principal)); !ok && d.Name != "" {
		who = append(who, slack.NewRichTextSectionTextElement(" ("+d.Name+")", nil))
	}
	return who
}

// MentionLine returns one line made of parts. A part is a string, an element, or several elements.
func MentionLine(parts ...any) slack.Block {
	section := slack.NewRichTextSection()
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			section.Elements = append(section.Elements, slack.NewRichTextSectionTextElement(part, nil))
		case slack.RichTextSectionElement:
			section.Elements = append(section.Elements, part)
		case []slack.RichTextSectionElement:
			section.Elements = append(section.Elements, part...)
		}
	}
	return slack.NewRichTextBlock("", section)
}
